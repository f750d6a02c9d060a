/**
 * A user's own topic: the guilds it is a member of and the private channels it has. A guild's own
 * members are the guild's to say; this is where a user's sessions learn of it, in one sequence.
 */
import { Signal } from '@guildhall/contracts';
import type { Changes } from './changes.js';
import { privateChannelJson } from './private-channel-json.js';
import type { Document } from './tables.js';
import { TopicKind } from './topic-kind.js';
import { userDocument, userFromDocument, type User } from './user-document.js';
import type { TopicRows } from './topic-rows.js';
import {
  muteIn,
  mutesIn,
  PRIVATE_CHANNELS,
  settingsDocument,
  settingsFromDocument,
  UNMUTED,
  type Mute,
  type UserGuildSettings,
} from './user-guild-settings.js';

/** A private channel as one of its users has it. */
export interface PrivateMembership {
  readonly topicId: bigint;
  /** Everybody in it, this user too. */
  readonly recipients: readonly User[];
  /**
   * Followed but not listed: closed by this user, or opened by the other and still without a
   * message.
   */
  readonly isClosed: boolean;
}

export class UserTopic {
  readonly kind = TopicKind.User;
  readonly id: bigint;
  readonly #guildIds = new Set<bigint>();
  readonly #privateChannels = new Map<bigint, PrivateMembership>();
  readonly #guildSettings = new Map<bigint, UserGuildSettings>();
  #settingsVersion = 0;

  constructor(id: bigint) {
    this.id = id;
  }

  static restore(stored: TopicRows): UserTopic {
    const topic = new UserTopic(stored.topicId);
    for (const { key, document } of stored.rows.get('memberships') ?? []) {
      const memberOf = key[0] as bigint;
      if (document['kind'] === TopicKind.Guild) topic.#guildIds.add(memberOf);
      else topic.#privateChannels.set(memberOf, membershipFrom(memberOf, document));
    }
    for (const { key, document } of stored.rows.get('user_guild_settings') ?? []) {
      const settings = settingsFromDocument(key[0] as bigint, document);
      topic.#guildSettings.set(key[0] as bigint, settings);
      topic.#settingsVersion = Math.max(topic.#settingsVersion, settings.version);
    }
    return topic;
  }

  toDocument(): Document {
    return {};
  }

  get guildIds(): ReadonlySet<bigint> {
    return this.#guildIds;
  }

  get privateChannels(): ReadonlyMap<bigint, PrivateMembership> {
    return this.#privateChannels;
  }

  /** By guild, also those that were left; PRIVATE_CHANNELS for those. Who said nothing has none. */
  get guildSettings(): ReadonlyMap<bigint, UserGuildSettings> {
    return this.#guildSettings;
  }

  /** Of the guilds the user is in, and of its private channels. */
  get currentSettings(): UserGuildSettings[] {
    return [...this.#guildSettings].flatMap(([guildId, settings]) =>
      guildId === PRIVATE_CHANNELS || this.#guildIds.has(guildId) ? [settings] : [],
    );
  }

  /** The newest version of any of them; 0: there are none. */
  get settingsVersion(): number {
    return this.#settingsVersion;
  }

  /** The private channel this user has with another, if there is one. */
  privateChannelWith(userId: bigint): PrivateMembership | undefined {
    for (const membership of this.#privateChannels.values()) {
      if (membership.recipients.some((recipient) => recipient.id === userId)) return membership;
    }
    return undefined;
  }

