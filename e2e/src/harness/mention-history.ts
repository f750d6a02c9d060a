// What a few people do to each other's badges over HTTP, at random, and what each of them should
// be shown, by the plainest of models: everything that was ever said is kept, and counted from the
// start each time somebody looks.
import { isDeepStrictEqual } from 'node:util';

import { versionAfterDeletion } from '@guildhall/contracts';
import { eventually, type SeededRandom } from '@guildhall/testkit';

import { readStateOf } from './read-state.js';
import { ok, type Guild, type Message, type Named, type Person, type World } from './world.js';

/** What is said where, and whom it meant when it was said (or edited last). */
interface Said {
  readonly message: Message;
  readonly author: Person;
  /** Counts everything that happens. */
  readonly at: number;
  readonly replyTo: Said | undefined;
  isGone: boolean;
  everyone: boolean;
  meant: ReadonlySet<Person>;
}

/** As it is kept: `mentionCount` is shown only if it was set by hand, for all up to `until`. */
interface Read {
  readonly lastMessageId: bigint;
  readonly mentionCount: number;
  /** 0n: not by hand. */
  readonly until: bigint;
  readonly isInGuild: boolean;
}

const UNREAD: Read = { lastMessageId: 0n, mentionCount: 0, until: 0n, isInGuild: false };

/** Who is where. */
export interface HistoryScene {
  readonly world: World;
  readonly guild: Guild;
  /** In the guild; the first is its owner, and only the last comes and goes. */
  readonly people: readonly Person[];
  readonly channels: readonly Named[];
  /** Only who has the role sees it, and the owner. */
  readonly secret: Named;
  readonly role: Named;
  /** Of the first two. */
  readonly privateId: string;
}

/** See the top of the file. */
export class MentionHistory {
  readonly #scene: HistoryScene;
  readonly #random: SeededRandom;
  readonly #said: Said[] = [];
  readonly #joinedAt: Map<Person, number>;
  readonly #holders = new Set<Person>();
  readonly #reads = new Map<string, Read>();
  readonly #versions: Map<Person, number>;
  /** The channel where the fleet says who joined; it says nothing of it to anybody by name. */
  #newestInGeneral = 0n;
  #at = 0;

  constructor(scene: HistoryScene, random: SeededRandom) {
    this.#scene = scene;
    this.#random = random;
    this.#joinedAt = new Map(scene.people.map((person) => [person, 0]));
    this.#versions = new Map(scene.people.map((person) => [person, 0]));
  }

