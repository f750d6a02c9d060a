/**
 * Intents: what a bot asks to be told about, as bits of the number it identifies with.
 *
 * A relay groups sessions by their intents and asks, once per event and class, whether one of the
 * bits that admit the event is set: `mask === 0 || (intents & mask) !== 0`. Visibility is a
 * different question and asked elsewhere. Bit 31 is never used, so 32-bit arithmetic is safe.
 * https://discord.com/developers/docs/events/gateway#list-of-intents
 */
import { DispatchEvent } from './dispatch-events.js';

export const Intent = {
  Guilds: 1 << 0,
  GuildMembers: 1 << 1,
  GuildModeration: 1 << 2,
  GuildExpressions: 1 << 3,
  GuildIntegrations: 1 << 4,
  GuildWebhooks: 1 << 5,
  GuildInvites: 1 << 6,
  GuildVoiceStates: 1 << 7,
  GuildPresences: 1 << 8,
  GuildMessages: 1 << 9,
  GuildMessageReactions: 1 << 10,
  GuildMessageTyping: 1 << 11,
  DirectMessages: 1 << 12,
  DirectMessageReactions: 1 << 13,
  DirectMessageTyping: 1 << 14,
  /** Admits no event: without it, the text of other people's guild messages is blanked. */
  MessageContent: 1 << 15,
  GuildScheduledEvents: 1 << 16,
  GuildEmbeddedActivities: 1 << 17,
  PrivateChannels: 1 << 18,
  Calls: 1 << 19,
  AutoModerationConfiguration: 1 << 20,
  AutoModerationExecution: 1 << 21,
  UserRelationships: 1 << 22,
  UserPresence: 1 << 23,
  GuildMessagePolls: 1 << 24,
  DirectMessagePolls: 1 << 25,
} as const;
export type Intent = (typeof Intent)[keyof typeof Intent];

/** Every known bit, the undocumented ones too: the intents of a user session, which never asks. */
export const ALL_INTENTS = Object.values(Intent).reduce((mask, bit) => mask | bit, 0);

/** The intents an application must have been granted; asking for one without is 4014. */
export const PRIVILEGED_INTENTS =
  Intent.GuildMembers | Intent.GuildPresences | Intent.MessageContent;

/**
 * The intents of which any one admits the event; 0 if it is always sent. The same event in a
 * private channel (no guild) is asked for by other bits. An event not in the list is always sent: a
 * newer app may know more than this one, and a lost event is worse than one too many.
 *
 * GUILD_MEMBER_UPDATE of the session's own user is sent whatever the mask; that is for the caller.
 */
export function intentsFor(eventType: string, isPrivateChannel: boolean): number {
  const masks = isPrivateChannel ? PRIVATE_MASKS : GUILD_MASKS;
  return masks.get(eventType) ?? 0;
}

/** Whether a number is a set of known intents. Anything else sent with IDENTIFY is 4013. */
export function areValidIntents(intents: number): boolean {
  return Number.isInteger(intents) && intents >= 0 && intents <= ALL_INTENTS;
}

