/**
 * The name (`t`) of every dispatch. A closed list: an event that is not here has no rule about who
 * may be sent it (see `intentsFor`), so a new one is added here first.
 */
export const DispatchEvent = {
  // Life of a session.
  Ready: 'READY',
  ReadySupplemental: 'READY_SUPPLEMENTAL',
  Resumed: 'RESUMED',
  RateLimited: 'RATE_LIMITED',
  SessionsReplace: 'SESSIONS_REPLACE',

  // Guilds.
  GuildCreate: 'GUILD_CREATE',
  GuildUpdate: 'GUILD_UPDATE',
  GuildDelete: 'GUILD_DELETE',
  GuildRoleCreate: 'GUILD_ROLE_CREATE',
  GuildRoleUpdate: 'GUILD_ROLE_UPDATE',
  GuildRoleDelete: 'GUILD_ROLE_DELETE',

  // Channels and threads.
  ChannelCreate: 'CHANNEL_CREATE',
  ChannelUpdate: 'CHANNEL_UPDATE',
  ChannelDelete: 'CHANNEL_DELETE',
  ChannelPinsUpdate: 'CHANNEL_PINS_UPDATE',
  ChannelInfo: 'CHANNEL_INFO',
  ThreadCreate: 'THREAD_CREATE',
  ThreadUpdate: 'THREAD_UPDATE',
  ThreadDelete: 'THREAD_DELETE',
  ThreadListSync: 'THREAD_LIST_SYNC',
  ThreadMemberUpdate: 'THREAD_MEMBER_UPDATE',
  ThreadMembersUpdate: 'THREAD_MEMBERS_UPDATE',
  ThreadMemberListUpdate: 'THREAD_MEMBER_LIST_UPDATE',
  StageInstanceCreate: 'STAGE_INSTANCE_CREATE',
  StageInstanceUpdate: 'STAGE_INSTANCE_UPDATE',
  StageInstanceDelete: 'STAGE_INSTANCE_DELETE',
  VoiceChannelStatusUpdate: 'VOICE_CHANNEL_STATUS_UPDATE',
  VoiceChannelStartTimeUpdate: 'VOICE_CHANNEL_START_TIME_UPDATE',

  // Members and moderation.
  GuildMemberAdd: 'GUILD_MEMBER_ADD',
  GuildMemberUpdate: 'GUILD_MEMBER_UPDATE',
  GuildMemberRemove: 'GUILD_MEMBER_REMOVE',
  GuildMembersChunk: 'GUILD_MEMBERS_CHUNK',
  GuildMemberListUpdate: 'GUILD_MEMBER_LIST_UPDATE',
  GuildAuditLogEntryCreate: 'GUILD_AUDIT_LOG_ENTRY_CREATE',
  GuildBanAdd: 'GUILD_BAN_ADD',
  GuildBanRemove: 'GUILD_BAN_REMOVE',

  // Expressions, integrations, webhooks, invites.
  GuildEmojisUpdate: 'GUILD_EMOJIS_UPDATE',
  GuildStickersUpdate: 'GUILD_STICKERS_UPDATE',
  GuildSoundboardSoundCreate: 'GUILD_SOUNDBOARD_SOUND_CREATE',
  GuildSoundboardSoundUpdate: 'GUILD_SOUNDBOARD_SOUND_UPDATE',
  GuildSoundboardSoundDelete: 'GUILD_SOUNDBOARD_SOUND_DELETE',
  GuildSoundboardSoundsUpdate: 'GUILD_SOUNDBOARD_SOUNDS_UPDATE',
  SoundboardSounds: 'SOUNDBOARD_SOUNDS',
  GuildIntegrationsUpdate: 'GUILD_INTEGRATIONS_UPDATE',
  IntegrationCreate: 'INTEGRATION_CREATE',
  IntegrationUpdate: 'INTEGRATION_UPDATE',
  IntegrationDelete: 'INTEGRATION_DELETE',
  WebhooksUpdate: 'WEBHOOKS_UPDATE',
  InviteCreate: 'INVITE_CREATE',
  InviteDelete: 'INVITE_DELETE',

  // Voice and presence.
  VoiceStateUpdate: 'VOICE_STATE_UPDATE',
  VoiceServerUpdate: 'VOICE_SERVER_UPDATE',
  VoiceChannelEffectSend: 'VOICE_CHANNEL_EFFECT_SEND',
  PresenceUpdate: 'PRESENCE_UPDATE',
  TypingStart: 'TYPING_START',

  // Messages.
  MessageCreate: 'MESSAGE_CREATE',
  MessageUpdate: 'MESSAGE_UPDATE',
  MessageDelete: 'MESSAGE_DELETE',
  MessageDeleteBulk: 'MESSAGE_DELETE_BULK',
  MessageReactionAdd: 'MESSAGE_REACTION_ADD',
  MessageReactionAddMany: 'MESSAGE_REACTION_ADD_MANY',
  MessageReactionRemove: 'MESSAGE_REACTION_REMOVE',
  MessageReactionRemoveAll: 'MESSAGE_REACTION_REMOVE_ALL',
  MessageReactionRemoveEmoji: 'MESSAGE_REACTION_REMOVE_EMOJI',
  MessagePollVoteAdd: 'MESSAGE_POLL_VOTE_ADD',
  MessagePollVoteRemove: 'MESSAGE_POLL_VOTE_REMOVE',

  // Scheduled events and auto moderation.
  GuildScheduledEventCreate: 'GUILD_SCHEDULED_EVENT_CREATE',
  GuildScheduledEventUpdate: 'GUILD_SCHEDULED_EVENT_UPDATE',
  GuildScheduledEventDelete: 'GUILD_SCHEDULED_EVENT_DELETE',
  GuildScheduledEventUserAdd: 'GUILD_SCHEDULED_EVENT_USER_ADD',
  GuildScheduledEventUserRemove: 'GUILD_SCHEDULED_EVENT_USER_REMOVE',
  AutoModerationRuleCreate: 'AUTO_MODERATION_RULE_CREATE',
  AutoModerationRuleUpdate: 'AUTO_MODERATION_RULE_UPDATE',
  AutoModerationRuleDelete: 'AUTO_MODERATION_RULE_DELETE',
  AutoModerationActionExecution: 'AUTO_MODERATION_ACTION_EXECUTION',

  // Users, applications, commerce.
  UserUpdate: 'USER_UPDATE',
  InteractionCreate: 'INTERACTION_CREATE',
  ApplicationCommandPermissionsUpdate: 'APPLICATION_COMMAND_PERMISSIONS_UPDATE',
  EntitlementCreate: 'ENTITLEMENT_CREATE',
  EntitlementUpdate: 'ENTITLEMENT_UPDATE',
  EntitlementDelete: 'ENTITLEMENT_DELETE',
  SubscriptionCreate: 'SUBSCRIPTION_CREATE',
  SubscriptionUpdate: 'SUBSCRIPTION_UPDATE',
  SubscriptionDelete: 'SUBSCRIPTION_DELETE',

  // User clients only.
  MessageAck: 'MESSAGE_ACK',
  ChannelPinsAck: 'CHANNEL_PINS_ACK',
  GuildFeatureAck: 'GUILD_FEATURE_ACK',
  UserNonChannelAck: 'USER_NON_CHANNEL_ACK',
  ChannelUnreadUpdate: 'CHANNEL_UNREAD_UPDATE',
  PassiveUpdateV1: 'PASSIVE_UPDATE_V1',
  PassiveUpdateV2: 'PASSIVE_UPDATE_V2',
  ChannelRecipientAdd: 'CHANNEL_RECIPIENT_ADD',
  ChannelRecipientRemove: 'CHANNEL_RECIPIENT_REMOVE',
  CallCreate: 'CALL_CREATE',
  CallUpdate: 'CALL_UPDATE',
  CallDelete: 'CALL_DELETE',
  RelationshipAdd: 'RELATIONSHIP_ADD',
  RelationshipUpdate: 'RELATIONSHIP_UPDATE',
  RelationshipRemove: 'RELATIONSHIP_REMOVE',
  UserSettingsProtoUpdate: 'USER_SETTINGS_PROTO_UPDATE',
  UserGuildSettingsUpdate: 'USER_GUILD_SETTINGS_UPDATE',
  UserNoteUpdate: 'USER_NOTE_UPDATE',
  InteractionSuccess: 'INTERACTION_SUCCESS',
  InteractionModalCreate: 'INTERACTION_MODAL_CREATE',
  ApplicationCommandAutocompleteResponse: 'APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE',
} as const;
export type DispatchEvent = (typeof DispatchEvent)[keyof typeof DispatchEvent];

const NAMES: ReadonlySet<string> = new Set(Object.values(DispatchEvent));

/** Whether a name is one of the events known here. */
export function isDispatchEvent(name: string): name is DispatchEvent {
  return NAMES.has(name);
}
