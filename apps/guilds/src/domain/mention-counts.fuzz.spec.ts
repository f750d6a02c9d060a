// Thousands of short histories of a guild and a private channel, and after each what READY would
// say is unread, against a model that keeps everything that was ever said and counts from the
// start.
//
// The model knows nothing of records: of each message it keeps who was meant when it was written
// (or edited last), by name, by role as it was held then, or everybody. A message counts for
// whoever it means if it is still there, is not its own, is not from before it joined (last), lies
// past what it has read, in a channel that it sees now, and if it does not suppress now what it is
// meant by: everybody, roles, or in the private channel, while that is muted, all but its name.
import { create } from '@bufbuild/protobuf';
import {
  AddMemberRequestSchema,
  AttachTopicRequestSchema,
  DeliverRequestSchema,
  DeleteMessagesRequestSchema,
  MemberRoleRequestSchema,
  ReadPositionSchema,
  RemoveMemberRequestSchema,
  UpdateUserGuildSettingsRequestSchema,
  type ReadPosition,
} from '@guildhall/contracts';
import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import {
  ANN,
  BEN,
  GUILD,
  HIDDEN,
  MessageStage,
  MOD,
  NEWS,
  OWNER,
  person,
  PRIVATE,
  QUIET_ROLE,
  TEAM_ROLE,
  TEXT,
} from '../testing/message-stage.js';
import type { Changes, Errand } from './changes.js';
import { attachGuild } from './guild-snapshot.js';
import { addMember, deleteMemberRole, putMemberRole, removeMember } from './member-decisions.js';
import { memberFromDocument } from './member.js';
import { MentionLog } from './mention-log.js';
import { deleteLoadedMessages, deleteMessages } from './message-deletion.js';
import type { MessageTopic } from './message-place.js';
import { countedRecipient } from './notification-rules.js';
import { PrivateChannel } from './private-channel.js';
import type { Document } from './tables.js';
import { deliver } from './topic-decisions.js';
import { TopicKind } from './topic-kind.js';
import type { Topic } from './topic.js';
import { unreadMentions } from './unread-mentions.js';
import { updateUserGuildSettings } from './user-settings-decisions.js';
import { UserTopic } from './user-topic.js';

const random = new SeededRandom(seedFromEnv(process.env['SEED']));
const HISTORIES = 2_000;
const STEPS = 20;
const LATE = 16n;
const PEOPLE = [OWNER, ANN, BEN, MOD, LATE];
const CHANNELS = [TEXT, NEWS, HIDDEN, PRIVATE];
const ROLES = [TEAM_ROLE, QUIET_ROLE];

/** What is said, as a client would put it, and what that means apart from who may. */
interface Saying {
  readonly content: string;
  readonly users: readonly bigint[];
  readonly roles: readonly bigint[];
  readonly everyone: boolean;
  readonly allowed: Allowed | undefined;
}

interface Allowed {
  readonly parse: string[];
  readonly users: bigint[];
  readonly roles: bigint[];
  readonly repliedUser: boolean;
}

interface Said {
  readonly id: bigint;
  readonly channelId: bigint;
  readonly authorId: bigint;
  readonly atMs: number;
  readonly replyTo: bigint;
  isGone: boolean;
  everyone: boolean;
  named: ReadonlySet<bigint>;
  holders: ReadonlySet<bigint>;
}

/** What a user does not want counted. `mutedUntilMs` is of the private channel; 0: not muted. */
interface Wishes {
  suppressEveryone: boolean;
  suppressRoles: boolean;
  mutedUntilMs: number;
}

class History {
  readonly stage = new MessageStage();
  readonly #said: Said[] = [];
  /** By user: when it joined last; absent: not here. */
  readonly #joinedAtMs = new Map<bigint, number>();
  readonly #roles = new Map<bigint, Set<bigint>>();
  readonly #wishes = new Map<bigint, Wishes>();
  /** The users' own topics, and their rows. */
  readonly #users = new Map<bigint, UserTopic>();
  readonly #settingsRows = new Map<bigint, Map<bigint, Document>>();
  /** What topics were told before, some of it to come again. */
  readonly #told: Errand[] = [];
  /** By user and channel, as read-states keeps it. */
  readonly #read = new Map<string, ReadPosition>();

