export type { ApiVersion, Connection, Encoding, TransportCompression } from './api-version.js';
export { parseConnection } from './api-version.js';
export type {
  Activity,
  ChannelInfoField,
  ChannelSubscription,
  ClientPayload,
  ClientState,
  GuildSubscription,
  GuildSubscriptionsPayload,
  HeartbeatPayload,
  IdentifyPayload,
  Presence,
  PresenceStatus,
  PresenceUpdatePayload,
  RequestChannelInfoPayload,
  RequestGuildMembersPayload,
  RequestSoundboardSoundsPayload,
  ResumePayload,
  ToleratedPayload,
  VoiceStateUpdatePayload,
} from './client-payloads.js';
export type { CloseBehaviour } from './close-codes.js';
export {
  CLOSE_BEHAVIOURS,
  closeBehaviour,
  CloseCode,
  doesClientCloseEndSession,
} from './close-codes.js';
export type { Codec } from './codec.js';
export { codecOf } from './codec.js';
export type {
  Compressor,
  CompressorOptions,
  Decompressor,
  DecompressorOptions,
} from './compression.js';
export { compressPayload, createCompressor, createDecompressor } from './compression.js';
export { DispatchEvent, isDispatchEvent } from './dispatch-events.js';
export { dispatchHeadSize, SEQUENCE_MAX, writeDispatchHead } from './dispatch-head.js';
export { EncodedDispatch } from './encoded-dispatch.js';
export { decodeEtf } from './etf-decoder.js';
export { encodeEtf } from './etf-encoder.js';
export type { ServerFrame } from './frames.js';
export {
  dispatch,
  heartbeatAck,
  heartbeatRequest,
  hello,
  invalidSession,
  reconnect,
} from './frames.js';
export { ALL_INTENTS, areValidIntents, Intent, intentsFor, PRIVILEGED_INTENTS } from './intents.js';
export { decodeJson, encodeJson } from './json-codec.js';
export {
  ACTIVITIES_MAX,
  ACTIVITY_TEXT_LENGTH_MAX,
  ACTIVITY_URL_LENGTH_MAX,
  BOT_PAYLOAD_SIZE_MAX,
  GUILDS_PER_SHARD_MAX,
  HEARTBEAT_INTERVAL_DEFAULT_MS,
  IDENTIFIES_MAX,
  IDENTIFIES_WINDOW_MS,
  IDENTIFY_INTERVAL_MS,
  LARGE_THRESHOLD_DEFAULT,
  LARGE_THRESHOLD_MAX,
  LARGE_THRESHOLD_MIN,
  MEMBER_LIST_REQUEST_INTERVAL_MS,
  MEMBER_REQUEST_NONCE_SIZE_MAX,
  MEMBER_REQUEST_USERS_MAX,
  MEMBERS_PER_CHUNK_MAX,
  PRESENCE_UPDATES_MAX,
  PRESENCE_UPDATES_WINDOW_MS,
  SENDS_MAX,
  SENDS_WINDOW_MS,
  SOUNDBOARD_GUILDS_MAX,
  SUBSCRIBED_CHANNELS_MAX,
  SUBSCRIBED_RANGE_ROWS_MAX,
  SUBSCRIBED_RANGES_MAX,
  USER_PAYLOAD_SIZE_MAX,
} from './limits.js';
export type { DecodeLimits } from './malformed-payload.js';
export { MalformedPayload } from './malformed-payload.js';
export type { ToleratedOpcode } from './opcodes.js';
export { isToleratedOpcode, Opcode } from './opcodes.js';
export { CompressionFailed } from './ordered-transform.js';
export type { ParsedPayload } from './parse-client-payload.js';
export { parseClientPayload } from './parse-client-payload.js';
export { plainForm, SharedForm, sharedForm, SharedFrame } from './shared-frame.js';
export { deflateChunk, ZLIB_STREAM_HEADER, ZLIB_SUFFIX, ZlibChunks } from './zlib-chunks.js';
export { ZSTD_STREAM_HEADER, zstdChunk, ZstdChunks } from './zstd-chunks.js';
