/**
 * Who sees which channel, as a small table. Members with the same roles and no overwrite of their
 * own form an audience; the owner, and a member that an overwrite names anywhere in the guild, is
 * one of its own.
 *
 *   member ──► audience (hash of its role ids, or its user id) ──► the channels it may view
 *
 * Seeing a voice channel is one thing and reading its chat, which takes CONNECT as well, another:
 * so to the table the chat is a channel of its own (`chatIdOf`), and what is said there is an event
 * of that. A relay need not know.
 *
 * What changes is noted when it changes (`touch…`), and worked out at the event that tells of it
 * (`take`): only what was touched is computed again, O(audiences × channels) for a role,
 * O(audiences) for a channel, O(channels) for a member. The difference goes to the relays with the
 * event.
 *
 * Ids are a function of the guild's state alone, so relays and the next owner agree on them. A hash
 * has its top bit set and a user id has not, so they never meet. Two sets of roles with the same
 * hash would share what they see: at 63 bits, and a few thousand sets in a guild, that is left to
 * chance.
 */
import {
  basePermissions,
  ChannelKind,
  channelKindOf,
  isAllowedInChannel,
  Permission,
  type OverwriteView,
  type RoleView,
} from '@guildhall/permissions';

/** What of a guild decides who sees what. */
export interface VisibilitySource {
  readonly id: bigint;
  readonly ownerId: bigint;
  readonly roles: ReadonlyMap<bigint, RoleView>;
  readonly channels: ReadonlyMap<bigint, ViewedChannel>;
  readonly members: ReadonlyMap<bigint, { readonly roleIds: readonly bigint[] }>;
  /** Whether an overwrite of some channel is about this user. */
  hasOwnOverwrite(userId: bigint): boolean;
}

interface ViewedChannel {
  readonly id: bigint;
  readonly type: number;
  readonly overwrites: readonly OverwriteView[];
}

type ChannelIds = ReadonlySet<bigint>;

/** Snowflakes do not have it. */
const CHAT_BIT = 1n << 63n;

/**
 * The id under which audiences have what is said in a channel: of a voice channel its chat's, of
 * any other its own. No channel has the id of a chat.
 */
export function chatIdOf({ id, type }: Pick<ViewedChannel, 'id' | 'type'>): bigint {
  return channelKindOf(type) === ChannelKind.Voice ? id | CHAT_BIT : id;
}

/** One audience. */
export interface AudienceRow {
  readonly id: bigint;
  /** 0n: a shared one. */
  readonly userId: bigint;
  /** Ascending, without @everyone. */
  roleIds: readonly bigint[];
  membersCount: number;
  /** Replaced, never changed. */
  channelIds: ChannelIds;
}

/** What became of the table: see fleet.topics.v1.VisibilityChange. */
export interface AudienceChange {
  readonly audiences: readonly AudienceRow[];
  readonly moves: readonly { readonly userId: bigint; readonly audienceId: bigint }[];
  /** Channels (and chats) that somebody sees now who did not, or no longer sees. */
  readonly channelIds: ReadonlySet<bigint>;
  readonly removedUserIds: readonly bigint[];
}

const HASH_BIT = 1n << 63n;
const HASH_START = 0xcbf29ce484222325n;
const HASH_FACTOR = 0xff51afd7ed558ccdn;

/** The id of the audience of all who have just these roles. `roleIds` ascending. */
export function sharedAudienceId(roleIds: readonly bigint[]): bigint {
  let hash = HASH_START;
  for (const id of roleIds) {
    hash = BigInt.asUintN(64, (hash ^ id) * HASH_FACTOR);
    hash ^= hash >> 32n;
  }
  return hash | HASH_BIT;
}

const NOTHING: ChannelIds = new Set();
const NO_IDS: readonly bigint[] = [];

export class Audiences {
  readonly #guild: VisibilitySource;
  readonly #rows = new Map<bigint, AudienceRow>();
  readonly #rowsByUser = new Map<bigint, AudienceRow>();
  readonly #touchedChannels = new Set<bigint>();
  readonly #touchedRoles = new Set<bigint>();
  readonly #touchedUsers = new Set<bigint>();
  #removedUsers: bigint[] = [];

  constructor(guild: VisibilitySource) {
    this.#guild = guild;
  }

  get rowsCount(): number {
    return this.#rows.size;
  }

