// The guild that the cases of permission-cases.ts play in, and the people in it. It is put back to
// how the top of that file describes it after every case that changed something.

import { parsePermissions, Permission, permissionsOf } from '@guildhall/permissions';
import type { PermissionName } from '@guildhall/permissions';

import type { OverwriteList, PermissionList, Place } from '../permission-cases.js';
import { ok } from './world.js';
import type { Account, Guild, Message, Named, World } from './world.js';

const ROLES = { admins: 10, high: 8, held: 5, low: 2 } as const;
export type RoleName = keyof typeof ROLES;

/** Members, by the role they have. */
const MEMBERS = {
  owner: undefined,
  admin: 'admins',
  excused: 'admins',
  high: 'high',
  holder: 'held',
  peer: 'held',
  bot: 'held',
  low: 'low',
  member: undefined,
  'timed-out': undefined,
} as const satisfies Readonly<Record<string, RoleName | undefined>>;
type MemberName = keyof typeof MEMBERS;

/** Everybody a case can be about. */
export type Actor = MemberName | 'banned' | 'stranger';

const PERMISSIONS: Readonly<Record<RoleName, bigint>> = {
  admins: Permission.ADMINISTRATOR,
  high: 0n,
  held: 0n,
  low: 0n,
};
const EVERYONE = permissionsOf(['VIEW_CHANNEL', 'SEND_MESSAGES', 'READ_MESSAGE_HISTORY']);
const CHANNEL_TYPE = { text: 0, voice: 2, category: 4 } as const;
const DAY_MS = 24 * 60 * 60 * 1000;

/** As the API has it. */
export interface Overwrite {
  readonly id: string;
  readonly type: number;
  readonly allow: string;
  readonly deny: string;
}

/** Where a case plays: a channel of its own, with one message of the owner's and a reaction. */
export interface Stage {
  readonly channelId: string;
  /** Its category, if it has one. */
  readonly parentId: string | null;
  readonly message: Message;
}

/** See the top of the file. */
export class PermissionScene {
  readonly world: World;
  readonly guild: Guild;
  readonly #accounts: ReadonlyMap<Actor, Account>;
  readonly #roleIds: Readonly<Record<RoleName, string>>;

  private constructor(
    world: World,
    guild: Guild,
    accounts: ReadonlyMap<Actor, Account>,
    roleIds: Readonly<Record<RoleName, string>>,
  ) {
    this.world = world;
    this.guild = guild;
    this.#accounts = accounts;
    this.#roleIds = roleIds;
  }

  static async create(world: World): Promise<PermissionScene> {
    const owner = await world.register('owner');
    const guild = await world.createGuild(owner);
    const names = [...Object.keys(MEMBERS), 'banned', 'stranger'] as Actor[];
    const accounts = new Map<Actor, Account>();
    for (const name of names) {
      if (name === 'owner') accounts.set(name, owner);
      else if (name === 'bot') {
        accounts.set(name, await world.addBot(await world.createBot(owner), guild, '0'));
      } else accounts.set(name, await world.register(name.replace('-', '_')));
    }
    const roleIds: Record<string, string> = {};
    for (const name of Object.keys(ROLES)) {
      roleIds[name] = (
        await world.createRole(guild, '0', { name, mentionable: name === 'low' })
      ).id;
    }
    const scene = new PermissionScene(world, guild, accounts, roleIds as Record<RoleName, string>);
    await scene.restore();
    return scene;
  }

  account(actor: Actor): Account {
    return this.#accounts.get(actor)!;
  }

  roleId(name: RoleName): string {
    return this.#roleIds[name];
  }

  /** What the role `held` allows from now on. */
  async hold(has: PermissionList): Promise<void> {
    await this.#permit(this.roleId('held'), permissionsOf(words(has) as PermissionName[]));
  }

  /** A new channel for one case. */
  async stage(place: Place, overwrites: OverwriteList): Promise<Stage> {
    const asked = this.overwrites(overwrites);
    const channel = await this.#channel(place, asked);
    const message = await this.world.send(this.guild.owner, channel.id, 'in the beginning');
    const path = `/channels/${channel.id}/messages/${message.id}/reactions/👍/@me`;
    await ok(this.guild.owner.api.put(encodeURI(path)));
    return { channelId: channel.id, parentId: channel.parent_id ?? null, message };
  }

  /** The guild as it was before somebody changed it. May be called at any time. */
  async restore(): Promise<void> {
    await this.#restoreRoles();
    await this.#restoreBans();
    await this.#restoreMembers();
  }

  /** Gives a member another name in the guild. */
  async rename(actor: Actor, nick: string): Promise<void> {
    const { id } = this.account(actor);
    const isOwner = actor === 'owner';
    const path = `/guilds/${this.guild.id}/members/${isOwner ? '@me' : id}`;
    await ok(this.guild.owner.api.patch(path, { nick }));
  }

