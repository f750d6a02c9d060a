/**
 * Who sees what, by two ways that must agree after every command: a relay that knows only what it
 * was told when its sessions attached and what the events say, and the documented algorithm,
 * computed for each member and channel from nothing.
 */
import { create } from '@bufbuild/protobuf';
import {
  AcceptInviteRequestSchema,
  AddMemberRequestSchema,
  AttachTopicRequestSchema,
  CreateChannelRequestSchema,
  CreateInviteRequestSchema,
  CreateRoleRequestSchema,
  DeleteBanRequestSchema,
  DeleteChannelRequestSchema,
  DeleteOverwriteRequestSchema,
  DeleteRoleRequestSchema,
  MemberRoleRequestSchema,
  ModifyChannelRequestSchema,
  ModifyGuildRequestSchema,
  ModifyMemberRequestSchema,
  ModifyRoleRequestSchema,
  MoveChannelsRequestSchema,
  MoveRolesRequestSchema,
  PutBanRequestSchema,
  PutOverwriteRequestSchema,
  RemoveMemberRequestSchema,
  UpdateVoiceStateRequestSchema,
  type VisibilityChange,
} from '@guildhall/contracts';
import { Fault } from '@guildhall/fault';
import { ALL_PERMISSIONS, Permission } from '@guildhall/permissions';
import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import { chatIdOf } from './audiences.js';
import { deleteBan, putBan } from './ban-decisions.js';
import type { Changes, EventDraft } from './changes.js';
import { createChannel, deleteChannel, modifyChannel, moveChannels } from './channel-decisions.js';
import { ChannelType, type Channel } from './channel.js';
import { modifyGuild } from './guild-decisions.js';
import { attachGuild } from './guild-snapshot.js';
import { GuildWorld, OWNER_ID, userNumbered } from './guild-world.conformance.js';
import type { Guild } from './guild.js';
import { acceptInvite, createInvite } from './invite-decisions.js';
import {
  addMember,
  deleteMemberRole,
  modifyMember,
  putMemberRole,
  removeMember,
} from './member-decisions.js';
import { deleteOverwrite, putOverwrite } from './overwrite-decisions.js';
import { createRole, deleteRole, modifyRole, moveRoles } from './role-decisions.js';
import { updateVoiceState } from './voice-decisions.js';

const STEPS = 10_000;
const MEMBERS_MAX = 24;
const ROLES_MAX = 10;
const CHANNELS_MAX = 14;
const USERS = Array.from({ length: 40 }, (_, at) => 2_000n + BigInt(at));

const { ADMINISTRATOR, VIEW_CHANNEL, MANAGE_ROLES, MANAGE_CHANNELS, CONNECT } = Permission;

/** The documented algorithm, word for word. */
function naivePermissions(guild: Guild, userId: bigint, channel: Channel): bigint {
  const member = guild.members.get(userId);
  if (member === undefined) return 0n;
  if (guild.ownerId === userId) return ALL_PERMISSIONS;
  let permissions = guild.roles.get(guild.id)!.permissions;
  for (const id of member.roleIds) permissions |= guild.roles.get(id)!.permissions;
  if ((permissions & ADMINISTRATOR) === ADMINISTRATOR) return ALL_PERMISSIONS;
  const ofEveryone = channel.overwrites.find(({ id }) => id === guild.id);
  if (ofEveryone !== undefined) {
    permissions &= ~ofEveryone.deny;
    permissions |= ofEveryone.allow;
  }
  let allow = 0n;
  let deny = 0n;
  for (const id of member.roleIds) {
    const ofRole = channel.overwrites.find((each) => each.id === id);
    allow |= ofRole?.allow ?? 0n;
    deny |= ofRole?.deny ?? 0n;
  }
  permissions &= ~deny;
  permissions |= allow;
  const ofMember = channel.overwrites.find(({ id }) => id === userId);
  if (ofMember !== undefined) {
    permissions &= ~ofMember.deny;
    permissions |= ofMember.allow;
  }
  return permissions;
}