  rows(): IterableIterator<AudienceRow> {
    return this.#rows.values();
  }

  /** The audience of a member, as of the last `take`; undefined for others. */
  of(userId: bigint): AudienceRow | undefined {
    return this.#rowsByUser.get(userId);
  }

  /** The members of audiences for which `isOne` holds; asked once for each audience. */
  usersIn(isOne: (row: AudienceRow) => boolean): bigint[] {
    const chosen = new Set([...this.#rows.values()].filter(isOne));
    const userIds: bigint[] = [];
    for (const [userId, row] of this.#rowsByUser) if (chosen.has(row)) userIds.push(userId);
    return userIds;
  }

  /** The channel is new, is gone, or has other overwrites. */
  touchChannel(channelId: bigint): void {
    this.#touchedChannels.add(channelId);
  }

  /** The role permits something else. Its members are touched one by one if it is gone. */
  touchRole(roleId: bigint): void {
    this.#touchedRoles.add(roleId);
  }

  /** The user is new, has other roles, or has (no more) an overwrite or the guild of its own. */
  touchUser(userId: bigint): void {
    this.#touchedUsers.add(userId);
  }

  /** The user is no member any more. */
  removeUser(userId: bigint): void {
    this.#touchedUsers.delete(userId);
    const row = this.#rowsByUser.get(userId);
    if (row === undefined) return;
    this.#rowsByUser.delete(userId);
    this.#leave(row);
    this.#removedUsers.push(userId);
  }

  /** Works out what was touched since the last time; undefined if nobody sees anything else. */
  take(): AudienceChange | undefined {
    const difference = new Difference();
    this.#recomputeRows(difference);
    const moves = this.#placeUsers(difference);
    const removedUserIds = this.#removedUsers;
    this.#touchedChannels.clear();
    this.#touchedRoles.clear();
    this.#touchedUsers.clear();
    this.#removedUsers = [];
    const audiences = difference.audiences((row) => this.#rows.get(row.id) === row);
    if (audiences.length + moves.length + removedUserIds.length === 0) return undefined;
    return { audiences, moves, channelIds: difference.channelIds(), removedUserIds };
  }

  #recomputeRows(difference: Difference): void {
    const isAllTouched = this.#touchedRoles.has(this.#guild.id);
    for (const row of this.#rows.values()) {
      const isTouched =
        isAllTouched ||
        (this.#touchedRoles.size > 0 && row.roleIds.some((id) => this.#touchedRoles.has(id)));
      const after = isTouched ? this.#visibleTo(row) : this.#withTouchedChannels(row);
      if (after !== undefined) this.#show(row, after, difference);
    }
  }

  /** What the row sees, where only the touched channels can differ; undefined if they do not. */
  #withTouchedChannels(row: AudienceRow): ChannelIds | undefined {
    let after: Set<bigint> | undefined;
    if (this.#touchedChannels.size === 0) return undefined;
    const base = this.#baseOf(row);
    for (const channelId of this.#touchedChannels) {
      const channel = this.#guild.channels.get(channelId);
      const seen = channel === undefined ? NO_IDS : this.#idsSeen(row, base, channel);
      for (const id of [channelId, channelId | CHAT_BIT]) {
        const isSeen = seen.includes(id);
        if (isSeen === row.channelIds.has(id)) continue;
        after ??= new Set(row.channelIds);
        if (isSeen) after.add(id);
        else after.delete(id);
      }
    }
    return after;
  }

  #placeUsers(difference: Difference): { userId: bigint; audienceId: bigint }[] {
    const moves: { userId: bigint; audienceId: bigint }[] = [];
    for (const userId of this.#touchedUsers) {
      const member = this.#guild.members.get(userId);
      if (member === undefined) continue;
      const isOwn = userId === this.#guild.ownerId || this.#guild.hasOwnOverwrite(userId);
      const id = isOwn ? userId : sharedAudienceId(member.roleIds);
      const before = this.#rowsByUser.get(userId);
      if (before?.id === id) {
        if (isOwn) {
          before.roleIds = member.roleIds;
          this.#show(before, this.#visibleTo(before), difference);
        }
        continue;
      }
      const row = this.#rows.get(id) ?? this.#addRow(id, isOwn ? userId : 0n, member.roleIds);
      row.membersCount += 1;
      this.#rowsByUser.set(userId, row);
      // Somebody new has no session here yet: it attaches with its audience.
      if (before === undefined) continue;
      this.#leave(before);
      difference.moved(before, row);
      moves.push({ userId, audienceId: id });
    }
    return moves;
  }

  #addRow(id: bigint, userId: bigint, roleIds: readonly bigint[]): AudienceRow {
    const row: AudienceRow = { id, userId, roleIds, membersCount: 0, channelIds: NOTHING };
    row.channelIds = this.#visibleTo(row);
    this.#rows.set(id, row);
    return row;
  }

  #leave(row: AudienceRow): void {
    row.membersCount -= 1;
    if (row.membersCount === 0) this.#rows.delete(row.id);
  }

  #show(row: AudienceRow, after: ChannelIds, difference: Difference): void {
    difference.replaced(row);
    row.channelIds = after;
  }