  /** Something happens, and is answered. Gives what it was. */
  async step(): Promise<string> {
    if (this.#at === 0) await this.#lookAtGeneral();
    this.#at += 1;
    const kinds = {
      write: 8,
      edit: 2,
      delete: 2,
      'turn role': 2,
      'come or go': 1,
      ack: 3,
      'ack by hand': 2,
      'ack in bulk': 1,
      'ack guild': 1,
      'delete mark': 1,
    } as const;
    const names = Object.keys(kinds) as (keyof typeof kinds)[];
    const kind = this.#random.pick(names.flatMap((name) => Array(kinds[name]).fill(name)));
    if (kind === 'write') await this.#write();
    if (kind === 'edit') await this.#edit();
    if (kind === 'delete') await this.#delete();
    if (kind === 'turn role') await this.#turnRole();
    if (kind === 'come or go') await this.#comeOrGo();
    if (kind === 'ack') await this.#ack();
    if (kind === 'ack by hand') await this.#ackByHand();
    if (kind === 'ack in bulk') await this.#ackInBulk();
    if (kind === 'ack guild') await this.#ackGuild();
    if (kind === 'delete mark') await this.#deleteMark();
    return kind;
  }

  /**
   * READY shows everybody what the model counts. Who writes may be answered before its mark moved.
   */
  async compare(): Promise<void> {
    for (const person of this.#scene.people) {
      await eventually(
        async () => {
          const { version, entries } = await readStateOf(this.#scene.world, person);
          const shown = new Map(entries.map((entry) => [entry.id, entry]));
          const places = this.#placesOf(person).map((channelId) => {
            const { last_message_id: last = '0', mention_count: count = 0 } =
              shown.get(channelId) ?? {};
            return [channelId, BigInt(last), count];
          });
          expect({ version, places }).toEqual({
            version: this.#versions.get(person),
            places: this.#placesOf(person).map((channelId) => [
              channelId,
              this.#readOf(person, channelId).lastMessageId,
              this.#unread(person, channelId),
            ]),
          });
          return true;
        },
        { label: `${person.name} is shown what is unread`, timeoutMs: 10_000 },
      );
    }
  }

  /** The channels of a person, as of now. */
  #placesOf(person: Person): string[] {
    const { guild, people, channels, secret, privateId } = this.#scene;
    const isHere = this.#joinedAt.has(person);
    const seesSecret = isHere && (person === people[0] || this.#holders.has(person));
    return [
      ...(isHere ? [guild.generalId, ...channels.map(({ id }) => id)] : []),
      ...(seesSecret ? [secret.id] : []),
      ...(people.indexOf(person) < 2 ? [privateId] : []),
    ];
  }

  #unread(person: Person, channelId: string): number {
    const { lastMessageId, until, mentionCount } = this.#readOf(person, channelId);
    if (until === 0n) return this.#countPast(person, channelId, lastMessageId);
    return mentionCount + this.#countPast(person, channelId, until);
  }

  /** From scratch. */
  #countPast(person: Person, channelId: string, position: bigint): number {
    const isPrivate = channelId === this.#scene.privateId;
    return this.#said.filter(
      ({ message, author, at, isGone, everyone, meant }) =>
        message.channel_id === channelId &&
        !isGone &&
        BigInt(message.id) > position &&
        author !== person &&
        (isPrivate || at > this.#joinedAt.get(person)!) &&
        (everyone || meant.has(person)),
    ).length;
  }

  async #write(): Promise<void> {
    const { guild, people } = this.#scene;
    const author = this.#random.pick(people);
    const places = this.#placesOf(author).filter((id) => id !== guild.generalId);
    if (places.length === 0) return;
    const channelId = this.#random.pick(places);
    const isThere = ({ message, isGone }: Said) => !isGone && message.channel_id === channelId;
    const replyTo = this.#random.chance(0.3) ? this.#pick(isThere) : undefined;
    const { body, ...meant } = this.#saying(channelId, author, replyTo);
    const reference = replyTo && { message_reference: { message_id: replyTo.message.id } };
    const path = `/channels/${channelId}/messages`;
    const message = await ok<Message>(author.api.post(path, { ...body, ...reference }));
    this.#said.push({ message, author, at: this.#at, replyTo, isGone: false, ...meant });
    this.#move(author, channelId, BigInt(message.id), 'as before');
  }

  async #edit(): Promise<void> {
    const said = this.#pick(({ isGone }) => !isGone);
    if (said === undefined) return;
    const { message, author } = said;
    if (!this.#placesOf(author).includes(message.channel_id)) return;
    const replyTo = said.replyTo?.isGone === false ? said.replyTo : undefined;
    const { body, ...meant } = this.#saying(message.channel_id, author, replyTo);
    await ok(author.api.patch(`/channels/${message.channel_id}/messages/${message.id}`, body));
    Object.assign(said, meant);
  }

  async #delete(): Promise<void> {
    const said = this.#pick(({ isGone }) => !isGone);
    if (said === undefined) return;
    const { channel_id: channelId, id } = said.message;
    const { people, privateId } = this.#scene;
    const owner = people[0]!;
    const others = this.#said.filter(
      ({ message, isGone }) => !isGone && message.channel_id === channelId && message.id !== id,
    );
    if (channelId === privateId) {
      await ok(said.author.api.delete(`/channels/${channelId}/messages/${id}`));
    } else if (others.length === 0 || this.#random.chance(0.5)) {
      await ok(owner.api.delete(`/channels/${channelId}/messages/${id}`));
    } else {
      const gone = this.#random.shuffle(others).slice(0, 2);
      const messages = [id, ...gone.map(({ message }) => message.id)];
      await ok(owner.api.post(`/channels/${channelId}/messages/bulk-delete`, { messages }));
      for (const one of gone) one.isGone = true;
    }
    said.isGone = true;
  }

  async #turnRole(): Promise<void> {
    const { world, guild, people, role } = this.#scene;
    const person = this.#random.pick(people.filter((one) => this.#joinedAt.has(one)));
    if (this.#holders.delete(person)) {
      await world.takeRole(guild, person, role);
    } else {
      await world.giveRole(guild, person, role);
      this.#holders.add(person);
    }
  }

  async #comeOrGo(): Promise<void> {
    const { world, guild, people } = this.#scene;
    const person = people.at(-1)!;
    if (this.#joinedAt.delete(person)) {
      await ok(person.api.delete(`/users/@me/guilds/${guild.id}`));
      this.#holders.delete(person);
    } else {
      await world.join(guild, person);
      this.#joinedAt.set(person, this.#at);
      await this.#lookAtGeneral();
    }
  }

  async #ack(): Promise<void> {
    const person = this.#random.pick(this.#scene.people);
    const said = this.#pick(({ message }) => this.#placesOf(person).includes(message.channel_id));
    if (said === undefined) return;
    const { channel_id: channelId, id } = said.message;
    await ok(person.api.post(`/channels/${channelId}/messages/${id}/ack`, {}));
    this.#move(person, channelId, BigInt(id));
  }

  async #ackByHand(): Promise<void> {
    const person = this.#random.pick(this.#scene.people);
    const said = this.#pick(({ message }) => this.#placesOf(person).includes(message.channel_id));
    if (said === undefined) return;
    const { channel_id: channelId, id } = said.message;
    const count = this.#random.chance(0.5) ? this.#random.int(9) : undefined;
    const body = { manual: true, ...(count === undefined ? {} : { mention_count: count }) };
    await ok(person.api.post(`/channels/${channelId}/messages/${id}/ack`, body));
    // Without a count it is counted as ever: only the mark was moved by hand.
    this.#put(person, channelId, {
      lastMessageId: BigInt(id),
      mentionCount: count ?? this.#countPast(person, channelId, BigInt(id)),
      until: count === undefined ? 0n : this.#newestIn(channelId),
      isInGuild: channelId !== this.#scene.privateId,
    });
  }

  async #ackInBulk(): Promise<void> {
    const person = this.#random.pick(this.#scene.people);
    const places = this.#placesOf(person);
    const acks = places.flatMap((channelId) => {
      const said = this.#pick(({ message }) => message.channel_id === channelId);
      return said === undefined ? [] : [{ channel_id: channelId, message_id: said.message.id }];
    });
    // One that it may not see is passed over.
    const { id: secretId } = this.#scene.secret;
    const hidden = places.includes(secretId) ? [] : [{ channel_id: secretId, message_id: '9' }];
    const body = { read_states: [...hidden, ...acks] };
    await ok(person.api.post('/read-states/ack-bulk', body));
    for (const { channel_id: id, message_id: to } of acks) this.#move(person, id, BigInt(to));
  }

  async #ackGuild(): Promise<void> {
    const person = this.#random.pick([...this.#joinedAt.keys()]);
    const { guild, privateId } = this.#scene;
    await ok(person.api.post(`/guilds/${guild.id}/ack`, {}));
    for (const channelId of this.#placesOf(person)) {
      if (channelId === privateId) continue;
      this.#move(person, channelId, this.#newestIn(channelId));
    }
  }

  async #deleteMark(): Promise<void> {
    const person = this.#random.pick(this.#scene.people);
    const places = this.#placesOf(person);
    if (places.length === 0) return;
    const channelId = this.#random.pick(places);
    await ok(person.api.delete(`/channels/${channelId}/messages/ack`));
    if (!this.#reads.delete(`${person.id}/${channelId}`)) return;
    this.#versions.set(person, versionAfterDeletion(this.#versions.get(person)!));
  }

  #saying(
    channelId: string,
    author: Person,
    replyTo: Said | undefined,
  ): { body: object; everyone: boolean; meant: ReadonlySet<Person> } {
    const { people, role, privateId } = this.#scene;
    const named = people.filter(() => this.#random.chance(0.25));
    const namesRole = this.#random.chance(0.2);
    const namesAll = this.#random.chance(0.15);
    const words = [
      ...named.map(({ id }) => `<@${id}>`),
      ...(namesRole ? [`<@&${role.id}>`] : []),
      ...(namesAll ? [this.#random.pick(['@everyone', '@here'])] : []),
      'word',
    ];
    const parse = ['users', 'roles', 'everyone'].filter(() => this.#random.chance(0.5));
    const pings = this.#random.chance(0.5);
    const isPicky = this.#random.chance(0.3);
    const allowed = { parse, replied_user: pings };
    const means = (kind: string): boolean => !isPicky || parse.includes(kind);
    const isHere = (person: Person): boolean => this.#joinedAt.has(person);
    const meant = new Set([
      ...(means('users') ? named.filter(isHere) : []),
      ...(namesRole && means('roles') ? this.#holders : []),
      ...(replyTo !== undefined && (pings || !isPicky) ? [replyTo.author].filter(isHere) : []),
    ]);
    const content = this.#random.shuffle(words).join(' ');
    const isPrivate = channelId === privateId;
    return {
      body: { content, ...(isPicky ? { allowed_mentions: allowed } : {}) },
      everyone: isPrivate || (namesAll && means('everyone')),
      meant: isPrivate ? new Set(people.slice(0, 2).filter((one) => one !== author)) : meant,
    };
  }

  #readOf(person: Person, channelId: string): Read {
    return this.#reads.get(`${person.id}/${channelId}`) ?? UNREAD;
  }

  /** Forward only. One's own message says nothing about what kind of channel it is in. */
  #move(person: Person, channelId: string, lastMessageId: bigint, kind?: 'as before'): void {
    const before = this.#readOf(person, channelId);
    if (lastMessageId <= before.lastMessageId) return;
    this.#put(person, channelId, {
      lastMessageId,
      mentionCount: this.#countPast(person, channelId, lastMessageId),
      until: 0n,
      isInGuild: kind === undefined ? channelId !== this.#scene.privateId : before.isInGuild,
    });
  }

  #put(person: Person, channelId: string, read: Read): void {
    const key = `${person.id}/${channelId}`;
    if (isDeepStrictEqual(this.#reads.get(key), read)) return;
    this.#reads.set(key, read);
    this.#changed(person);
  }

  #changed(person: Person): void {
    this.#versions.set(person, this.#versions.get(person)! + 1);
  }

  /** Also of messages that are gone. */
  #newestIn(channelId: string): bigint {
    if (channelId === this.#scene.guild.generalId) return this.#newestInGeneral;
    const there = this.#said.filter(({ message }) => message.channel_id === channelId);
    return BigInt(there.at(-1)?.message.id ?? 0);
  }

  async #lookAtGeneral(): Promise<void> {
    const { guild, people } = this.#scene;
    const general = await ok<{ last_message_id: string | null }>(
      people[0]!.api.get(`/channels/${guild.generalId}`),
    );
    this.#newestInGeneral = BigInt(general.last_message_id ?? 0);
  }

  #pick(isOne: (said: Said) => boolean): Said | undefined {
    const there = this.#said.filter(isOne);
    return there.length === 0 ? undefined : this.#random.pick(there);
  }
}
