// READY, as bots and as people's clients expect it. Guilds and private channels are JSON already,
// rendered by their owners, and are put in as they are: a person with a hundred guilds has a READY
// of megabytes that is never parsed here.
import { create } from '@bufbuild/protobuf';
import type {
  AuthenticateReply,
  MentionCount,
  ReadPosition,
  ReadStateEntry,
  UserGuildSettings,
} from '@guildhall/contracts';
import { isReadStateVersionKnown, ReadPositionSchema, userJson } from '@guildhall/contracts';
import type { ApiVersion } from '@guildhall/gateway-protocol';
import { Dispatch } from './dispatch.js';

type Plain<M> = Omit<M, '$typeName' | '$unknown'>;

/** Bits of IDENTIFY's `capabilities` that change what is sent here. */
export const Capability = {
  VersionedReadStates: 1 << 2,
  VersionedUserGuildSettings: 1 << 3,
  PrioritizedReadyPayload: 1 << 5,
  NonChannelReadStates: 1 << 7,
} as const;

export interface ReadyFacts {
  readonly version: ApiVersion;
  readonly account: AuthenticateReply;
  readonly sessionId: string;
  readonly resumeUrl: string;
  /** As the client sent it. */
  readonly shard: { readonly id: number; readonly count: number } | null;
  readonly guildIds: readonly bigint[];
  /** Shown to people who debug. */
  readonly trace: readonly string[];
}

/** What only a person's READY says. */
export interface PersonFacts {
  readonly capabilities: number;
  /** By guild id, GUILD_CREATE's `d`; absent when the guild's owner did not answer. */
  readonly guilds: ReadonlyMap<bigint, Uint8Array>;
  readonly privateChannels: readonly Uint8Array[];
  /** Of its guilds and private channels, as their topic has them, and the newest version of all. */
  readonly guildSettings: {
    readonly entries: readonly Plain<UserGuildSettings>[];
    readonly version: bigint;
  };
  /** The version of them that the client has; undefined: it is told all of them. */
  readonly guildSettingsKnown: number | undefined;
  readonly readStates: { readonly entries: readonly ReadStateEntry[]; readonly version: bigint };
  readonly mentionCounts: readonly Plain<MentionCount>[];
  /** The version of the read states that the client has; undefined: it is told all of them. */
  readonly readStatesKnown: number | undefined;
  /** As in SESSIONS_REPLACE. */
  readonly sessions: readonly unknown[];
  readonly authSessionIdHash: string;
}

/** READY's dispatch for a bot; its guilds follow one by one. */
export function botReady(facts: ReadyFacts): Dispatch {
  const { applicationId, applicationFlags } = facts.account;
  return Dispatch.own('READY', {
    ...common(facts),
    user_settings: {},
    relationships: [],
    private_channels: [],
    presences: [],
    guilds: facts.guildIds.map((id) => ({ id: String(id), unavailable: true })),
    guild_join_requests: [],
    application: { id: String(applicationId), flags: applicationFlags },
  });
}

/** READY's dispatch for a person, and what follows it if the client wants it in two parts. */
export function personReady(facts: ReadyFacts, person: PersonFacts): Dispatch[] {
  const isPrioritized = (person.capabilities & Capability.PrioritizedReadyPayload) !== 0;
  const parsed = isPrioritized ? parsedGuilds(facts, person) : undefined;
  const userId = String(facts.account.user?.id ?? 0n);
  const settings = { entries: [], partial: false, version: 0 };
  const rest = {
    ...common(facts),
    users: usersOf(person.privateChannels),
    read_state: readState(person),
    relationships: [],
    presences: [],
    merged_members: facts.guildIds.map((_id, at) =>
      (parsed?.[at]?.members ?? []).filter((member) => memberId(member) === userId).map(merged),
    ),
    sessions: person.sessions,
    auth_session_id_hash: person.authSessionIdHash,
    analytics_token: null,
    country_code: 'US',
    user_settings: settings,
    user_settings_proto: '',
    guild_join_requests: [],
    experiments: [],
    guild_experiments: [],
    connected_accounts: [],
    consents: { personalization: { consented: false } },
    friend_suggestion_count: 0,
    notes: {},
    tutorial: null,
    api_code_version: 1,
  };
  const guilds = facts.guildIds.map(
    (id) => person.guilds.get(id) ?? Buffer.from(`{"id":"${id}","unavailable":true}`),
  );
  const json = Buffer.concat([
    Buffer.from('{"guilds":['),
    ...joined(guilds),
    Buffer.from('],"private_channels":['),
    ...joined(person.privateChannels),
    Buffer.from('],"user_guild_settings":'),
    ...userGuildSettings(person),
    Buffer.from(','),
    Buffer.from(JSON.stringify(rest)).subarray(1),
  ]);
  const ready = new Dispatch('READY', json, true);
  return parsed === undefined ? [ready] : [ready, supplemental(facts, parsed)];
}