  async #channel(place: Place, asked: readonly Overwrite[]) {
    const { guild, world } = this;
    const make = (more: object) =>
      world.createChannel(guild, 'stage', more) as Promise<Named & { parent_id?: string | null }>;
    if (place === 'text' || place === 'voice') {
      return make({ type: CHANNEL_TYPE[place], permission_overwrites: asked });
    }
    const category = await make({ type: CHANNEL_TYPE.category, permission_overwrites: asked });
    if (place === 'inherited') return make({ parent_id: category.id });
    // Its own are the contrary of what it will have.
    const contrary = asked.map(({ allow, deny, ...who }) => ({ ...who, allow: deny, deny: allow }));
    const channel = await make({ permission_overwrites: contrary });
    const move = { id: channel.id, parent_id: category.id, lock_permissions: true };
    await ok(guild.owner.api.patch(`/guilds/${guild.id}/channels`, [move]));
    return { ...channel, parent_id: category.id };
  }

  /** A list of overwrites as the API wants it. */
  overwrites(list: OverwriteList): Overwrite[] {
    return list
      .split(', ')
      .filter((item) => item !== '')
      .map((item) => {
        const [who = '', ...changes] = item.split(' ');
        const bits = (sign: string) => {
          const named = changes.filter((change) => change.startsWith(sign));
          return String(permissionsOf(named.map((name) => name.slice(1) as PermissionName)));
        };
        return { ...this.#whom(who), allow: bits('+'), deny: bits('-') };
      });
  }

  #whom(who: string): Pick<Overwrite, 'id' | 'type'> {
    if (who === 'everyone') return { id: this.guild.id, type: 0 };
    if (Object.hasOwn(this.#roleIds, who) && who !== 'low' && who !== 'high') {
      return { id: this.roleId(who as RoleName), type: 0 };
    }
    const account = this.#accounts.get(who as Actor);
    if (account === undefined) throw new Error(`nobody is called ${who}`);
    return { id: account.id, type: 1 };
  }

  async #permit(roleId: string, permissions: bigint): Promise<void> {
    const path = `/guilds/${this.guild.id}/roles/${roleId}`;
    await ok(this.guild.owner.api.patch(path, { permissions: String(permissions) }));
  }

  async #restoreRoles(): Promise<void> {
    const { guild } = this;
    const { api } = guild.owner;
    const path = `/guilds/${guild.id}/roles`;
    const roles = await ok<(Named & { permissions: string })[]>(api.get(path));
    const wanted = new Map([[guild.id, EVERYONE]]);
    for (const name of Object.keys(ROLES) as RoleName[]) {
      wanted.set(this.roleId(name), PERMISSIONS[name]);
    }
    for (const { id, permissions } of roles) {
      const bits = wanted.get(id);
      if (bits !== undefined && parsePermissions(permissions) !== bits)
        await this.#permit(id, bits);
    }
    const positions = Object.entries(ROLES).map(([name, position]) => ({
      id: this.roleId(name as RoleName),
      position,
    }));
    await ok(api.patch(path, positions));
  }

  async #restoreBans(): Promise<void> {
    const { api } = this.guild.owner;
    const path = `/guilds/${this.guild.id}/bans`;
    const bannedId = this.account('banned').id;
    const bans = await ok<{ user: { id: string } }[]>(api.get(path));
    for (const { user } of bans) {
      if (user.id !== bannedId) await ok(api.delete(`${path}/${user.id}`));
    }
    if (!bans.some(({ user }) => user.id === bannedId))
      await ok(api.put(`${path}/${bannedId}`, {}));
  }

  async #restoreMembers(): Promise<void> {
    const { guild, world } = this;
    const { api } = guild.owner;
    const path = `/guilds/${guild.id}/members`;
    interface Member {
      readonly user: Named;
      readonly roles: string[];
      readonly communication_disabled_until: string | null;
    }
    const present = await ok<Member[]>(api.get(path, { query: { limit: 1000 } }));
    const members = new Map(present.map((member) => [member.user.id, member]));
    if (members.has(this.account('stranger').id)) {
      await ok(api.delete(`${path}/${this.account('stranger').id}`));
    }
    for (const name of Object.keys(MEMBERS) as MemberName[]) {
      const account = this.account(name);
      const member = members.get(account.id);
      if (member === undefined && account.kind === 'person') await world.join(guild, account);
      const role: RoleName | undefined = MEMBERS[name];
      const wanted = role === undefined ? [] : [this.roleId(role)];
      const isTimedOut = Boolean(member?.communication_disabled_until);
      const shouldBe = name === 'timed-out' || name === 'excused';
      if (isTimedOut !== shouldBe) {
        // An administrator cannot be put in a timeout: it is one only afterwards.
        const until = shouldBe ? new Date(Date.now() + DAY_MS).toISOString() : null;
        await ok(api.patch(`${path}/${account.id}`, { communication_disabled_until: until }));
      }
      if (String(member?.roles ?? []) === String(wanted)) continue;
      await ok(api.patch(`${path}/${account.id}`, { roles: wanted }));
    }
  }
}

/** The words of a list, with one space between two. */
function words(list: string): string[] {
  return list === '' ? [] : list.split(' ');
}