function naiveMayView(guild: Guild, userId: bigint, channel: Channel): boolean {
  return (naivePermissions(guild, userId, channel) & VIEW_CHANNEL) === VIEW_CHANNEL;
}

/** Whether one may hear what is said there: in a voice channel that takes CONNECT as well. */
function naiveMayHear(guild: Guild, userId: bigint, channel: Channel): boolean {
  const needed = channel.type === ChannelType.Voice ? VIEW_CHANNEL | CONNECT : VIEW_CHANNEL;
  return (naivePermissions(guild, userId, channel) & needed) === needed;
}

/** A relay with one session per attached user. It knows the audiences that its sessions are in. */
class RelayTwin {
  readonly audienceOf = new Map<bigint, bigint>();
  #channels = new Map<bigint, Set<bigint>>();

  attach(guild: Guild, userId: bigint): void {
    const request = create(AttachTopicRequestSchema, { command: { actorId: userId } });
    const { audienceId, audience } = attachGuild(guild, request);
    this.audienceOf.set(userId, audienceId);
    if (!this.#channels.has(audienceId)) {
      this.#channels.set(audienceId, new Set(audience.channelIds));
    }
  }

  sees(userId: bigint): ReadonlySet<bigint> {
    return this.#channels.get(this.audienceOf.get(userId)!) ?? new Set();
  }

  apply(change: VisibilityChange): void {
    for (const { userId, audienceId } of change.moves) {
      if (this.audienceOf.has(userId)) this.audienceOf.set(userId, audienceId);
    }
    for (const userId of change.removedUserIds) this.audienceOf.delete(userId);
    const told = new Map(change.audiences.map(({ id, channelIds }) => [id, new Set(channelIds)]));
    const known = new Map<bigint, Set<bigint>>();
    for (const id of this.audienceOf.values()) {
      const channels = told.get(id) ?? this.#channels.get(id);
      if (channels !== undefined) known.set(id, channels);
    }
    this.#channels = known;
  }
}

/** Plays commands of chance on a guild, and its events to a relay. */
class Play {
  readonly world = new GuildWorld();
  readonly relay = new RelayTwin();
  readonly random: SeededRandom;
  readonly counts = { done: 0, refused: 0, moves: 0, audiences: 0, channels: 0, removed: 0 };

  constructor(random: SeededRandom) {
    this.random = random;
    this.relay.attach(this.guild, OWNER_ID);
  }

  get guild(): Guild {
    return this.world.guild;
  }

  step(): void {
    const [name, decide] = this.random.pick(this.commands);
    // The fleet may do anything; the others show that what is refused changes nothing.
    const members = [...this.guild.members.keys()];
    const actorId = this.random.chance(0.6) ? 0n : this.random.pick(members);
    try {
      const { changes } = this.world.do(actorId, (guild, made) => {
        decide(guild, made);
        return made;
      });
      this.counts.done += 1;
      for (const event of changes.events) this.publish(name, event);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.counts.refused += 1;
    }
    for (const userId of this.guild.members.keys()) {
      if (!this.relay.audienceOf.has(userId) && this.random.chance(0.4)) {
        this.relay.attach(this.guild, userId);
      }
    }
  }

  publish(name: string, event: EventDraft): void {
    const change = event.visibility;
    if (change === undefined) return;
    const before = new Map(
      [...this.relay.audienceOf.keys()].map((id) => [id, this.relay.sees(id)]),
    );
    this.relay.apply(change);
    const itself =
      event.type === 'CHANNEL_CREATE' || event.type === 'CHANNEL_DELETE' ? event.channelId : 0n;
    const shown = new Set([...change.channels.map(({ channelId }) => channelId), itself]);
    for (const userId of this.relay.audienceOf.keys()) {
      for (const id of before.get(userId)!.symmetricDifference(this.relay.sees(userId))) {
        // Of a chat nobody is told.
        const isChat = BigInt.asIntN(64, id) < 0n;
        if (!isChat && !shown.has(id))
          throw new Error(`${name}: ${userId} cannot be told of channel ${id}`);
      }
    }
    this.counts.moves += change.moves.length;
    this.counts.audiences += change.audiences.length;
    this.counts.channels += change.channels.length;
    this.counts.removed += change.removedUserIds.length;
  }

