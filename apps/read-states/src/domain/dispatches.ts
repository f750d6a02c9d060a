// What a user's sessions are told of a change: dispatches of the user protocol, `d` as JSON.
import { ReadStateType, type ReadState } from './read-state.js';
import type { AckMark } from './read-states.js';

/** A dispatch ready for the wire. */
export interface Dispatch {
  readonly type: string;
  readonly json: string;
}

/** Of an ack that moved a mark. */
export function ackDispatch(mark: AckMark, after: ReadState): Dispatch {
  switch (after.type) {
    case ReadStateType.Channel:
      return messageAck(mark, after);
    case ReadStateType.NotificationCenter:
    case ReadStateType.MessageRequests:
      return dispatch('USER_NON_CHANNEL_ACK', featureAck(after));
    default:
      return dispatch('GUILD_FEATURE_ACK', featureAck(after));
  }
}

/** Of pins that were seen. */
export function pinsDispatch(after: ReadState): Dispatch {
  return dispatch('CHANNEL_PINS_ACK', {
    channel_id: String(after.channelId),
    timestamp: isoTime(after.lastPinTimestampMs),
    version: Number(after.version),
  });
}

/**
 * Clients take a missing `mention_count` for 0, so it is sent where it is not: set by hand, or
 * counted past an ack of something older than the newest message.
 */
function messageAck({ isManual, flags, lastViewed }: AckMark, after: ReadState): Dispatch {
  const { mentionCount } = after;
  return dispatch('MESSAGE_ACK', {
    channel_id: String(after.channelId),
    message_id: String(after.lastMessageId),
    version: Number(after.version),
    ...(isManual ? { manual: true } : {}),
    ...(isManual || mentionCount > 0 ? { mention_count: mentionCount } : {}),
    ...(flags === undefined ? {} : { flags }),
    ...(lastViewed === undefined ? {} : { last_viewed: lastViewed }),
  });
}

const featureAck = (after: ReadState): object => ({
  ack_type: after.type,
  resource_id: String(after.channelId),
  entity_id: String(after.lastMessageId),
  version: Number(after.version),
});

const dispatch = (type: string, data: object): Dispatch => ({ type, json: JSON.stringify(data) });

/** As Discord writes it: `2026-11-24T03:00:00.000000+00:00`. */
const isoTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000+00:00');
