/**
 * What a gateway payload is about: the `op` of every frame.
 *
 * The first group is official and served to everyone. The second is only known from the user
 * client; we serve three of them (14, 37, 40) and tolerate the rest, because a client that is
 * disconnected for saying something we do not offer comes straight back and says it again.
 */
export const Opcode = {
  Dispatch: 0,
  Heartbeat: 1,
  Identify: 2,
  PresenceUpdate: 3,
  VoiceStateUpdate: 4,
  Resume: 6,
  Reconnect: 7,
  RequestGuildMembers: 8,
  InvalidSession: 9,
  Hello: 10,
  HeartbeatAck: 11,
  RequestSoundboardSounds: 31,
  RequestChannelInfo: 43,

  VoiceServerPing: 5,
  CallConnect: 13,
  GuildSubscriptions: 14,
  LobbyVoiceStates: 17,
  StreamCreate: 18,
  StreamDelete: 19,
  StreamWatch: 20,
  StreamPing: 21,
  StreamSetPaused: 22,
  RequestForumUnreads: 28,
  RemoteCommand: 29,
  RequestDeletedEntityIds: 30,
  RequestLastMessages: 34,
  SearchRecentMembers: 35,
  RequestChannelStatuses: 36,
  GuildSubscriptionsBulk: 37,
  GuildChannelsResync: 38,
  RequestChannelMemberCount: 39,
  QosHeartbeat: 40,
  UpdateTimeSpentSessionId: 41,
  LobbyVoiceServerPing: 42,
} as const;
export type Opcode = (typeof Opcode)[keyof typeof Opcode];

const TOLERATED_OPCODES = [
  Opcode.VoiceServerPing,
  Opcode.CallConnect,
  Opcode.LobbyVoiceStates,
  Opcode.StreamCreate,
  Opcode.StreamDelete,
  Opcode.StreamWatch,
  Opcode.StreamPing,
  Opcode.StreamSetPaused,
  Opcode.RequestForumUnreads,
  Opcode.RemoteCommand,
  Opcode.RequestDeletedEntityIds,
  Opcode.RequestLastMessages,
  Opcode.SearchRecentMembers,
  Opcode.RequestChannelStatuses,
  Opcode.GuildChannelsResync,
  Opcode.RequestChannelMemberCount,
  Opcode.UpdateTimeSpentSessionId,
  Opcode.LobbyVoiceServerPing,
] as const;

/** An opcode that only user clients send and that nothing here answers. */
export type ToleratedOpcode = (typeof TOLERATED_OPCODES)[number];

const TOLERATED: ReadonlySet<number> = new Set(TOLERATED_OPCODES);

/** Whether a client may send this opcode without harm although nothing here answers it. */
export function isToleratedOpcode(opcode: number): opcode is ToleratedOpcode {
  return TOLERATED.has(opcode);
}