  constructor() {
    for (const id of PEOPLE) {
      this.#wishes.set(id, { suppressEveryone: false, suppressRoles: false, mutedUntilMs: 0 });
      this.#users.set(id, new UserTopic(id));
      this.#settingsRows.set(id, new Map());
    }
    const recipients = [person(ANN), person(BEN)];
    for (const id of [ANN, BEN]) {
      const membership = { topicId: PRIVATE, recipients, isClosed: false };
      this.#decide(id, this.#users.get(id)!, (topic, changes) =>
        topic.addPrivateChannel(membership, changes),
      );
    }
    for (const id of [OWNER, ANN, BEN, MOD]) {
      this.#tell({ topicId: id, action: { case: 'guildJoined', value: { guildId: GUILD } } });
      this.#joinedAtMs.set(id, this.stage.clock.nowMs());
      this.#roles.set(id, new Set());
    }
    this.#roles.get(ANN)!.add(TEAM_ROLE);
    this.#roles.get(BEN)!.add(QUIET_ROLE);
  }

  /** Something happens. */
  step(): void {
    this.stage.clock.advance(1 + random.int(3));
    const kind = random.int(24);
    if (kind < 8) this.#write();
    else if (kind < 10) this.#edit();
    else if (kind < 12) this.#erase();
    else if (kind < 14) this.#turnRole();
    else if (kind < 16) this.#comeOrGo();
    else if (kind < 20) this.#wish();
    else this.#ack();
  }

  /** What READY shows everybody is what the model counts. */
  compare(): void {
    for (const userId of PEOPLE) {
      const shown = this.#ready(userId);
      for (const channelId of CHANNELS) {
        const expected = this.#unread(userId, channelId);
        const where = `${userId} in ${channelId}`;
        expect([where, shown.get(channelId) ?? 0]).toEqual([where, expected]);
      }
    }
  }

  /** The topics change hands: the next owner loads their rows. */
  reload(): void {
    const { guild, direct } = this.stage;
    for (const [at, document] of this.stage.rows) {
      if (!at.startsWith('members/')) continue;
      guild.putMember(memberFromDocument(document, () => true).member);
    }
    const empty = { rows: new Map(), lastMessageIds: new Map<bigint, bigint>() };
    const { mutes } = PrivateChannel.restore({
      ...empty,
      topicId: PRIVATE,
      kind: TopicKind.PrivateChannel,
      document: JSON.parse(JSON.stringify(direct.toDocument())) as Document,
    });
    Object.assign(direct, { mutes });
    for (const [id, topic] of this.#users) {
      const rows = [...this.#settingsRows.get(id)!];
      const settings = rows.map(([guildId, document]) => ({ key: [guildId], document }));
      const next = UserTopic.restore({
        ...empty,
        topicId: id,
        kind: TopicKind.User,
        document: {},
        rows: new Map([['user_guild_settings', settings]]),
      });
      expect(next.guildSettings).toEqual(topic.guildSettings);
      expect(next.settingsVersion).toBe(topic.settingsVersion);
    }
    for (const topic of [this.stage.guild, this.stage.direct]) {
      const next = new MentionLog();
      const rows = [...this.stage.rows]
        .filter(([at]) => at.startsWith('mentions/'))
        .map(([at, document]) => ({ key: at.split('/').slice(1).map(BigInt), document }))
        .filter(({ key }) => (key[0] === PRIVATE) === (topic === this.stage.direct))
        .sort((a, b) => order(a.key[0]!, b.key[0]!) || order(a.key[1]!, b.key[1]!));
      next.restore(rows);
      Object.assign(topic, { mentions: next });
    }
  }

  #topicOf = (channelId: bigint): MessageTopic =>
    channelId === PRIVATE ? this.stage.direct : this.stage.guild;

  #peopleOf = (channelId: bigint): bigint[] =>
    channelId === PRIVATE
      ? [ANN, BEN]
      : [...this.#joinedAtMs.keys()].filter((id) => channelId !== HIDDEN || id !== BEN);

  #write(): void {
    const channelId = random.pick(CHANNELS);
    const authorId = random.pick(this.#peopleOf(channelId));
    const saying = this.#saying();
    const answered = random.chance(0.3) ? this.#pick({ channelId }) : undefined;
    const replyTo = answered?.id ?? 0n;
    const init = { channelId, content: saying.content, referenceMessageId: replyTo };
    const { id } = this.stage.send(
      authorId,
      { ...init, ...allowedIn(saying) },
      this.#topicOf(channelId),
    );
    const atMs = this.stage.clock.nowMs();
    const meant = this.#meant(channelId, authorId, saying, answered);
    this.#said.push({ id, channelId, authorId, atMs, replyTo, isGone: false, ...meant });
    // A person's own message implies that it has read what stands above.
    this.#move(authorId, channelId, id);
  }

  #edit(): void {
    const said = this.#pick({});
    if (said === undefined || !this.#peopleOf(said.channelId).includes(said.authorId)) return;
    const { id: messageId, channelId, authorId } = said;
    const topic = this.#topicOf(channelId);
    if (random.chance(0.2)) {
      this.stage.edit(authorId, { channelId, messageId, flags: 4 }, topic);
      return;
    }
    const saying = this.#saying();
    const init = { channelId, messageId, content: saying.content, ...allowedIn(saying) };
    this.stage.edit(authorId, init, topic);
    const answered = this.#said.find(({ id, isGone }) => id === said.replyTo && !isGone);
    Object.assign(said, this.#meant(channelId, authorId, saying, answered));
  }

  #erase(): void {
    const said = this.#pick({});
    if (said === undefined) return;
    const { channelId } = said;
    const more = this.#said.filter((each) => each.channelId === channelId && !each.isGone);
    const topic = this.#topicOf(channelId);
    const { stage } = this;
    if (channelId === PRIVATE || random.chance(0.5)) {
      const request = { channelId, messageIds: [said.id] };
      const actorId = channelId === PRIVATE ? said.authorId : OWNER;
      stage.act(actorId, (changes) =>
        deleteMessages(topic, create(DeleteMessagesRequestSchema, request), [], changes),
      );
      said.isGone = true;
      return;
    }
    const isPurge = random.chance(0.3);
    const chosen = isPurge
      ? more.filter(({ authorId }) => authorId === said.authorId)
      : random.shuffle(more).slice(0, 2 + random.int(3));
    const loaded = chosen.flatMap(({ id }) => topic.messages.get(channelId, id) ?? []);
    if (isPurge) {
      stage.act(0n, (changes) => deleteLoadedMessages(topic, channelId, loaded, changes));
    } else {
      if (chosen.length < 2) return;
      const messageIds = chosen.map(({ id }) => id);
      const init = { channelId, messageIds, bulk: true };
      const request = create(DeleteMessagesRequestSchema, init);
      stage.act(OWNER, (changes) => deleteMessages(topic, request, loaded, changes));
    }
    for (const each of chosen) each.isGone = true;
  }

  #turnRole(): void {
    const userId = random.pick(this.#peopleOf(TEXT));
    const roleId = random.pick(ROLES);
    const request = create(MemberRoleRequestSchema, { userId, roleId });
    const roles = this.#roles.get(userId)!;
    const has = roles.has(roleId);
    const turn = has ? deleteMemberRole : putMemberRole;
    this.stage.act(OWNER, (changes) => turn(this.stage.guild, request, changes));
    if (has) roles.delete(roleId);
    else roles.add(roleId);
  }

  #comeOrGo(): void {
    const userId = random.pick([ANN, BEN, LATE]);
    const { guild, clock } = this.stage;
    if (this.#joinedAtMs.delete(userId)) {
      const request = create(RemoveMemberRequestSchema, { userId });
      const actorId = random.pick([userId, OWNER]);
      const left = this.stage.act(actorId, (changes) => removeMember(guild, request, changes));
      this.#run(left.changes);
      if (random.chance(0.5)) return;
    }
    const request = create(AddMemberRequestSchema, { user: person(userId) });
    const joined = this.stage.act(0n, (changes) => addMember(guild, request, changes));
    this.#run(joined.changes);
    this.#joinedAtMs.set(userId, clock.nowMs());
    this.#roles.set(userId, new Set());
    clock.advance(1);
  }

  /** Somebody wants other mentions counted, and perhaps others again; some of it is told twice. */
  #wish(): void {
    const isPrivate = random.chance(0.5);
    const userId = random.pick(isPrivate ? [ANN, BEN] : [...this.#joinedAtMs.keys()]);
    const wishes = this.#wishes.get(userId)!;
    for (let times = 1 + random.int(3); times > 0; times -= 1) {
      const change = isPrivate ? this.#mute(wishes) : this.#suppress(wishes);
      const request = create(UpdateUserGuildSettingsRequestSchema, { changes: [change] });
      this.#decide(userId, this.#users.get(userId)!, (topic, changes) =>
        updateUserGuildSettings(topic, request, changes),
      );
    }
    const late = this.#told.slice(-3);
    if (late.length > 0 && random.chance(0.5)) this.#tell(random.pick(late), 'again');
  }

  #suppress(wishes: Wishes) {
    const change: { suppressEveryone?: boolean; suppressRoles?: boolean; muted: boolean } = {
      // Of a guild that is muted mentions count all the same.
      muted: random.chance(0.5),
    };
    if (random.chance(0.6)) change.suppressEveryone = random.chance(0.7);
    if (random.chance(0.6)) change.suppressRoles = random.chance(0.7);
    wishes.suppressEveryone = change.suppressEveryone ?? wishes.suppressEveryone;
    wishes.suppressRoles = change.suppressRoles ?? wishes.suppressRoles;
    return { guildId: GUILD, ...change };
  }

  #mute(wishes: Wishes) {
    const nowMs = this.stage.clock.nowMs();
    const muted = random.chance(0.8);
    const endMs = random.pick([0, nowMs - 5, nowMs + 1, nowMs + 10, nowMs + 40]);
    wishes.mutedUntilMs = muted ? endMs || Infinity : 0;
    const muteConfig =
      endMs === 0 ? { isNone: true } : { selectedTimeWindow: 60, endTimeMs: BigInt(endMs) };
    return { guildId: 0n, channelOverrides: [{ channelId: PRIVATE, muted, muteConfig }] };
  }

  /** Decides in a topic, keeps its rows, and tells the topics that are to be told. */
  #decide<T extends Topic>(
    actorId: bigint,
    topic: T,
    decide: (topic: T, changes: Changes) => unknown,
  ): void {
    if (topic.kind !== TopicKind.User) {
      this.#run(this.stage.act(actorId, (changes) => decide(topic, changes)).changes);
      return;
    }
    const changes = this.stage.changes(actorId);
    decide(topic, changes);
    const rows = this.#settingsRows.get(topic.id)!;
    for (const { table, key, document } of changes.rows) {
      if (table !== 'user_guild_settings') continue;
      rows.set(key[0] as bigint, JSON.parse(JSON.stringify(document)) as Document);
    }
    this.#run(changes);
  }

  #run({ errands }: Changes): void {
    for (const errand of errands) this.#tell(errand);
  }

  #tell(errand: Errand, times: 'once' | 'again' = 'once'): void {
    const { topicId } = errand;
    const { guild, direct } = this.stage;
    const topic =
      topicId === GUILD ? guild : topicId === PRIVATE ? direct : this.#users.get(topicId);
    if (topic === undefined) return;
    const { action } = create(DeliverRequestSchema, { action: errand.action });
    // What a guild tells a user comes once, or the next owner would know that it did.
    if (times === 'once' && topic.kind !== TopicKind.User) this.#told.push(errand);
    this.#decide(0n, topic as Topic, (told, changes) => deliver(told, action, changes));
  }

  #ack(): void {
    const userId = random.pick(PEOPLE);
    const channelId = random.pick(CHANNELS);
    const there = this.#said.filter((each) => each.channelId === channelId);
    const messageId = there.length === 0 || random.chance(0.1) ? 1n : random.pick(there).id;
    if (random.chance(0.6)) {
      this.#move(userId, channelId, messageId + BigInt(random.int(2)));
      return;
    }
    const manualUntilMessageId = there.at(-1)?.id ?? 0n;
    // Without a count of its own it is counted as any other, and only the mark moves back.
    const isCountGiven = random.chance(0.5) && manualUntilMessageId !== 0n;
    this.#put(userId, {
      channelId,
      lastMessageId: messageId,
      manualCount: isCountGiven ? random.int(9) : 0,
      manualUntilMessageId: isCountGiven ? manualUntilMessageId : 0n,
    });
  }

  #move(userId: bigint, channelId: bigint, messageId: bigint): void {
    const before = this.#read.get(`${userId}/${channelId}`);
    if (messageId <= (before?.lastMessageId ?? 0n)) return;
    this.#put(userId, { channelId, lastMessageId: messageId });
  }

  #put(userId: bigint, init: Partial<Omit<ReadPosition, '$typeName'>>): void {
    this.#read.set(`${userId}/${init.channelId}`, create(ReadPositionSchema, init));
  }

  #saying(): Saying {
    const users = PEOPLE.filter(() => random.chance(0.15));
    const roles = ROLES.filter(() => random.chance(0.15));
    const everyone = random.chance(0.15);
    const words = [
      'word',
      ...users.map((id) => random.pick([`<@${id}>`, `<@!${id}>`])),
      ...roles.map((id) => `<@&${id}>`),
      ...(everyone ? [random.pick(['@everyone', '@here'])] : []),
      ...(random.chance(0.2) ? [`\`<@${random.pick(PEOPLE)}> @everyone\``] : []),
    ];
    const allowed = random.chance(0.7)
      ? undefined
      : {
          parse: ['everyone', 'users', 'roles'].filter(() => random.chance(0.4)),
          users: PEOPLE.filter(() => random.chance(0.3)),
          roles: ROLES.filter(() => random.chance(0.3)),
          repliedUser: random.chance(0.5),
        };
    return { content: random.shuffle(words).join(' '), users, roles, everyone, allowed };
  }

  /** Whom a saying means, by what its author may and who holds what, now. */
  #meant(
    channelId: bigint,
    authorId: bigint,
    { users, roles, everyone, allowed }: Saying,
    answered: Said | undefined,
  ): Pick<Said, 'everyone' | 'named' | 'holders'> {
    const here = channelId === PRIVATE ? [ANN, BEN] : [...this.#joinedAtMs.keys()];
    const mayAll = authorId === OWNER || authorId === MOD;
    const means = (kind: 'users' | 'roles', id: bigint): boolean =>
      allowed === undefined || allowed.parse.includes(kind) || allowed[kind].includes(id);
    const named = new Set(users.filter((id) => here.includes(id) && means('users', id)));
    const pings = answered !== undefined && (allowed?.repliedUser ?? true);
    if (pings && here.includes(answered.authorId)) named.add(answered.authorId);
    const holders = new Set<bigint>();
    if (channelId === PRIVATE) return { everyone: true, named, holders };
    for (const roleId of roles) {
      if (!means('roles', roleId) || (!mayAll && roleId !== TEAM_ROLE)) continue;
      for (const id of here) if (this.#roles.get(id)!.has(roleId)) holders.add(id);
    }
    const meansAll = allowed === undefined || allowed.parse.includes('everyone');
    return { everyone: everyone && mayAll && meansAll, named, holders };
  }

  /** From scratch. */
  #unread(userId: bigint, channelId: bigint): number {
    if (!this.#peopleOf(channelId).includes(userId)) return 0;
    const joinedAtMs = channelId === PRIVATE ? 0 : this.#joinedAtMs.get(userId)!;
    const read = this.#read.get(`${userId}/${channelId}`);
    const isByHand = read !== undefined && read.manualUntilMessageId !== 0n;
    const position = isByHand ? read.manualUntilMessageId : (read?.lastMessageId ?? 0n);
    const { suppressEveryone, suppressRoles, mutedUntilMs } = this.#wishes.get(userId)!;
    const isMuted = mutedUntilMs > this.stage.clock.nowMs();
    const countsAll = channelId === PRIVATE ? !isMuted : !suppressEveryone;
    const counted = this.#said.filter(
      (said) =>
        said.channelId === channelId &&
        !said.isGone &&
        said.id > position &&
        said.authorId !== userId &&
        said.atMs >= joinedAtMs &&
        ((said.everyone && countsAll) ||
          said.named.has(userId) ||
          (said.holders.has(userId) && !suppressRoles)),
    );
    return counted.length + (isByHand ? read.manualCount : 0);
  }

  #ready(userId: bigint): Map<bigint, number> {
    const { guild, direct } = this.stage;
    const shown = new Map<bigint, number>();
    const reads = CHANNELS.flatMap((channelId) => this.#read.get(`${userId}/${channelId}`) ?? []);
    if (this.#joinedAtMs.has(userId)) {
      const positions = reads.filter(({ channelId }) => channelId !== PRIVATE);
      const command = { actorId: userId };
      const init = { command, positions, wantsMentionCounts: true };
      const { mentionCounts } = attachGuild(guild, create(AttachTopicRequestSchema, init));
      for (const one of mentionCounts) shown.set(one.channelId!, one.mentionCount!);
    }
    if (direct.recipients.has(userId)) {
      const read = reads.find(({ channelId }) => channelId === PRIVATE);
      const who = countedRecipient(direct, userId, this.stage.clock.nowMs());
      shown.set(PRIVATE, unreadMentions(direct.mentions, read, { channelId: PRIVATE, ...who }));
    }
    return shown;
  }

  #pick({ channelId }: { channelId?: bigint }): Said | undefined {
    const there = this.#said.filter(
      (said) => !said.isGone && (channelId === undefined || said.channelId === channelId),
    );
    return there.length === 0 ? undefined : random.pick(there);
  }
}

function allowedIn({ allowed }: Saying): { allowedMentions?: Allowed } {
  return allowed === undefined ? {} : { allowedMentions: allowed };
}

const order = (a: bigint, b: bigint): number => (a === b ? 0 : a < b ? -1 : 1);

describe(`mention counts (${random})`, () => {
  it('are what counting everything from the start gives, whatever happened', () => {
    for (let index = 0; index < HISTORIES; index += 1) {
      const history = new History();
      for (let at = 1; at <= STEPS; at += 1) {
        history.step();
        if (at % 10 === 0) history.compare();
        // What comes next is decided and counted upon what was stored.
        if (at === 10) history.reload();
      }
    }
  });
});
