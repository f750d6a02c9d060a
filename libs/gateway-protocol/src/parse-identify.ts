import type { ClientState, IdentifyPayload } from './client-payloads.js';
import { CloseCode } from './close-codes.js';
import type { Fields } from './fields.js';
import { count, isFields, isSaid, Refusal, shortText, snowflakeOrNull, string } from './fields.js';
import { areValidIntents } from './intents.js';
import { LARGE_THRESHOLD_DEFAULT, LARGE_THRESHOLD_MAX, LARGE_THRESHOLD_MIN } from './limits.js';
import { Opcode } from './opcodes.js';
import { parsePresence } from './parse-presence.js';

const PROPERTY_LENGTH_MAX = 128;
const BOT_PREFIX = 'Bot ';

/**
 * IDENTIFY as the libraries really send it: a token with or without `Bot `, `compress` as the name
 * of the transport (then said twice, and not meant), no `shard` for the only one, `presence` half
 * empty, members nobody knows. What has a close code of its own is refused with it: a shard that is
 * none (4010), intents nobody defined (4013). Throws `Refusal`.
 */
export function parseIdentify(said: Fields): IdentifyPayload {
  return {
    op: Opcode.Identify,
    token: parseToken(said['token']),
    properties: properties(said['properties']),
    compress: said['compress'] === true,
    largeThreshold: largeThreshold(said['large_threshold']),
    shard: shard(said['shard']),
    presence: isSaid(said['presence']) ? parsePresence(said['presence']) : null,
    intents: intents(said['intents']),
    capabilities: isSaid(said['capabilities']) ? count(said['capabilities'], 'capabilities') : null,
    clientState: isFields(said['client_state']) ? clientState(said['client_state']) : null,
  };
}

/** The bare token of IDENTIFY and RESUME. */
export function parseToken(value: unknown): string {
  const token = string(value, 'token');
  return token.startsWith(BOT_PREFIX) ? token.slice(BOT_PREFIX.length) : token;
}

function properties(value: unknown): IdentifyPayload['properties'] {
  const said = isFields(value) ? value : {};
  const property = (name: string) =>
    shortText(said[name] ?? said[`$${name}`], PROPERTY_LENGTH_MAX) ?? '';
  return { os: property('os'), browser: property('browser'), device: property('device') };
}

function largeThreshold(value: unknown): number {
  if (!isSaid(value)) return LARGE_THRESHOLD_DEFAULT;
  const threshold = count(value, 'large_threshold');
  return Math.min(LARGE_THRESHOLD_MAX, Math.max(LARGE_THRESHOLD_MIN, threshold));
}

function shard(value: unknown): IdentifyPayload['shard'] {
  if (!isSaid(value)) return null;
  const [id, shardsCount] = Array.isArray(value) && value.length === 2 ? (value as unknown[]) : [];
  if (!Number.isSafeInteger(id) || !Number.isSafeInteger(shardsCount)) throw invalidShard();
  if ((id as number) < 0 || (id as number) >= (shardsCount as number)) throw invalidShard();
  return { id: id as number, count: shardsCount as number };
}

function invalidShard(): Refusal {
  return new Refusal('shard is not [id, count]', CloseCode.InvalidShard);
}

function intents(value: unknown): number | null {
  if (!isSaid(value)) return null;
  if (typeof value !== 'number' || !areValidIntents(value)) {
    throw new Refusal('intents are not valid', CloseCode.InvalidIntents);
  }
  return value;
}

function clientState(said: Fields): ClientState {
  return {
    readStateVersion: versionOrNull(said['read_state_version']),
    userGuildSettingsVersion: versionOrNull(said['user_guild_settings_version']),
    initialGuildId: snowflakeOrNull(said['initial_guild_id']),
  };
}

/** -1 is how clients say that they have none. */
function versionOrNull(said: unknown): number | null {
  return Number.isSafeInteger(said) && (said as number) >= 0 ? (said as number) : null;
}
