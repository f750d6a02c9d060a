// Acks: how far a person has read. The topic's owner says whether the channel may be viewed and how
// many mentions lie past the message; then the mark moves, durably, where read states are kept.
import { Guilds, Messages, refuseField, Topics, type BatchAck } from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { parseSnowflake, type Snowflake } from '@guildhall/snowflake';
import type { Ports, ReadMarks } from '../domain/ports.js';
import {
  boolean,
  integer,
  list,
  object,
  optionalOrNull,
  snowflake,
  then,
  withDefault,
} from '../domain/validation.js';
import { DONE, json, type Answer } from './answer.js';
import { inBatches } from './in-batches.js';
import { route, type Ask, type Route } from './route.js';

type AnyAsk = Ask<unknown, unknown, unknown>;

/** Discord's read state types. */
const CHANNEL = 0;
const GUILD_TYPES: readonly number[] = [1, 3, 4];
const USER_TYPES: readonly number[] = [2, 5];
const IS_GUILD_CHANNEL = 1;

const ACKS_MAX = 100;
const CHANNELS_AT_ONCE = 16;
/** What clients got in exchange for an ack in older days; nobody uses it. */
const NO_TOKEN = json({ token: null });
const UINT32_MAX = 2 ** 32 - 1;

/** The routes of read states; for people only. */
export function readStateRoutes({ clock, marks }: Ports): Route[] {
  return [
    route({
      method: 'POST',
      path: '/channels/:channel_id/messages/:message_id/ack',
      who: 'people',
      body: object({
        manual: withDefault(boolean(), false),
        mention_count: optionalOrNull(integer({ min: 0, max: UINT32_MAX })),
        flags: optionalOrNull(integer({ min: 0, max: UINT32_MAX })),
        last_viewed: optionalOrNull(integer({ min: 0, max: UINT32_MAX })),
      }),
      async answer(ask) {
        const { params, body } = ask;
        const ack = await countedAck(ask, params.channel_id, params.message_id);
        const isCountGiven = body.manual && body.mention_count !== undefined;
        return acked(marks, ask, [
          {
            ...ack,
            manual: body.manual,
            ...(isCountGiven ? { mentionCount: body.mention_count } : {}),
            // Only a count that was given stands until there are newer messages; one that was
            // counted here goes on being counted.
            ...(body.manual && !isCountGiven ? { channelLastMessageId: 0n } : {}),
            ...(body.flags === undefined ? {} : { flags: body.flags }),
            ...(body.last_viewed === undefined ? {} : { lastViewed: body.last_viewed }),
          },
        ]);
      },
    }),
    route({
      method: 'POST',
      path: '/read-states/ack-bulk',
      who: 'people',
      body: object({
        read_states: list(
          object({
            read_state_type: withDefault(integer({ min: 0, max: 5 }), CHANNEL),
            channel_id: snowflake(),
            message_id: then(snowflake(), (id, path, findings) =>
              id > 0n
                ? id
                : findings.add(
                    path,
                    'NUMBER_TYPE_MIN',
                    'snowflake value should be greater than 0.',
                  ),
            ),
          }),
          { max: ACKS_MAX },
        ),
      }),
      async answer(ask) {
        const acks = await inBatches(ask.body.read_states, CHANNELS_AT_ONCE, async (one) => {
          const { channel_id: channelId, message_id: messageId, read_state_type: type } = one;
          if (type !== CHANNEL) return { type, channelId, messageId };
          return countedAck(ask, channelId, messageId).catch(unlessRefused);
        });
        await acked(
          marks,
          ask,
          acks.filter((ack) => ack !== undefined),
        );
        return DONE;
      },
    }),
    route({
      method: 'POST',
      path: '/channels/:channel_id/pins/ack',
      who: 'people',
      async answer(ask) {
        const { params, user, trace } = ask;
        await countedAck(ask, params.channel_id, 0n);
        await marks.ackPins(user.id, params.channel_id, clock.nowMs(), trace);
        return DONE;
      },
    }),
    route({
      method: 'POST',
      path: '/guilds/:guild_id/ack/:type/:entity_id',
      who: 'people',
      async answer(ask) {
        const { params, query_, owner } = ask;
        const type = typeIn(params.type, GUILD_TYPES);
        await owner(Topics.method.getUserGuild, params.guild_id, {
          command: query_(params.guild_id),
        });
        return acked(marks, ask, [
          { type, channelId: params.guild_id, messageId: params.entity_id },
        ]);
      },
    }),
    route({
      method: 'POST',
      path: '/users/@me/:type/:entity_id/ack',
      who: 'people',
      async answer(ask) {
        const type = typeIn(ask.params.type, USER_TYPES);
        return acked(marks, ask, [
          { type, channelId: ask.user.id, messageId: ask.params.entity_id },
        ]);
      },
    }),
    route({
      method: 'DELETE',
      path: '/channels/:channel_id/messages/ack',
      who: 'people',
      body: object({
        read_state_type: withDefault(integer({ min: 0, max: 5 }), CHANNEL),
        version: optionalOrNull(integer({ min: 0, max: UINT32_MAX })),
      }),
      async answer({ params, body, user, trace }) {
        await marks.delete(user.id, body.read_state_type, params.channel_id, trace);
        return DONE;
      },
    }),
    route({
      method: 'POST',
      path: '/guilds/:guild_id/ack',
      who: 'people',
      async answer(ask) {
        const { params, query_, owner } = ask;
        const reply = await owner(Guilds.method.listChannels, params.guild_id, {
          command: query_(params.guild_id),
        });
        await acked(marks, ask, newestOfEach(reply.json));
        return DONE;
      },
    }),
  ];
}

