// Reactions of messages.
import { Messages } from '@guildhall/contracts';
import { emojiInPath } from '../domain/emoji-path.js';
import { integer, object, optionalOrNull, snowflake, withDefault } from '../domain/validation.js';
import { DONE, json } from './answer.js';
import { route, type Route } from './route.js';

const MESSAGE = '/channels/:channel_id/messages/:message_id/reactions';

/** The routes of reactions. */
export function reactionRoutes(): Route[] {
  return [
    route({
      method: 'PUT',
      path: `${MESSAGE}/:emoji/@me`,
      who: 'users',
      async answer({ params, user, command, owner }) {
        await owner(Messages.method.putReaction, params.channel_id, {
          command: command(),
          channelId: params.channel_id,
          messageId: params.message_id,
          emoji: emojiInPath(params.emoji),
          userId: user.id,
        });
        return DONE;
      },
    }),
    route({
      method: 'DELETE',
      path: `${MESSAGE}/:emoji/@me`,
      who: 'users',
      async answer({ params, user, command, owner }) {
        await owner(Messages.method.deleteReaction, params.channel_id, {
          command: command(),
          channelId: params.channel_id,
          messageId: params.message_id,
          emoji: emojiInPath(params.emoji),
          userId: user.id,
        });
        return DONE;
      },
    }),
    route({
      method: 'DELETE',
      path: `${MESSAGE}/:emoji/:user_id`,
      who: 'users',
      async answer({ params, command, owner }) {
        await owner(Messages.method.deleteReaction, params.channel_id, {
          command: command(),
          channelId: params.channel_id,
          messageId: params.message_id,
          emoji: emojiInPath(params.emoji),
          userId: params.user_id,
        });
        return DONE;
      },
    }),
    route({
      method: 'GET',
      path: `${MESSAGE}/:emoji`,
      who: 'users',
      query: object({
        limit: withDefault(integer({ min: 1, max: 100 }), 25),
        after: optionalOrNull(snowflake()),
      }),
      async answer({ params, query, query_, owner }) {
        const reply = await owner(Messages.method.listReactions, params.channel_id, {
          command: query_(),
          channelId: params.channel_id,
          messageId: params.message_id,
          emoji: emojiInPath(params.emoji),
          limit: query.limit,
          after: query.after ?? 0n,
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'DELETE',
      path: `${MESSAGE}/:emoji`,
      who: 'users',
      async answer({ params, command, owner }) {
        await owner(Messages.method.clearReactions, params.channel_id, {
          command: command(),
          channelId: params.channel_id,
          messageId: params.message_id,
          emoji: emojiInPath(params.emoji),
        });
        return DONE;
      },
    }),
    route({
      method: 'DELETE',
      path: MESSAGE,
      who: 'users',
      async answer({ params, command, owner }) {
        await owner(Messages.method.clearReactions, params.channel_id, {
          command: command(),
          channelId: params.channel_id,
          messageId: params.message_id,
        });
        return DONE;
      },
    }),
  ];
}