  /**
   * May come twice. Settings of a guild that it had left hold again: they are news to clients,
   * which may have forgotten them, and to the guild, which has.
   */
  joinGuild(guildId: bigint, changes: Changes): void {
    if (this.#guildIds.has(guildId)) return;
    this.#guildIds.add(guildId);
    changes.put('memberships', [guildId], { kind: TopicKind.Guild });
    changes.isTopicChanged = true;
    changes.event({ type: Signal.GuildJoined, data: { guild_id: String(guildId) } });
    const settings = this.#guildSettings.get(guildId);
    if (settings === undefined) return;
    this.#tellGuild(guildId, this.#saveSettings(guildId, settings, changes), changes);
  }

  /** May come twice. */
  leaveGuild(guildId: bigint, changes: Changes): void {
    if (!this.#guildIds.delete(guildId)) return;
    changes.delete('memberships', [guildId]);
    changes.event({ type: Signal.GuildLeft, data: { guild_id: String(guildId) } });
  }

  /** A new private channel of this user. May come twice. */
  addPrivateChannel(membership: PrivateMembership, changes: Changes): void {
    if (this.#privateChannels.has(membership.topicId)) return;
    this.#put(membership, changes);
    changes.isTopicChanged = true;
    changes.event({
      type: Signal.PrivateChannelOpened,
      data: { topic_id: String(membership.topicId) },
    });
    if (!membership.isClosed) this.#announce(membership, changes);
    const mute = muteIn(this.#guildSettings.get(PRIVATE_CHANNELS), membership.topicId);
    if (mute.muted) this.#tellChannel(membership.topicId, mute, changes);
  }

  /** Lists a channel again that was closed, or that has its first message. May come twice. */
  showPrivateChannel(topicId: bigint, changes: Changes): void {
    const membership = this.#privateChannels.get(topicId);
    if (membership === undefined || !membership.isClosed) return;
    const shown = { ...membership, isClosed: false };
    this.#put(shown, changes);
    this.#announce(shown, changes);
  }

  /** Unlists a channel; it stays, and is followed. Says whether it was listed. */
  closePrivateChannel(topicId: bigint, changes: Changes): boolean {
    const membership = this.#privateChannels.get(topicId);
    if (membership === undefined || membership.isClosed) return false;
    this.#put({ ...membership, isClosed: true }, changes);
    changes.event({ type: 'CHANNEL_DELETE', data: privateChannelJson(membership, this.id, 0n) });
    return true;
  }

  /** A recipient has a new name or avatar. */
  refreshRecipient(user: User, changes: Changes): void {
    for (const membership of this.#privateChannels.values()) {
      if (!membership.recipients.some((recipient) => recipient.id === user.id)) continue;
      const recipients = membership.recipients.map((each) => (each.id === user.id ? user : each));
      this.#put({ ...membership, recipients }, changes);
    }
  }

  /** Puts settings that have changed in their place, with a new version. */
  putGuildSettings(guildId: bigint, settings: UserGuildSettings, changes: Changes): void {
    const before = this.#guildSettings.get(guildId);
    const after = this.#saveSettings(guildId, settings, changes);
    if (guildId === PRIVATE_CHANNELS) this.#tellChannels(before, after, changes);
    else if (
      after.suppress_everyone !== (before?.suppress_everyone ?? false) ||
      after.suppress_roles !== (before?.suppress_roles ?? false)
    ) {
      this.#tellGuild(guildId, after, changes);
    }
  }

  #saveSettings(guildId: bigint, settings: UserGuildSettings, changes: Changes): UserGuildSettings {
    this.#settingsVersion += 1;
    const saved = { ...settings, version: this.#settingsVersion };
    this.#guildSettings.set(guildId, saved);
    changes.put('user_guild_settings', [guildId], settingsDocument(saved));
    changes.event({ type: 'USER_GUILD_SETTINGS_UPDATE', data: saved });
    return saved;
  }

  #tellGuild(guildId: bigint, settings: UserGuildSettings, changes: Changes): void {
    changes.tell(guildId, {
      case: 'notificationRulesChanged',
      value: {
        userId: this.id,
        version: BigInt(settings.version),
        suppressEveryone: settings.suppress_everyone,
        suppressRoles: settings.suppress_roles,
      },
    });
  }

  /** Those of its channels that are muted now and were not, or the other way round. */
  #tellChannels(
    before: UserGuildSettings | undefined,
    after: UserGuildSettings,
    changes: Changes,
  ): void {
    const [mutesBefore, mutesAfter] = [mutesIn(before), mutesIn(after)];
    for (const channelId of new Set([...mutesBefore.keys(), ...mutesAfter.keys()])) {
      if (!this.#privateChannels.has(channelId)) continue;
      const was = mutesBefore.get(channelId) ?? UNMUTED;
      const is = mutesAfter.get(channelId) ?? UNMUTED;
      if (was.muted === is.muted && was.mutedUntilMs === is.mutedUntilMs) continue;
      this.#tellChannel(channelId, is, changes);
    }
  }

  #tellChannel(topicId: bigint, { muted, mutedUntilMs }: Mute, changes: Changes): void {
    changes.tell(topicId, {
      case: 'privateChannelMuted',
      value: {
        userId: this.id,
        version: BigInt(this.#settingsVersion),
        muted,
        mutedUntilMs: BigInt(mutedUntilMs),
      },
    });
  }

  #put(membership: PrivateMembership, changes: Changes): void {
    this.#privateChannels.set(membership.topicId, membership);
    changes.put('memberships', [membership.topicId], {
      kind: TopicKind.PrivateChannel,
      recipients: membership.recipients.map(userDocument),
      is_closed: membership.isClosed,
    });
  }

  #announce(membership: PrivateMembership, changes: Changes): void {
    changes.event({ type: 'CHANNEL_CREATE', data: privateChannelJson(membership, this.id, 0n) });
  }
}

function membershipFrom(topicId: bigint, document: Document): PrivateMembership {
  const recipients = (document['recipients'] as Document[]).map(userFromDocument);
  return { topicId, recipients, isClosed: document['is_closed'] === true };
}