  #visibleTo(row: AudienceRow): ChannelIds {
    const base = this.#baseOf(row);
    const visible = new Set<bigint>();
    for (const channel of this.#guild.channels.values()) {
      for (const id of this.#idsSeen(row, base, channel)) visible.add(id);
    }
    return visible;
  }

  #baseOf(row: AudienceRow): bigint {
    const { id, ownerId, roles } = this.#guild;
    return basePermissions({
      ownerId,
      // Nobody's id where the audience is shared: the owner is never in one.
      userId: row.userId,
      everyonePermissions: roles.get(id)?.permissions ?? 0n,
      rolePermissions: row.roleIds.map((roleId) => roles.get(roleId)?.permissions ?? 0n),
    });
  }

  /** Of a channel and its chat, the ones the row may see. */
  #idsSeen(row: AudienceRow, base: bigint, channel: ViewedChannel): readonly bigint[] {
    if (!this.#isAllowed(Permission.VIEW_CHANNEL, row, base, channel)) return NO_IDS;
    const chatId = chatIdOf(channel);
    const hasOwnChat = chatId !== channel.id;
    return !hasOwnChat || !this.#isAllowed(Permission.CONNECT, row, base, channel)
      ? [channel.id]
      : [channel.id, chatId];
  }

  #isAllowed(permission: bigint, row: AudienceRow, base: bigint, channel: ViewedChannel): boolean {
    return isAllowedInChannel(
      permission,
      base,
      this.#guild.id,
      row.roleIds,
      row.userId,
      channel.overwrites,
    );
  }
}

/** Collects what rows saw before, and between which of them members moved. */
class Difference {
  /** By row, what it saw before anything was taken from it. */
  readonly #before = new Map<AudienceRow, ChannelIds>();
  readonly #targets = new Set<AudienceRow>();
  readonly #moves = new Map<AudienceRow, Set<AudienceRow>>();

  replaced(row: AudienceRow): void {
    if (!this.#before.has(row)) this.#before.set(row, row.channelIds);
  }

  moved(from: AudienceRow, to: AudienceRow): void {
    this.#targets.add(to);
    let targets = this.#moves.get(from);
    if (targets === undefined) this.#moves.set(from, (targets = new Set()));
    targets.add(to);
  }

  /** Those that see something else, and those that were moved into; of the rows that are left. */
  audiences(isLeft: (row: AudienceRow) => boolean): AudienceRow[] {
    const changed = new Set(this.#targets);
    for (const [row, before] of this.#before) {
      if (!isSameSet(before, row.channelIds)) changed.add(row);
    }
    return [...changed].filter(isLeft);
  }

  channelIds(): Set<bigint> {
    const ids = new Set<bigint>();
    for (const [row, before] of this.#before) {
      if (row.membersCount > 0) addDifferences(before, row.channelIds, ids);
    }
    for (const [from, targets] of this.#moves) {
      const before = this.#before.get(from) ?? from.channelIds;
      for (const to of targets) addDifferences(before, to.channelIds, ids);
    }
    return ids;
  }
}

function isSameSet(a: ChannelIds, b: ChannelIds): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const id of a) if (!b.has(id)) return false;
  return true;
}

function addDifferences(a: ChannelIds, b: ChannelIds, into: Set<bigint>): void {
  if (a === b) return;
  for (const id of a) if (!b.has(id)) into.add(id);
  for (const id of b) if (!a.has(id)) into.add(id);
}