  /** The first thing on which the relay, the owner and the algorithm disagree. */
  disagreement(): string | undefined {
    for (const userId of this.guild.members.keys()) {
      const isAttached = this.relay.audienceOf.has(userId);
      const sees = this.relay.sees(userId);
      for (const channel of this.guild.channels.values()) {
        const truth = naiveMayView(this.guild, userId, channel);
        if (this.guild.mayView(channel.id, userId) !== truth) {
          return `the owner says ${!truth} of ${userId} in ${channel.id}`;
        }
        if (isAttached && sees.has(channel.id) !== truth) {
          return `the relay says ${!truth} of ${userId} in ${channel.id}`;
        }
        const hears = naiveMayHear(this.guild, userId, channel);
        if (isAttached && sees.has(chatIdOf(channel)) !== hears) {
          return `the relay says ${!hears} of ${userId} in the chat of ${channel.id}`;
        }
      }
      if (isAttached && [...sees].some((id) => !this.guild.hasChannel(BigInt.asUintN(63, id)))) {
        return `the relay shows ${userId} a channel that is gone`;
      }
    }
    for (const userId of this.relay.audienceOf.keys()) {
      if (!this.guild.members.has(userId)) return `the relay still has ${userId}`;
    }
    return undefined;
  }

  readonly commands: readonly [string, (guild: Guild, changes: Changes) => unknown][] = [
    [
      'createRole',
      (guild, changes) => {
        if (guild.roles.size >= ROLES_MAX) return this.#deleteRole(guild, changes);
        const fields = { permissions: this.#permissions() };
        return createRole(guild, create(CreateRoleRequestSchema, { fields }), changes);
      },
    ],
    [
      'modifyRole',
      (guild, changes) => {
        const fields = { permissions: this.#permissions() };
        const roleId = this.random.pick([...guild.roles.keys()]);
        return modifyRole(guild, create(ModifyRoleRequestSchema, { roleId, fields }), changes);
      },
    ],
    [
      'moveRoles',
      (guild, changes) => {
        const positions = [{ roleId: this.#roleId(guild), position: 1 + this.random.int(9) }];
        return moveRoles(guild, create(MoveRolesRequestSchema, { positions }), changes);
      },
    ],
    [
      'deleteRole',
      (guild, changes) => {
        if (this.random.chance(0.3)) this.#deleteRole(guild, changes);
      },
    ],
    [
      'createChannel',
      (guild, changes) => {
        if (guild.channels.size >= CHANNELS_MAX) return this.#deleteChannel(guild, changes);
        const type = this.random.pick([ChannelType.Text, ChannelType.Voice, ChannelType.Category]);
        const parentId = type === ChannelType.Category ? 0n : this.#categoryId(guild);
        const fields = {
          name: 'channel',
          type,
          parentId,
          ...(this.random.chance(0.5) ? { overwrites: { items: this.#overwrites(guild) } } : {}),
        };
        return createChannel(guild, create(CreateChannelRequestSchema, { fields }), changes);
      },
    ],
    [
      'modifyChannel',
      (guild, changes) => {
        const channelId = this.#channelId(guild);
        const isCategory = guild.channel(channelId)?.type === ChannelType.Category;
        const fields = {
          name: `channel${this.random.int(3)}`,
          ...(isCategory ? {} : { parentId: this.#categoryId(guild) }),
          ...(this.random.chance(0.7) ? { overwrites: { items: this.#overwrites(guild) } } : {}),
        };
        return modifyChannel(
          guild,
          create(ModifyChannelRequestSchema, { channelId, fields }),
          changes,
        );
      },
    ],
    [
      'moveChannels',
      (guild, changes) => {
        const channels = [...guild.channels.values()].filter(({ type }) => type !== 4);
        const chosen = this.random.shuffle(channels).slice(0, 3);
        const parentId = this.#categoryId(guild);
        const positions = chosen.map(({ id }) => ({
          channelId: id,
          position: this.random.int(9),
          parentId,
          lockPermissions: this.random.chance(0.5),
        }));
        return moveChannels(guild, create(MoveChannelsRequestSchema, { positions }), changes);
      },
    ],
    [
      'deleteChannel',
      (guild, changes) => {
        if (this.random.chance(0.3)) this.#deleteChannel(guild, changes);
      },
    ],
    [
      'putOverwrite',
      (guild, changes) => {
        const channelId = this.#channelId(guild);
        const overwrite = this.#overwrite(guild);
        const request = create(PutOverwriteRequestSchema, { channelId, overwrite });
        return putOverwrite(guild, request, changes);
      },
    ],
    [
      'deleteOverwrite',
      (guild, changes) => {
        const channel = guild.channel(this.#channelId(guild));
        const overwriteId = channel?.overwrites[0]?.id ?? 1n;
        const channelId = channel?.id ?? 1n;
        const request = create(DeleteOverwriteRequestSchema, { channelId, overwriteId });
        return deleteOverwrite(guild, request, changes);
      },
    ],
    [
      'modifyMember',
      (guild, changes) => {
        const ids = [...guild.roles.keys()].filter(() => this.random.chance(0.3));
        const request = { userId: this.#memberId(guild), roles: { ids } };
        return modifyMember(guild, create(ModifyMemberRequestSchema, request), changes);
      },
    ],
    [
      'putMemberRole',
      (guild, changes) => {
        const request = { userId: this.#memberId(guild), roleId: this.#roleId(guild) };
        return putMemberRole(guild, create(MemberRoleRequestSchema, request), changes);
      },
    ],
    [
      'deleteMemberRole',
      (guild, changes) => {
        const request = { userId: this.#memberId(guild), roleId: this.#roleId(guild) };
        return deleteMemberRole(guild, create(MemberRoleRequestSchema, request), changes);
      },
    ],
    [
      'removeMember',
      (guild, changes) => {
        if (this.random.chance(0.5)) return undefined;
        const request = create(RemoveMemberRequestSchema, { userId: this.#memberId(guild) });
        return removeMember(guild, request, changes);
      },
    ],
    [
      'putBan',
      (guild, changes) => {
        if (this.random.chance(0.7)) return undefined;
        const userId = this.random.pick(USERS);
        const user = userNumbered(userId);
        return putBan(guild, create(PutBanRequestSchema, { userId, user }), changes);
      },
    ],
    [
      'deleteBan',
      (guild, changes) => {
        const userId = this.random.pick([...guild.bans.keys(), 1n]);
        return deleteBan(guild, create(DeleteBanRequestSchema, { userId }), changes);
      },
    ],
    ['addMember', (guild, changes) => this.#join(guild, changes)],
    ['join', (guild, changes) => this.#join(guild, changes)],
    [
      'transfer',
      (guild, changes) => {
        const ownerId = this.random.pick([...guild.members.keys()]);
        return modifyGuild(guild, create(ModifyGuildRequestSchema, { ownerId }), changes);
      },
    ],
    [
      'voice',
      (guild, changes) => {
        const channelId = this.random.pick([0n, this.#channelId(guild)]);
        const request = { channelId, sessionId: 's' };
        return updateVoiceState(guild, create(UpdateVoiceStateRequestSchema, request), changes);
      },
    ],
    [
      'invite',
      (guild, changes) => {
        const request = { channelId: this.#channelId(guild), unique: false };
        return createInvite(guild, create(CreateInviteRequestSchema, request), changes);
      },
    ],
  ];

  /** People by an invite if there is one, bots (every fourth user) with a role of their own. */
  #join(guild: Guild, changes: Changes): unknown {
    if (guild.members.size >= MEMBERS_MAX) return undefined;
    const id = this.random.pick(USERS);
    const bot = id % 4n === 0n;
    const user = userNumbered(id, { bot });
    const code = [...guild.invites.keys()][0];
    if (bot || code === undefined) {
      const botPermissions = bot && guild.roles.size < ROLES_MAX ? this.#permissions() : 0n;
      return addMember(guild, create(AddMemberRequestSchema, { user, botPermissions }), changes);
    }
    const asUser: Changes = Object.assign(Object.create(changes) as Changes, { actorId: id });
    return acceptInvite(guild, create(AcceptInviteRequestSchema, { code, user }), asUser);
  }

  #deleteRole(guild: Guild, changes: Changes): void {
    deleteRole(guild, create(DeleteRoleRequestSchema, { roleId: this.#roleId(guild) }), changes);
  }

  #deleteChannel(guild: Guild, changes: Changes): void {
    const request = create(DeleteChannelRequestSchema, { channelId: this.#channelId(guild) });
    deleteChannel(guild, request, changes);
  }

  #permissions(): bigint {
    const drawn = [VIEW_CHANNEL, MANAGE_ROLES, MANAGE_CHANNELS, CONNECT].filter(() =>
      this.random.chance(0.4),
    );
    if (this.random.chance(0.08)) drawn.push(ADMINISTRATOR);
    return drawn.reduce((all, one) => all | one, 0n);
  }

  #overwrites(guild: Guild) {
    const items = Array.from({ length: this.random.int(4) }, () => this.#overwrite(guild));
    return [...new Map(items.map((item) => [item.id, item])).values()];
  }

  #overwrite(guild: Guild) {
    const isMember = this.random.chance(0.4);
    const id = isMember ? this.random.pick(USERS) : this.random.pick([...guild.roles.keys()]);
    const allow = this.random.chance(0.5) ? VIEW_CHANNEL : this.#permissions();
    const deny = this.random.chance(0.5) ? VIEW_CHANNEL : this.#permissions();
    return { id, type: isMember ? 1 : 0, allow: this.random.chance(0.5) ? allow : 0n, deny };
  }

  #roleId(guild: Guild): bigint {
    return this.random.pick([...guild.roles.keys()]);
  }

  #memberId(guild: Guild): bigint {
    return this.random.pick([...guild.members.keys()]);
  }

  #channelId(guild: Guild): bigint {
    return this.random.pick([...guild.channels.keys(), 1n]);
  }

  #categoryId(guild: Guild): bigint {
    const categories = [...guild.channels.values()].filter(({ type }) => type === 4);
    return this.random.pick([0n, ...categories.map(({ id }) => id)]);
  }
}

/** The table of audiences as plain data. */
function table(guild: Guild): object {
  const rows = [...guild.audiences.rows()].map(({ id, membersCount, channelIds }) => ({
    id,
    membersCount,
    channelIds: [...channelIds].sort(),
  }));
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
}

const seed = new SeededRandom(seedFromEnv(process.env['SEED']));

describe(`Who sees what (${seed})`, () => {
  it('is the same by the events as by the documented algorithm, after every command', () => {
    const play = new Play(seed);
    for (let at = 0; at < STEPS; at++) {
      play.step();
      const disagreement = play.disagreement();
      if (disagreement !== undefined) throw new Error(`step ${at}: ${disagreement}`);
      if (at % 500 === 499) expect(table(play.world.restored())).toEqual(table(play.guild));
    }
    // It was no empty play.
    expect(play.counts.done).toBeGreaterThan(STEPS / 4);
    for (const count of Object.values(play.counts)) expect(count).toBeGreaterThan(STEPS / 100);
  });
});