const GUILD_MASKS = masksOf([
  [
    Intent.Guilds,
    [
      DispatchEvent.GuildCreate,
      DispatchEvent.GuildUpdate,
      DispatchEvent.GuildDelete,
      DispatchEvent.GuildRoleCreate,
      DispatchEvent.GuildRoleUpdate,
      DispatchEvent.GuildRoleDelete,
      DispatchEvent.ChannelCreate,
      DispatchEvent.ChannelUpdate,
      DispatchEvent.ChannelDelete,
      DispatchEvent.ChannelPinsUpdate,
      DispatchEvent.ThreadCreate,
      DispatchEvent.ThreadUpdate,
      DispatchEvent.ThreadDelete,
      DispatchEvent.ThreadListSync,
      DispatchEvent.ThreadMemberUpdate,
      DispatchEvent.StageInstanceCreate,
      DispatchEvent.StageInstanceUpdate,
      DispatchEvent.StageInstanceDelete,
      DispatchEvent.VoiceChannelStatusUpdate,
      DispatchEvent.VoiceChannelStartTimeUpdate,
    ],
  ],
  [Intent.Guilds | Intent.GuildMembers, [DispatchEvent.ThreadMembersUpdate]],
  [
    Intent.GuildMembers,
    [
      DispatchEvent.GuildMemberAdd,
      DispatchEvent.GuildMemberUpdate,
      DispatchEvent.GuildMemberRemove,
    ],
  ],
  [
    Intent.GuildModeration,
    [
      DispatchEvent.GuildAuditLogEntryCreate,
      DispatchEvent.GuildBanAdd,
      DispatchEvent.GuildBanRemove,
    ],
  ],
  [
    Intent.GuildExpressions,
    [
      DispatchEvent.GuildEmojisUpdate,
      DispatchEvent.GuildStickersUpdate,
      DispatchEvent.GuildSoundboardSoundCreate,
      DispatchEvent.GuildSoundboardSoundUpdate,
      DispatchEvent.GuildSoundboardSoundDelete,
      DispatchEvent.GuildSoundboardSoundsUpdate,
    ],
  ],
  [
    Intent.GuildIntegrations,
    [
      DispatchEvent.GuildIntegrationsUpdate,
      DispatchEvent.IntegrationCreate,
      DispatchEvent.IntegrationUpdate,
      DispatchEvent.IntegrationDelete,
    ],
  ],
  [Intent.GuildWebhooks, [DispatchEvent.WebhooksUpdate]],
  [Intent.GuildInvites, [DispatchEvent.InviteCreate, DispatchEvent.InviteDelete]],
  [Intent.GuildVoiceStates, [DispatchEvent.VoiceStateUpdate, DispatchEvent.VoiceChannelEffectSend]],
  [Intent.GuildPresences, [DispatchEvent.PresenceUpdate]],
  [
    Intent.GuildMessages,
    [
      DispatchEvent.MessageCreate,
      DispatchEvent.MessageUpdate,
      DispatchEvent.MessageDelete,
      DispatchEvent.MessageDeleteBulk,
    ],
  ],
  [
    Intent.GuildMessageReactions,
    [
      DispatchEvent.MessageReactionAdd,
      DispatchEvent.MessageReactionAddMany,
      DispatchEvent.MessageReactionRemove,
      DispatchEvent.MessageReactionRemoveAll,
      DispatchEvent.MessageReactionRemoveEmoji,
    ],
  ],
  [Intent.GuildMessageTyping, [DispatchEvent.TypingStart]],
  [
    Intent.GuildScheduledEvents,
    [
      DispatchEvent.GuildScheduledEventCreate,
      DispatchEvent.GuildScheduledEventUpdate,
      DispatchEvent.GuildScheduledEventDelete,
      DispatchEvent.GuildScheduledEventUserAdd,
      DispatchEvent.GuildScheduledEventUserRemove,
    ],
  ],
  [
    Intent.AutoModerationConfiguration,
    [
      DispatchEvent.AutoModerationRuleCreate,
      DispatchEvent.AutoModerationRuleUpdate,
      DispatchEvent.AutoModerationRuleDelete,
    ],
  ],
  [Intent.AutoModerationExecution, [DispatchEvent.AutoModerationActionExecution]],
  [
    Intent.GuildMessagePolls,
    [DispatchEvent.MessagePollVoteAdd, DispatchEvent.MessagePollVoteRemove],
  ],
]);

const PRIVATE_MASKS = masksOf([
  [
    Intent.DirectMessages,
    [
      DispatchEvent.MessageCreate,
      DispatchEvent.MessageUpdate,
      DispatchEvent.MessageDelete,
      DispatchEvent.MessageDeleteBulk,
      DispatchEvent.ChannelPinsUpdate,
    ],
  ],
  [
    Intent.DirectMessageReactions,
    [
      DispatchEvent.MessageReactionAdd,
      DispatchEvent.MessageReactionAddMany,
      DispatchEvent.MessageReactionRemove,
      DispatchEvent.MessageReactionRemoveAll,
      DispatchEvent.MessageReactionRemoveEmoji,
    ],
  ],
  [Intent.DirectMessageTyping, [DispatchEvent.TypingStart]],
  [
    Intent.DirectMessagePolls,
    [DispatchEvent.MessagePollVoteAdd, DispatchEvent.MessagePollVoteRemove],
  ],
  // Since version 8 bots are not told of private channels; user sessions have every bit.
  [
    Intent.PrivateChannels,
    [
      DispatchEvent.ChannelCreate,
      DispatchEvent.ChannelUpdate,
      DispatchEvent.ChannelDelete,
      DispatchEvent.ChannelRecipientAdd,
      DispatchEvent.ChannelRecipientRemove,
    ],
  ],
  [
    Intent.Calls,
    [
      DispatchEvent.CallCreate,
      DispatchEvent.CallUpdate,
      DispatchEvent.CallDelete,
      DispatchEvent.VoiceStateUpdate,
    ],
  ],
  [
    Intent.UserRelationships,
    [
      DispatchEvent.RelationshipAdd,
      DispatchEvent.RelationshipUpdate,
      DispatchEvent.RelationshipRemove,
    ],
  ],
  [Intent.UserPresence, [DispatchEvent.PresenceUpdate]],
]);

function masksOf(
  rows: readonly (readonly [number, readonly DispatchEvent[]])[],
): ReadonlyMap<string, number> {
  return new Map(rows.flatMap(([mask, events]) => events.map((event) => [event, mask] as const)));
}