/** An ack of a channel, with the mentions past it. Refused for whoever may not view the channel. */
async function countedAck(
  { owner, query_ }: Pick<AnyAsk, 'owner' | 'query_'>,
  channelId: Snowflake,
  messageId: Snowflake,
): Promise<BatchAck> {
  const counted = await owner(Messages.method.countMentions, channelId, {
    command: query_(),
    channelId,
    position: messageId,
  });
  return {
    type: CHANNEL,
    channelId,
    messageId,
    mentionCount: counted.mentionCount,
    channelLastMessageId: counted.lastMessageId,
    ...(counted.isGuildChannel ? { flags: IS_GUILD_CHANNEL } : {}),
  };
}

async function acked(
  marks: ReadMarks,
  { user, trace }: Pick<AnyAsk, 'user' | 'trace'>,
  acks: readonly BatchAck[],
): Promise<Answer> {
  await marks.ack(user.id, acks, trace);
  return NO_TOKEN;
}

/** A channel that is gone or hidden meanwhile does not keep the others from being acked. */
function unlessRefused(reason: unknown): undefined {
  const fault = Fault.from(reason);
  if (fault.code !== FaultCode.Refused && fault.code !== FaultCode.NotFound) throw fault;
  return undefined;
}

/** Nothing lies past the newest message, so there is nothing to count. */
function newestOfEach(channelsJson: Uint8Array): BatchAck[] {
  const channels = JSON.parse(Buffer.from(channelsJson).toString()) as Record<string, unknown>[];
  return channels.flatMap(({ id, last_message_id: last }) => {
    const channelId = parseSnowflake(id);
    const messageId = parseSnowflake(last);
    if (channelId === undefined || messageId === undefined) return [];
    const channelLastMessageId = messageId;
    return [{ type: CHANNEL, channelId, messageId, channelLastMessageId, flags: IS_GUILD_CHANNEL }];
  });
}

function typeIn(text: string, types: readonly number[]): number {
  const type = types.find((one) => String(one) === text);
  if (type !== undefined) return type;
  const message = `Value must be one of (${types.join(', ')}).`;
  throw refuseField(['type'], 'BASE_TYPE_CHOICES', message);
}
