/**
 * A guild in its owner's memory: settings, channels, roles, members, bans, invites, voice,
 * presences.
 *
 * Reading is free; changing goes through the methods here, which note what a change may mean for
 * who sees what. The decision that made the change then takes the difference (`takeVisibility`) and
 * attaches it to the event that tells of the change.
 */
import { create } from '@bufbuild/protobuf';
import { VisibilityChangeSchema, type VisibilityChange } from '@guildhall/contracts';
import {
  ALL_PERMISSIONS,
  basePermissions,
  channelKindOf,
  effectivePermissions,
  overwrittenPermissions,
  Permission,
  timedOutPermissions,
} from '@guildhall/permissions';
import { Audiences, type AudienceRow } from './audiences.js';
import { channelJson } from './channel-json.js';
import { channelFromDocument, sameOverwrites, usersOf, type Channel } from './channel.js';
import { DEFAULT_SETTINGS, settingsDocument, settingsFromDocument } from './guild-settings.js';
import type { GuildSettings } from './guild-settings.js';
import { inviteFromDocument, type Invite } from './invite.js';
import { isTimedOut, memberFromDocument, sortedIds, type Member } from './member.js';
import { MentionLog } from './mention-log.js';
import { MessageCache } from './message-cache.js';
import { Presences } from './presences.js';
import { roleFromDocument, type Role } from './role.js';
import type { Document, TableName } from './tables.js';
import { TopicKind } from './topic-kind.js';
import type { TopicRows } from './topic-rows.js';
import { userFromDocument, type User } from './user-document.js';
import type { VoiceState } from './voice-state.js';

/** Somebody who may not come in. */
export interface Ban {
  readonly user: User;
  /** Empty: none given. */
  readonly reason: string;
}

const encoder = new TextEncoder();

export class Guild {
  readonly kind = TopicKind.Guild;
  readonly id: bigint;
  readonly messages = new MessageCache();
  readonly mentions = new MentionLog();
  readonly presences = new Presences();
  readonly #channels = new Map<bigint, Channel>();
  readonly #roles = new Map<bigint, Role>();
  readonly #members = new Map<bigint, Member>();
  readonly #botIds = new Set<bigint>();
  readonly #bans = new Map<bigint, Ban>();
  readonly #invites = new Map<string, Invite>();
  readonly #voiceStates = new Map<bigint, VoiceState>();
  /** By user, how many overwrites are about it. */
  readonly #ownOverwrites = new Map<bigint, number>();
  readonly #audiences: Audiences;
  #settings: GuildSettings = DEFAULT_SETTINGS;
  #ownerId = 0n;
  /** Ascending; undefined until somebody asks. */
  #memberIds: bigint[] | undefined;

  constructor(id: bigint) {
    this.id = id;
    this.#audiences = new Audiences(this);
  }

