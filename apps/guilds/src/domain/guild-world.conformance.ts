/**
 * A guild for specs: commands are decided as the host would have them decided, and what they wrote
 * is kept.
 */
import { create } from '@bufbuild/protobuf';
import { CreateGuildRequestSchema } from '@guildhall/contracts';
import { Fault } from '@guildhall/fault';
import { snowflakeAt } from '@guildhall/snowflake';
import type { Asker } from './access.js';
import { Changes, type EventDraft } from './changes.js';
import { ChannelType } from './channel.js';
import { createGuild } from './guild-decisions.js';
import { Guild } from './guild.js';
import { newMember, sortedIds, type Member } from './member.js';
import { joinMember } from './membership-changes.js';
import { saveRole } from './role-changes.js';
import { newRole, type Role } from './role.js';
import type { Document, TableName } from './tables.js';
import { TopicKind } from './topic-kind.js';
import { userOf, type User } from './user-document.js';

export const START_MS = Date.UTC(2026, 10, 24, 3);
export const OWNER_ID = 1_000n;

/** A user by its number. */
export function userNumbered(id: bigint, more: Partial<User> = {}): User {
  return { ...userOf({ id, username: `user${id}` }), ...more };
}

/** Discord's code of the refusal that this throws; undefined if it does not. */
export function refusalOf(action: () => unknown): number | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof Fault && error.refusal !== undefined) return error.refusal.discordCode;
    throw error;
  }
}

export class GuildWorld {
  readonly guild: Guild;
  nowMs = START_MS;
  /** What the rows of the topic are by now. */
  readonly rows = new Map<
    TableName,
    Map<string, { key: readonly (bigint | string)[]; document: Document }>
  >();
  document: Document = {};
  #lastId = snowflakeAt(START_MS);

  constructor() {
    this.guild = new Guild(this.mint());
    const request = create(CreateGuildRequestSchema, {
      name: 'The guild',
      owner: userNumbered(OWNER_ID, { username: 'owner' }),
    });
    this.do(OWNER_ID, (guild, changes) => createGuild(guild, request, changes));
  }

  mint(): bigint {
    this.#lastId += 1n;
    return this.#lastId;
  }

  asker(actorId: bigint): Asker {
    return { actorId, nowMs: this.nowMs };
  }

  /** Decides a command; what it wrote is as if committed. A refusal must have changed nothing. */
  do<T>(
    actorId: bigint,
    decide: (guild: Guild, changes: Changes) => T,
    more: { reason?: string; random?: () => number } = {},
  ): { answer: T; changes: Changes } {
    const changes = new Changes({
      topicId: this.guild.id,
      commandId: this.mint(),
      actorId,
      actorIsBot: false,
      reason: more.reason ?? '',
      nowMs: this.nowMs,
      mint: () => this.mint(),
      random: more.random ?? (() => 0.5),
    });
    let answer: T;
    try {
      answer = decide(this.guild, changes);
    } catch (error) {
      const written = changes.rows.length + changes.events.length + changes.errands.length;
      if (written > 0) throw new Error('a refused command had changed something', { cause: error });
      throw error;
    }
    this.#write(changes);
    return { answer, changes };
  }

  /** The events a command gave rise to. */
  events(actorId: bigint, decide: (guild: Guild, changes: Changes) => unknown): EventDraft[] {
    return this.do(actorId, decide).changes.events;
  }

  /** Discord's code of the refusal; undefined if it was not refused. */
  codeOf(actorId: bigint, decide: (guild: Guild, changes: Changes) => unknown): number | undefined {
    return refusalOf(() => this.do(actorId, decide));
  }

  /** A new role that permits this. */
  role(permissions: bigint, more: Partial<Role> = {}): Role {
    const role = { ...newRole(this.mint(), 'a role', permissions), ...more };
    this.do(0n, (guild, changes) => saveRole(guild, role, changes));
    return role;
  }

  /** A new member with these roles. */
  member(id: bigint, roles: readonly Role[] = [], more: Partial<Member> = {}): Member {
    const user = userNumbered(id);
    const roleIds = sortedIds(roles.map((role) => role.id));
    const member = { ...newMember(user, this.nowMs), roleIds, ...more };
    this.do(0n, (guild, changes) => joinMember(guild, member, changes));
    return this.guild.member(id)!;
  }

  /** The first channel of a type. */
  channelOf(type: ChannelType): bigint {
    return [...this.guild.channels.values()].find((channel) => channel.type === type)!.id;
  }

  get textId(): bigint {
    return this.channelOf(ChannelType.Text);
  }

  get voiceId(): bigint {
    return this.channelOf(ChannelType.Voice);
  }

  /** The guild as its next owner reads it. */
  restored(): Guild {
    const rows = new Map([...this.rows].map(([table, byKey]) => [table, [...byKey.values()]]));
    const { id } = this.guild;
    return Guild.restore({
      topicId: id,
      kind: TopicKind.Guild,
      document: this.document,
      rows,
      lastMessageIds: new Map(),
    });
  }

  /** Documents go through JSON, as on their way to the table and back. */
  #write(changes: Changes): void {
    for (const { table, key, document } of changes.rows) {
      let byKey = this.rows.get(table);
      if (byKey === undefined) this.rows.set(table, (byKey = new Map()));
      if (document === undefined) byKey.delete(key.join('/'));
      else byKey.set(key.join('/'), { key, document: throughJson(document) });
    }
    if (changes.isTopicChanged) this.document = throughJson(this.guild.toDocument());
  }
}

const throughJson = (document: Document): Document =>
  JSON.parse(JSON.stringify(document)) as Document;