/** Where this person has read up to in the channels of one topic, for its owner to count from. */
export function readPositions(
  entries: readonly ReadStateEntry[],
  isOfTopic: (channelId: bigint) => boolean,
): ReadPosition[] {
  return entries
    .filter((entry) => entry.type === CHANNEL && isOfTopic(entry.channelId))
    .map(({ channelId, lastMessageId, mentionCount, manualUntilMessageId }) =>
      create(ReadPositionSchema, {
        channelId,
        lastMessageId,
        manualCount: manualUntilMessageId === 0n ? 0 : mentionCount,
        manualUntilMessageId,
      }),
    );
}

const CHANNEL = 0;

function common({ version, account, sessionId, resumeUrl, shard, trace }: ReadyFacts) {
  return {
    v: version,
    user: selfJson(account),
    session_id: sessionId,
    session_type: 'normal',
    resume_gateway_url: resumeUrl,
    geo_ordered_rtc_regions: [],
    auth: {},
    ...(shard === null ? {} : { shard: [shard.id, shard.count] }),
    _trace: trace,
  };
}

/** The user object one is shown of oneself. */
function selfJson({ user, email }: AuthenticateReply) {
  return {
    ...(user === undefined ? {} : userJson(user)),
    bot: user?.bot ?? false,
    email: email === '' ? null : email,
    verified: true,
    mfa_enabled: false,
    ...(user?.bot === true
      ? {}
      : { phone: null, nsfw_allowed: true, premium_type: 0, desktop: false, mobile: false }),
  };
}

/**
 * Counts change without a new version, whenever somebody is mentioned or a mention goes. So a
 * client that knows a version is told what was changed since, and of every channel that is not read
 * to its end: what has happened in one that is was nothing to be counted.
 */
function readState(person: PersonFacts): unknown {
  const known = person.readStatesKnown;
  const counts = new Map(person.mentionCounts.map((one) => [one.channelId, one]));
  const withOthers = (person.capabilities & Capability.NonChannelReadStates) !== 0;
  const entries: unknown[] = [];
  for (const entry of person.readStates.entries) {
    const isNew = known === undefined || entry.version > known;
    if (entry.type === CHANNEL) {
      const count = counts.get(entry.channelId);
      counts.delete(entry.channelId);
      if (!isNew && count !== undefined && isReadToItsEnd(entry, count)) continue;
      entries.push(channelState(entry, count?.mentionCount ?? entry.mentionCount));
    } else if (withOthers && isNew) {
      entries.push({
        id: String(entry.channelId),
        read_state_type: entry.type,
        last_acked_id: String(entry.lastMessageId),
        badge_count: entry.mentionCount,
      });
    }
  }
  // Mentioned where nothing was ever acked; or mentioned no more, which the client may not know.
  for (const [channelId, { mentionCount }] of counts) {
    if (mentionCount === 0 && known === undefined) continue;
    entries.push({ id: String(channelId), last_message_id: '0', mention_count: mentionCount });
  }
  if ((person.capabilities & Capability.VersionedReadStates) === 0) return entries;
  const isPartial = known !== undefined;
  return { entries, partial: isPartial, version: Number(person.readStates.version) };
}

function isReadToItsEnd(
  entry: ReadStateEntry,
  { mentionCount, lastMessageId }: Plain<MentionCount>,
): boolean {
  return mentionCount === 0 && lastMessageId <= entry.lastMessageId;
}

/** What has changed since the version that the client knows, in JSON of its capabilities. */
function userGuildSettings({
  capabilities,
  guildSettings,
  guildSettingsKnown: known,
}: PersonFacts): Uint8Array[] {
  const isTold = ({ version }: Plain<UserGuildSettings>): boolean =>
    known === undefined || version > known;
  const told = guildSettings.entries.filter(isTold).map(({ json }) => json);
  const list = [Buffer.from('['), ...joined(told), Buffer.from(']')];
  if ((capabilities & Capability.VersionedUserGuildSettings) === 0) return list;
  const rest = { partial: known !== undefined, version: Number(guildSettings.version) };
  return [
    Buffer.from('{"entries":'),
    ...list,
    Buffer.from(','),
    Buffer.from(JSON.stringify(rest)).subarray(1),
  ];
}

