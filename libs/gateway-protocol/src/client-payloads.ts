/**
 * What a client may say, after `parseClientPayload`: complete (absent members have their defaults),
 * bounded, in our own words, and told apart by `op`. Ids are decimal strings of at most 64 bits.
 */
import type { Opcode, ToleratedOpcode } from './opcodes.js';

export type ClientPayload =
  | HeartbeatPayload
  | IdentifyPayload
  | PresenceUpdatePayload
  | VoiceStateUpdatePayload
  | ResumePayload
  | RequestGuildMembersPayload
  | GuildSubscriptionsPayload
  | RequestSoundboardSoundsPayload
  | RequestChannelInfoPayload
  | ToleratedPayload;

/** Either kind of heartbeat; both are answered by HEARTBEAT_ACK. */
export interface HeartbeatPayload {
  readonly op: typeof Opcode.Heartbeat | typeof Opcode.QosHeartbeat;
  /** The last sequence received; null, and with some libraries 0, before the first. */
  readonly sequence: number | null;
}

export interface IdentifyPayload {
  readonly op: typeof Opcode.Identify;
  /** Without the `Bot ` some libraries put before it. Not checked in any way. */
  readonly token: string;
  /** Also from the older names `$os`, `$browser`, `$device`. Empty if not said. */
  readonly properties: { readonly os: string; readonly browser: string; readonly device: string };
  /**
   * Compress single payloads (zlib), if the transport is not compressed and the encoding is JSON.
   */
  readonly compress: boolean;
  /** Within the documented 50 to 250. */
  readonly largeThreshold: number;
  /** `id < count`. Null for the only shard. */
  readonly shard: { readonly id: number; readonly count: number } | null;
  readonly presence: Presence | null;
  /** Valid bits. Null if not sent, as user clients do; whether a bot may is for the gateway. */
  readonly intents: number | null;
  /** Only user clients send these two. */
  readonly capabilities: number | null;
  readonly clientState: ClientState | null;
}

/** What a user client still has from last time. */
export interface ClientState {
  readonly readStateVersion: number | null;
  readonly userGuildSettingsVersion: number | null;
  readonly initialGuildId: string | null;
}

export interface PresenceUpdatePayload {
  readonly op: typeof Opcode.PresenceUpdate;
  readonly presence: Presence;
}

/**
 * `unknown`: a user client asks for the status of last time. `offline` is what `invisible` shows.
 */
export type PresenceStatus = 'online' | 'idle' | 'dnd' | 'invisible' | 'offline' | 'unknown';

export interface Presence {
  readonly status: PresenceStatus;
  readonly isAfk: boolean;
  /** Milliseconds since 1970, or null if the client is not idle. */
  readonly sinceMs: number | null;
  readonly activities: readonly Activity[];
}

/**
 * What all clients may set of an activity; of the rest (only user clients) the parts people see.
 */
export interface Activity {
  readonly name: string;
  /** 0 playing, 1 streaming, 2 listening, 3 watching, 4 custom, 5 competing. */
  readonly type: number;
  readonly state: string | null;
  readonly url: string | null;
  readonly details: string | null;
  readonly applicationId: string | null;
  readonly createdAtMs: number | null;
  readonly timestamps: { readonly startMs: number | null; readonly endMs: number | null } | null;
  readonly emoji: {
    readonly name: string;
    readonly id: string | null;
    readonly isAnimated: boolean;
  } | null;
}

export interface VoiceStateUpdatePayload {
  readonly op: typeof Opcode.VoiceStateUpdate;
  /** Null in a private call. */
  readonly guildId: string | null;
  /** Null to leave. */
  readonly channelId: string | null;
  readonly isSelfMute: boolean;
  readonly isSelfDeaf: boolean;
  readonly isSelfVideo: boolean;
}

export interface ResumePayload {
  readonly op: typeof Opcode.Resume;
  /** Without `Bot `, as in IDENTIFY. */
  readonly token: string;
  readonly sessionId: string;
  /** The last sequence received; 0 for none. May well be beyond what was ever sent. */
  readonly sequence: number;
}

export interface RequestGuildMembersPayload {
  readonly op: typeof Opcode.RequestGuildMembers;
  readonly guildId: string;
  /** Exactly one of `query` and `userIds` is not null. `query: ''` with `limit: 0` is everyone. */
  readonly query: string | null;
  readonly userIds: readonly string[] | null;
  readonly limit: number;
  readonly wantsPresences: boolean;
  /** To be echoed. Null if there was none, or one too long to be echoed. */
  readonly nonce: string | null;
}

export interface RequestSoundboardSoundsPayload {
  readonly op: typeof Opcode.RequestSoundboardSounds;
  readonly guildIds: readonly string[];
}

export interface RequestChannelInfoPayload {
  readonly op: typeof Opcode.RequestChannelInfo;
  readonly guildId: string;
  /** Those known here, each once. */
  readonly fields: readonly ChannelInfoField[];
}
export type ChannelInfoField = 'status' | 'voice_start_time';

export interface GuildSubscriptionsPayload {
  readonly op: typeof Opcode.GuildSubscriptions | typeof Opcode.GuildSubscriptionsBulk;
  readonly subscriptions: readonly GuildSubscription[];
}

/** Changes to what a user client is told of one guild. Undefined leaves as is; a list replaces. */
export interface GuildSubscription {
  readonly guildId: string;
  readonly typing: boolean | undefined;
  readonly threads: boolean | undefined;
  readonly activities: boolean | undefined;
  readonly memberUpdates: boolean | undefined;
  readonly memberIds: readonly string[] | undefined;
  readonly channels: readonly ChannelSubscription[] | undefined;
  readonly threadMemberListIds: readonly string[] | undefined;
}

/** The rows of a channel's member list that are on the client's screen. */
export interface ChannelSubscription {
  readonly channelId: string;
  /** First and last row, both included, at most 100 rows. Empty to look away. */
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

/** Something only user clients say and nothing answers. To be ignored, but counted as a send. */
export interface ToleratedPayload {
  readonly op: ToleratedOpcode;
}