  static restore(stored: TopicRows): Guild {
    const guild = new Guild(stored.topicId);
    const rows = (table: TableName) => stored.rows.get(table) ?? [];
    guild.#settings = settingsFromDocument((stored.document['settings'] ?? {}) as Document);
    guild.#ownerId = BigInt((stored.document['ownerId'] as string | undefined) ?? '0');
    for (const { key, document } of rows('roles')) {
      guild.putRole(roleFromDocument(key[0] as bigint, document));
    }
    for (const { key, document } of rows('channels')) {
      const id = key[0] as bigint;
      guild.putChannel(channelFromDocument(id, document, stored.lastMessageIds.get(id) ?? 0n));
    }
    const isRole = (roleId: bigint) => guild.#roles.has(roleId);
    for (const { document } of rows('members')) {
      const { member, voice } = memberFromDocument(document, isRole);
      guild.putMember(member);
      if (voice !== undefined && guild.#channels.has(voice.channelId)) guild.putVoiceState(voice);
    }
    for (const { key, document } of rows('bans')) {
      const user = userFromDocument(document['user'] as Document);
      guild.#bans.set(key[0] as bigint, { user, reason: document['reason'] as string });
    }
    for (const { key, document } of rows('invites')) {
      guild.#invites.set(key[0] as string, inviteFromDocument(key[0] as string, document));
    }
    guild.mentions.restore(rows('mentions'));
    guild.takeVisibility();
    return guild;
  }

  toDocument(): Document {
    return { settings: settingsDocument(this.#settings), ownerId: String(this.#ownerId) };
  }

  get settings(): GuildSettings {
    return this.#settings;
  }

  get name(): string {
    return this.#settings.name;
  }

  get ownerId(): bigint {
    return this.#ownerId;
  }

  get channels(): ReadonlyMap<bigint, Channel> {
    return this.#channels;
  }

  /** @everyone among them. */
  get roles(): ReadonlyMap<bigint, Role> {
    return this.#roles;
  }

  get members(): ReadonlyMap<bigint, Member> {
    return this.#members;
  }

  /** The members that are bots. */
  get bots(): User[] {
    return [...this.#botIds].flatMap((id) => this.#members.get(id)?.user ?? []);
  }

  get bans(): ReadonlyMap<bigint, Ban> {
    return this.#bans;
  }

  /** Those whose time is over among them. */
  get invites(): ReadonlyMap<string, Invite> {
    return this.#invites;
  }

  get voiceStates(): ReadonlyMap<bigint, VoiceState> {
    return this.#voiceStates;
  }

  get audiences(): Audiences {
    return this.#audiences;
  }

  channel(channelId: bigint): Channel | undefined {
    return this.#channels.get(channelId);
  }

  hasChannel(channelId: bigint): boolean {
    return this.#channels.has(channelId);
  }

  member(userId: bigint): Member | undefined {
    return this.#members.get(userId);
  }

  role(roleId: bigint): Role | undefined {
    return this.#roles.get(roleId);
  }

  /** The users that are members, ascending. */
  memberIds(): readonly bigint[] {
    return (this.#memberIds ??= sortedIds(this.#members.keys()));
  }

  /** The roles of a member that exist, @everyone not among them. */
  rolesOf(member: Member): Role[] {
    return member.roleIds.flatMap((id) => this.#roles.get(id) ?? []);
  }

  /** Whether an overwrite of some channel is about this user. */
  hasOwnOverwrite(userId: bigint): boolean {
    return this.#ownOverwrites.has(userId);
  }

  /** The channels of a category. */
  childrenOf(categoryId: bigint): Channel[] {
    return [...this.#channels.values()].filter(({ parentId }) => parentId === categoryId);
  }

  /**
   * What a user may do in the guild as a whole, a timeout taken into account. The fleet itself
   * (0n): all; who is no member: nothing.
   */
  basePermissions(userId: bigint, nowMs: number): bigint {
    if (userId === 0n) return ALL_PERMISSIONS;
    const member = this.#members.get(userId);
    if (member === undefined) return 0n;
    const base = this.#rawPermissions(userId, member);
    return isTimedOut(member, nowMs) ? timedOutPermissions(base) : base;
  }

  /**
   * Hot path. What a user may do in a channel here and now: overwrites, a timeout and what a
   * missing permission takes with it are taken into account. 0n without VIEW_CHANNEL, in a channel
   * there is not, and for who is no member. The fleet itself (0n): all.
   */
  permissionsIn(channelId: bigint, userId: bigint, nowMs: number): bigint {
    if (userId === 0n) return ALL_PERMISSIONS;
    const channel = this.#channels.get(channelId);
    const member = this.#members.get(userId);
    if (channel === undefined || member === undefined) return 0n;
    const { overwrites, type } = channel;
    const base = this.#rawPermissions(userId, member);
    const own = overwrittenPermissions(base, this.id, member.roleIds, userId, overwrites);
    return effectivePermissions(own, channelKindOf(type), isTimedOut(member, nowMs));
  }

  /**
   * Hot path. Whether a member sees a channel; false for who is no member, true for the fleet (0n).
   */
  mayView(channelId: bigint, userId: bigint): boolean {
    if (userId === 0n) return this.#channels.has(channelId);
    return this.#audiences.of(userId)?.channelIds.has(channelId) ?? false;
  }

  /** The members who have one of these permissions in the whole guild; the owner among them. */
  usersWith(anyOf: bigint): bigint[] {
    return this.#audiences.usersIn(
      (row) => (this.#permissionsOf(row) & (anyOf | Permission.ADMINISTRATOR)) !== 0n,
    );
  }

  /** The members who have one of these permissions in a channel they see. */
  usersWithIn(channel: Channel, anyOf: bigint): bigint[] {
    return this.#audiences.usersIn((row) => {
      const base = this.#permissionsOf(row);
      const { roleIds, userId } = row;
      const own = overwrittenPermissions(base, this.id, roleIds, userId, channel.overwrites);
      const effective = effectivePermissions(own, channelKindOf(channel.type), false);
      return (effective & anyOf) !== 0n;
    });
  }

  setSettings(settings: GuildSettings): void {
    this.#settings = settings;
  }

  setOwner(userId: bigint): void {
    this.#audiences.touchUser(this.#ownerId);
    this.#audiences.touchUser(userId);
    this.#ownerId = userId;
  }

  putRole(role: Role): void {
    const before = this.#roles.get(role.id);
    this.#roles.set(role.id, role);
    const changed = (before?.permissions ?? 0n) ^ role.permissions;
    if ((changed & VIEWING) !== 0n) this.#audiences.touchRole(role.id);
  }

  /** Takes the role from all members as well. Overwrites about it are the caller's to remove. */
  removeRole(roleId: bigint): void {
    this.#roles.delete(roleId);
    for (const [userId, member] of this.#members) {
      if (!member.roleIds.includes(roleId)) continue;
      const roleIds = member.roleIds.filter((id) => id !== roleId);
      this.#members.set(userId, { ...member, roleIds });
      this.#audiences.touchUser(userId);
    }
  }

  putChannel(channel: Channel): void {
    const before = this.#channels.get(channel.id);
    this.#channels.set(channel.id, channel);
    if (before !== undefined && sameOverwrites(before.overwrites, channel.overwrites)) return;
    this.#audiences.touchChannel(channel.id);
    this.#countOverwrites(before, channel);
  }

  removeChannel(channelId: bigint): void {
    const before = this.#channels.get(channelId);
    if (!this.#channels.delete(channelId)) return;
    this.#audiences.touchChannel(channelId);
    this.#countOverwrites(before, undefined);
  }

  putMember(member: Member): void {
    const { id } = member.user;
    const before = this.#members.get(id);
    this.#members.set(id, member);
    if (member.user.bot) this.#botIds.add(id);
    if (before === undefined) this.#memberIds = undefined;
    if (before === undefined || !isSameList(before.roleIds, member.roleIds)) {
      this.#audiences.touchUser(id);
    }
  }

  /** With its voice state and presence. */
  removeMember(userId: bigint): void {
    if (!this.#members.delete(userId)) return;
    this.#memberIds = undefined;
    this.#botIds.delete(userId);
    this.#voiceStates.delete(userId);
    this.presences.delete(userId);
    this.#audiences.removeUser(userId);
  }

  putBan(ban: Ban): void {
    this.#bans.set(ban.user.id, ban);
  }

  removeBan(userId: bigint): void {
    this.#bans.delete(userId);
  }

  putInvite(invite: Invite): void {
    this.#invites.set(invite.code, invite);
  }

  removeInvite(code: string): void {
    this.#invites.delete(code);
  }

  putVoiceState(state: VoiceState): void {
    this.#voiceStates.set(state.userId, state);
  }

  removeVoiceState(userId: bigint): void {
    this.#voiceStates.delete(userId);
  }

  /**
   * What has changed about who sees what since this was last asked: to be attached to the event
   * that tells of the change. Undefined if nothing has. `eventChannelId` is the channel that a
   * CHANNEL_CREATE or CHANNEL_DELETE is about: relays dispatch the event itself to whom it
   * concerns.
   */
  takeVisibility(eventChannelId = 0n): VisibilityChange | undefined {
    const change = this.#audiences.take();
    if (change === undefined) return undefined;
    const channels = [...change.channelIds].flatMap((id) => {
      const channel = id === eventChannelId ? undefined : this.#channels.get(id);
      if (channel === undefined) return [];
      const json = encoder.encode(JSON.stringify(channelJson(this.id, channel)));
      return [{ channelId: id, json }];
    });
    return create(VisibilityChangeSchema, {
      audiences: change.audiences.map(({ id, channelIds }) => ({
        id,
        channelIds: [...channelIds],
      })),
      moves: [...change.moves],
      channels,
      removedUserIds: [...change.removedUserIds],
    });
  }

  #rawPermissions(userId: bigint, member: Member): bigint {
    return basePermissions({
      ownerId: this.#ownerId,
      userId,
      everyonePermissions: this.#permissionsOfRole(this.id),
      rolePermissions: member.roleIds.map((id) => this.#permissionsOfRole(id)),
    });
  }

  #permissionsOf(row: AudienceRow): bigint {
    return basePermissions({
      ownerId: this.#ownerId,
      userId: row.userId,
      everyonePermissions: this.#permissionsOfRole(this.id),
      rolePermissions: row.roleIds.map((id) => this.#permissionsOfRole(id)),
    });
  }

  #permissionsOfRole(roleId: bigint): bigint {
    return this.#roles.get(roleId)?.permissions ?? 0n;
  }

  #countOverwrites(before: Channel | undefined, after: Channel | undefined): void {
    for (const userId of usersOf(before?.overwrites ?? [])) {
      this.#audiences.touchUser(userId);
      const rest = this.#ownOverwrites.get(userId)! - 1;
      if (rest === 0) this.#ownOverwrites.delete(userId);
      else this.#ownOverwrites.set(userId, rest);
    }
    for (const userId of usersOf(after?.overwrites ?? [])) {
      this.#audiences.touchUser(userId);
      this.#ownOverwrites.set(userId, (this.#ownOverwrites.get(userId) ?? 0) + 1);
    }
  }
}

/** The permissions that decide who sees a channel. */
const VIEWING = Permission.VIEW_CHANNEL | Permission.CONNECT | Permission.ADMINISTRATOR;

function isSameList(a: readonly bigint[], b: readonly bigint[]): boolean {
  return a === b || (a.length === b.length && a.every((id, index) => id === b[index]));
}