/**
 * The version of the user guild settings that a client says to have, when it can be told only the
 * rest: undefined when it does not ask for that, or has one that never was.
 */
export function guildSettingsKnownTo(
  capabilities: number,
  saidVersion: number | null | undefined,
  versionNow: bigint,
): number | undefined {
  if ((capabilities & Capability.VersionedUserGuildSettings) === 0) return undefined;
  if (saidVersion === null || saidVersion === undefined) return undefined;
  return BigInt(saidVersion) <= versionNow ? saidVersion : undefined;
}

/**
 * The version of the read states that a client says to have, when it can be told only the rest:
 * undefined when it does not ask for that, or has one that never was, or from before a deletion.
 */
export function readStatesKnownTo(
  capabilities: number,
  saidVersion: number | null | undefined,
  versionNow: bigint,
): number | undefined {
  if ((capabilities & Capability.VersionedReadStates) === 0) return undefined;
  if (saidVersion === null || saidVersion === undefined) return undefined;
  return isReadStateVersionKnown(saidVersion, Number(versionNow)) ? saidVersion : undefined;
}

function channelState(entry: ReadStateEntry, mentionCount: number): unknown {
  const pinMs = Number(entry.lastPinTimestampMs);
  return {
    id: String(entry.channelId),
    last_message_id: String(entry.lastMessageId),
    mention_count: mentionCount,
    last_pin_timestamp: new Date(pinMs).toISOString(),
    flags: entry.flags,
    last_viewed: entry.lastViewed === 0 ? null : entry.lastViewed,
  };
}

function* joined(parts: readonly Uint8Array[]): Iterable<Uint8Array> {
  for (const [at, part] of parts.entries()) {
    if (at > 0) yield COMMA;
    yield part;
  }
}

const COMMA = Buffer.from(',');

type Json = Record<string, unknown>;
interface ParsedGuild {
  readonly id: string;
  readonly members: readonly Json[];
  readonly presences: readonly Json[];
  readonly voiceStates: readonly Json[];
}

/** Only for clients that want their guilds in two parts. */
function parsedGuilds(facts: ReadyFacts, person: PersonFacts): ParsedGuild[] {
  return facts.guildIds.map((id) => {
    const json = person.guilds.get(id);
    const guild = json === undefined ? {} : (JSON.parse(Buffer.from(json).toString()) as Json);
    return {
      id: String(id),
      members: arrayOf(guild['members']),
      presences: arrayOf(guild['presences']),
      voiceStates: arrayOf(guild['voice_states']),
    };
  });
}

function supplemental(facts: ReadyFacts, guilds: readonly ParsedGuild[]): Dispatch {
  const userId = String(facts.account.user?.id ?? 0n);
  return Dispatch.own('READY_SUPPLEMENTAL', {
    guilds: guilds.map(({ id, voiceStates }) => ({
      id,
      voice_states: voiceStates,
      activity_instances: [],
    })),
    merged_members: guilds.map(({ members }) =>
      members.filter((member) => memberId(member) !== userId).map(merged),
    ),
    merged_presences: {
      friends: [],
      guilds: guilds.map(({ presences }) =>
        presences.map(({ user, ...rest }) => ({ user_id: idOf(user), ...rest })),
      ),
    },
    lazy_private_channels: [],
    disclose: [],
    game_invites: [],
  });
}

/** A member as merged_members has it: the user by id. */
function merged({ user, ...rest }: Json): Json {
  return { user_id: idOf(user), ...rest };
}

function memberId(member: Json): string | undefined {
  return idOf(member['user']);
}

function idOf(user: unknown): string | undefined {
  return (user as { id?: string } | undefined)?.id;
}

function arrayOf(value: unknown): Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

/** The people of private channels, each once. */
function usersOf(privateChannels: readonly Uint8Array[]): unknown[] {
  const users = new Map<string, unknown>();
  for (const json of privateChannels) {
    const channel = JSON.parse(Buffer.from(json).toString()) as Json;
    for (const user of arrayOf(channel['recipients'])) users.set(idOf(user) ?? '', user);
  }
  return [...users.values()];
}

/** GUILD_CREATE's `d` with the key `unavailable`, without which one library never has the guild. */
export function availableGuild(json: Uint8Array): Uint8Array {
  const buffer = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  if (buffer.includes('"unavailable":')) return json;
  const isEmpty = buffer.length <= 2;
  const opening = Buffer.from(isEmpty ? '{"unavailable":false' : '{"unavailable":false,');
  return Buffer.concat([opening, buffer.subarray(1)]);
}
