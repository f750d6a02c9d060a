/**
 * Events of a topic that relays act on and never dispatch. They share the sequence with the
 * dispatches, so they are as little lost as those.
 */
export const Signal = {
  /** In a user's topic: `{guild_id}`; attach the user's sessions to it. */
  GuildJoined: 'guildhall.guild_joined',
  /** In a user's topic: `{guild_id}`; detach them if they are still attached. */
  GuildLeft: 'guildhall.guild_left',
  /**
   * In a user's topic: `{topic_id}`; follow a new private channel. Its CHANNEL_CREATE is an event
   * of its own.
   */
  PrivateChannelOpened: 'guildhall.private_channel_opened',
  /** In a user's topic: all sessions end with close code 4004; their token is no longer valid. */
  SessionsEnded: 'guildhall.sessions_ended',
  /**
   * In a guild's topic, ephemeral: `{user_ids}`; the last sessions of these users have ended. For the
   * guild's owner: relays have no use for it.
   */
  UsersGone: 'guildhall.users_gone',
  /** Only the visibility of the event matters; nothing is dispatched for the event itself. */
  VisibilityChanged: 'guildhall.visibility_changed',
} as const;
export type Signal = (typeof Signal)[keyof typeof Signal];

/** True for events that are acted on and not dispatched. */
export function isSignal(type: string): boolean {
  return type.startsWith('guildhall.');
}
