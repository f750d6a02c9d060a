/** The largest payload a bot may send, in bytes; above it the connection is closed with 4002. */
export const BOT_PAYLOAD_SIZE_MAX = 4096;

/** The largest payload a person's client may send, in bytes. Guild subscriptions need the room. */
export const USER_PAYLOAD_SIZE_MAX = 15_360;

/**
 * How many payloads a connection may send within `SENDS_WINDOW_MS`; one more closes it with 4008.
 */
export const SENDS_MAX = 120;
export const SENDS_WINDOW_MS = 60_000;

/** How many presence updates a session may send within `PRESENCE_UPDATES_WINDOW_MS`. */
export const PRESENCE_UPDATES_MAX = 5;
export const PRESENCE_UPDATES_WINDOW_MS = 20_000;

/** What clients are used to be told in HELLO. */
export const HEARTBEAT_INTERVAL_DEFAULT_MS = 41_250;

/** One IDENTIFY for each rate limit key (`shard_id % max_concurrency`) in this time, else op 9. */
export const IDENTIFY_INTERVAL_MS = 5_000;

/** IDENTIFYs of one bot in `IDENTIFIES_WINDOW_MS`, over all its shards. RESUME is not counted. */
export const IDENTIFIES_MAX = 1000;
export const IDENTIFIES_WINDOW_MS = 24 * 60 * 60 * 1000;

/** More guilds than this on one shard, and the bot has to shard (4011). */
export const GUILDS_PER_SHARD_MAX = 2500;

/**
 * `large_threshold` of IDENTIFY: the member count above which a guild's offline members are left
 * out.
 */
export const LARGE_THRESHOLD_DEFAULT = 50;
export const LARGE_THRESHOLD_MIN = 50;
export const LARGE_THRESHOLD_MAX = 250;

/** Members in one GUILD_MEMBERS_CHUNK. */
export const MEMBERS_PER_CHUNK_MAX = 1000;

/** `user_ids` of one REQUEST_GUILD_MEMBERS, and the most a prefix `query` finds. */
export const MEMBER_REQUEST_USERS_MAX = 100;

/** A longer `nonce` (in bytes of UTF-8) is ignored: not echoed, no error. */
export const MEMBER_REQUEST_NONCE_SIZE_MAX = 32;

/**
 * One request for a guild's whole member list for each guild and bot in this time, else
 * RATE_LIMITED.
 */
export const MEMBER_LIST_REQUEST_INTERVAL_MS = 30_000;

/** Activities kept of one presence; the rest of the array is dropped. */
export const ACTIVITIES_MAX = 16;

/** UTF-16 units kept of an activity's name, state and details; of its url. */
export const ACTIVITY_TEXT_LENGTH_MAX = 128;
export const ACTIVITY_URL_LENGTH_MAX = 512;

/** Guilds in one REQUEST_SOUNDBOARD_SOUNDS. */
export const SOUNDBOARD_GUILDS_MAX = 200;

/** Channels of one guild subscription, and member list ranges of each; the rest is dropped. */
export const SUBSCRIBED_CHANNELS_MAX = 100;
export const SUBSCRIBED_RANGES_MAX = 8;

/** Rows of one member list range: chunks of 100, both ends included. */
export const SUBSCRIBED_RANGE_ROWS_MAX = 100;
