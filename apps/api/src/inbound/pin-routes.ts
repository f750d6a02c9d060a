// Pins, under their new addresses and the old ones.
import { Messages } from '@guildhall/contracts';
import { integer, object, optionalOrNull, timestamp, withDefault } from '../domain/validation.js';
import { DONE, json } from './answer.js';
import { route, type Route } from './route.js';

const PINS_MAX = 50;

/** The routes of pins. */
export function pinRoutes(): Route[] {
  return [
    route({
      method: 'GET',
      path: '/channels/:channel_id/messages/pins',
      who: 'users',
      query: object({
        limit: withDefault(integer({ min: 1, max: PINS_MAX }), PINS_MAX),
        before: optionalOrNull(timestamp()),
      }),
      async answer({ params, query, query_, owner }) {
        const reply = await owner(Messages.method.listPins, params.channel_id, {
          command: query_(),
          channelId: params.channel_id,
          limit: query.limit,
          beforeMs: BigInt(Math.max(0, query.before ?? 0)),
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'GET',
      path: '/channels/:channel_id/pins',
      who: 'users',
      async answer({ params, query_, owner }) {
        const reply = await owner(Messages.method.listPins, params.channel_id, {
          command: query_(),
          channelId: params.channel_id,
          legacy: true,
          limit: PINS_MAX,
        });
        return json(reply.json);
      },
    }),
    ...['/channels/:channel_id/messages/pins', '/channels/:channel_id/pins'].flatMap(pinRoutesAt),
  ];
}

function pinRoutesAt(base: string): Route[] {
  const path = `${base}/:message_id` as '/channels/:channel_id/pins/:message_id';
  return [
    route({
      method: 'PUT',
      path,
      who: 'users',
      async answer({ params, command, owner }) {
        await owner(Messages.method.putPin, params.channel_id, {
          command: command(),
          channelId: params.channel_id,
          messageId: params.message_id,
        });
        return DONE;
      },
    }),
    route({
      method: 'DELETE',
      path,
      who: 'users',
      async answer({ params, command, owner }) {
        await owner(Messages.method.deletePin, params.channel_id, {
          command: command(),
          channelId: params.channel_id,
          messageId: params.message_id,
        });
        return DONE;
      },
    }),
  ];
}
