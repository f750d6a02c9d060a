// What a user's sessions are told of a change: dispatches of the user protocol, `d` as JSON, written
// as bytes, for there is one for nearly every ack.
import { ReadStateOperation, type OperationReader } from '@guildhall/contracts';
import type { JsonBytes } from './json-bytes.js';
import { ReadStateType } from './read-state.js';
import type { ReadStates } from './read-states.js';

const encoder = new TextEncoder();
const bytesOf = (text: string): Uint8Array => encoder.encode(text);

/** Names of dispatches, as bytes. */
const MESSAGE_ACK = bytesOf('MESSAGE_ACK');
const CHANNEL_PINS_ACK = bytesOf('CHANNEL_PINS_ACK');
const USER_NON_CHANNEL_ACK = bytesOf('USER_NON_CHANNEL_ACK');
const GUILD_FEATURE_ACK = bytesOf('GUILD_FEATURE_ACK');

const CHANNEL_ID = bytesOf('{"channel_id":"');
const MESSAGE_ID = bytesOf('","message_id":"');
const VERSION = bytesOf('","version":');
const MANUAL = bytesOf(',"manual":true');
const MENTION_COUNT = bytesOf(',"mention_count":');
const FLAGS = bytesOf(',"flags":');
const LAST_VIEWED = bytesOf(',"last_viewed":');
const TIMESTAMP = bytesOf('","timestamp":"');
const ACK_TYPE = bytesOf('{"ack_type":');
const RESOURCE_ID = bytesOf(',"resource_id":"');
const ENTITY_ID = bytesOf('","entity_id":"');
const END = bytesOf('}');

/** Hot path. The dispatch that tells of an operation which has just moved a mark. */
export function dispatchName(operations: OperationReader, at: number): Uint8Array {
  if (operations.kind(at) === ReadStateOperation.AckPins) return CHANNEL_PINS_ACK;
  switch (operations.type(at)) {
    case ReadStateType.Channel:
      return MESSAGE_ACK;
    case ReadStateType.NotificationCenter:
    case ReadStateType.MessageRequests:
      return USER_NON_CHANNEL_ACK;
    default:
      return GUILD_FEATURE_ACK;
  }
}

/** Hot path. Its `d`: the operation is the last that was carried out. */
export function writeDispatch(
  json: JsonBytes,
  states: ReadStates,
  operations: OperationReader,
  at: number,
): void {
  if (operations.kind(at) === ReadStateOperation.AckPins) writePins(json, states);
  else if (operations.type(at) === ReadStateType.Channel) writeAck(json, states, operations, at);
  else writeFeatureAck(json, states);
}

/**
 * Clients take a missing `mention_count` for 0, so it is sent where it is not: set by hand, or
 * counted past an ack of something older than the newest message.
 */
function writeAck(
  json: JsonBytes,
  { table, user, entry }: ReadStates,
  operations: OperationReader,
  at: number,
): void {
  const isManual = operations.isManual(at);
  const mentions = table.mentionsOf(entry);
  json.put(CHANNEL_ID);
  json.decimal64(table.channelHi(entry), table.channelLo(entry));
  json.put(MESSAGE_ID);
  json.decimal64(table.messageHi(entry), table.messageLo(entry));
  json.put(VERSION);
  json.decimal(table.versionOf(user));
  if (isManual) json.put(MANUAL);
  if (isManual || mentions > 0) {
    json.put(MENTION_COUNT);
    json.decimal(mentions);
  }
  if (operations.hasFlags(at)) {
    json.put(FLAGS);
    json.decimal(operations.flags(at));
  }
  if (operations.hasLastViewed(at)) {
    json.put(LAST_VIEWED);
    json.decimal(operations.lastViewed(at));
  }
  json.put(END);
}

function writeFeatureAck(json: JsonBytes, { table, user, entry }: ReadStates): void {
  json.put(ACK_TYPE);
  json.decimal(table.typeOf(entry));
  json.put(RESOURCE_ID);
  json.decimal64(table.channelHi(entry), table.channelLo(entry));
  json.put(ENTITY_ID);
  json.decimal64(table.messageHi(entry), table.messageLo(entry));
  json.put(VERSION);
  json.decimal(table.versionOf(user));
  json.put(END);
}

function writePins(json: JsonBytes, { table, user, entry }: ReadStates): void {
  json.put(CHANNEL_ID);
  json.decimal64(table.channelHi(entry), table.channelLo(entry));
  json.put(TIMESTAMP);
  json.put(bytesOf(isoTime(table.pinMsOf(entry))));
  json.put(VERSION);
  json.decimal(table.versionOf(user));
  json.put(END);
}

/** As Discord writes it: `2026-11-24T03:00:00.000000+00:00`. */
const isoTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000+00:00');
