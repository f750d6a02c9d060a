// Hidden channels: nobody sees what they may not, and nobody misses what they may. An owner changes
// roles, overwrites, memberships and channels at random, and writes messages in between; a model
// decides for each user, from roles and overwrites alone, what its sessions are to be told. What
// they are told comes through a relay, the deliverer and its lanes, and is read from the bytes that
// their sockets were given, in every form.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { SystemClock } from '@guildhall/clock';
import {
  ChannelObjectSchema,
  TopicEventSchema,
  VisibilityChangeSchema,
  type TopicEvent,
} from '@guildhall/contracts';
import {
  ALL_INTENTS,
  codecOf,
  createDecompressor,
  Intent,
  SharedForm,
  ZLIB_STREAM_HEADER,
  ZSTD_STREAM_HEADER,
} from '@guildhall/gateway-protocol';
import { silentTelemetry } from '@guildhall/telemetry';
import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import type { Dispatch } from '../domain/dispatch.js';
import type { Follower, RelayOutcome } from '../domain/fan-out.js';
import type { GatewaySocket } from '../domain/gateway-socket.js';
import { Session } from '../domain/session.js';
import { TopicRelay } from '../domain/topic-relay.js';
import { GatewayEvents } from '../events.js';
import { Deliverer } from './deliverer.js';
import { DispatchLog } from '../domain/dispatch-log.js';

const LOG = new DispatchLog({ bytesMax: 64 * 2 ** 20, eventsMax: 65_536, ageMaxMs: 60_000 });

const TOPIC = 1n;
const ROLES = [101n, 102n, 103n, 104n];
const USERS = Array.from({ length: 14 }, (_, at) => BigInt(201 + at));
const OWN_BASE = 1_000_000n;
const STORIES_COUNT = 20;
const CHANGES_PER_STORY = 500;
const SESSIONS_AT_FIRST = 12;
const seed = seedFromEnv(process.env['SEED']);

/** What an overwrite does to one permission: the only one there is here. */
type Effect = 'allow' | 'deny';

interface Channel {
  everybody: Effect | undefined;
  readonly roles: Map<bigint, Effect>;
  readonly users: Map<bigint, Effect>;
}

/** Everything that permissions follow from. */
interface Guild {
  everybodyViews: boolean;
  readonly viewingRoles: Set<bigint>;
  readonly members: Map<bigint, Set<bigint>>;
  readonly channels: Map<bigint, Channel>;
}

const copyOf = (guild: Guild): Guild => ({
  everybodyViews: guild.everybodyViews,
  viewingRoles: new Set(guild.viewingRoles),
  members: new Map([...guild.members].map(([id, roles]) => [id, new Set(roles)])),
  channels: new Map(
    [...guild.channels].map(([id, { everybody, roles, users }]) => [
      id,
      { everybody, roles: new Map(roles), users: new Map(users) },
    ]),
  ),
});

/** May this user view this channel? By the book, for one user. */
function views(guild: Guild, userId: bigint, channelId: bigint): boolean {
  const roles = guild.members.get(userId);
  const channel = guild.channels.get(channelId);
  if (roles === undefined || channel === undefined) return false;
  let may = guild.everybodyViews || [...roles].some((role) => guild.viewingRoles.has(role));
  if (channel.everybody !== undefined) may = channel.everybody === 'allow';
  const effects = [...roles].map((role) => channel.roles.get(role));
  if (effects.includes('deny')) may = false;
  if (effects.includes('allow')) may = true;
  const own = channel.users.get(userId);
  return own === undefined ? may : own === 'allow';
}

/** What an owner calls the audience of a member: by roles, or its own if it has an overwrite. */
function audienceIdOf(guild: Guild, userId: bigint): bigint | undefined {
  const roles = guild.members.get(userId);
  if (roles === undefined) return undefined;
  if ([...guild.channels.values()].some(({ users }) => users.has(userId))) {
    return OWN_BASE + userId;
  }
  return ROLES.reduce((id, role, bit) => (roles.has(role) ? id | (1n << BigInt(bit)) : id), 16n);
}

function audiencesOf(guild: Guild): Map<bigint, bigint[]> {
  const audiences = new Map<bigint, bigint[]>();
  for (const userId of guild.members.keys()) {
    const channelIds = [...guild.channels.keys()].filter((id) => views(guild, userId, id));
    audiences.set(audienceIdOf(guild, userId)!, channelIds);
  }
  return audiences;
}

interface Step {
  readonly event: TopicEvent;
  readonly before: Guild;
  readonly after: Guild;
}

/** Changes the guild and writes the log. */
class Owner {
  readonly log: Step[] = [];
  guild: Guild;
  readonly #random: SeededRandom;
  #channelsMade = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.guild = {
      everybodyViews: true,
      viewingRoles: new Set(),
      members: new Map(USERS.map((id) => [id, new Set(this.some(ROLES))])),
      channels: new Map(),
    };
    for (let at = 0; at < 4; at += 1) this.#newChannel(this.guild);
  }

  get seq(): number {
    return this.log.length;
  }

  one<T>(items: Iterable<T>): T {
    const list = [...items];
    return list[this.#random.int(list.length)]!;
  }

  some<T>(items: readonly T[]): T[] {
    return items.filter(() => this.#random.int(3) === 0);
  }

  message(): void {
    const { channels } = this.guild;
    if (channels.size === 0) return;
    const channelId = this.one(channels.keys());
    const more = this.#random.int(6);
    this.#add(this.guild, {
      type: this.#random.int(4) === 0 ? 'TYPING_START' : 'MESSAGE_CREATE',
      channelId,
      authorId: this.one(USERS),
      mentionedUserIds: this.some(USERS.slice(0, 3)),
      exceptUserId: more === 0 ? this.one(USERS) : 0n,
      onlyUserIds: more === 1 ? this.some(USERS) : [],
    });
  }

  change(): void {
    const after = copyOf(this.guild);
    const fields = this.#change(after);
    this.#add(after, fields);
  }

  #change(after: Guild): MessageInitShape<typeof TopicEventSchema> {
    const userId = this.one(USERS);
    const role = this.one(ROLES);
    const effect = this.one<Effect | undefined>(['allow', 'deny', undefined]);
    const channelId = after.channels.size === 0 ? undefined : this.one(after.channels.keys());
    const channel = channelId === undefined ? undefined : after.channels.get(channelId);
    switch (this.#random.int(9)) {
      case 0:
        if (!after.viewingRoles.delete(role)) after.viewingRoles.add(role);
        return { type: 'GUILD_ROLE_UPDATE' };
      case 1:
        after.everybodyViews = !after.everybodyViews;
        return { type: 'GUILD_ROLE_UPDATE' };
      case 2:
        if (channel === undefined) break;
        channel.everybody = effect;
        return { type: 'CHANNEL_UPDATE', channelId: channelId! };
      case 3:
        if (channel === undefined) break;
        if (effect === undefined) channel.roles.delete(role);
        else channel.roles.set(role, effect);
        return { type: 'CHANNEL_UPDATE', channelId: channelId! };
      case 4:
        if (channel === undefined) break;
        if (effect === undefined || channel.users.size > 2) channel.users.clear();
        else channel.users.set(userId, effect);
        return { type: 'CHANNEL_UPDATE', channelId: channelId! };
      case 5: {
        const member = after.members.get(userId);
        if (member === undefined) break;
        if (!member.delete(role)) member.add(role);
        return { type: 'GUILD_MEMBER_UPDATE', subjectUserId: userId };
      }
      case 6:
        if (after.members.delete(userId)) {
          return { type: 'GUILD_MEMBER_REMOVE', subjectUserId: userId };
        }
        after.members.set(userId, new Set(this.some(ROLES)));
        return { type: 'GUILD_MEMBER_ADD', subjectUserId: userId };
      case 7:
        if (after.channels.size > 6) break;
        return { type: 'CHANNEL_CREATE', channelId: this.#newChannel(after) };
      default:
        if (after.channels.size < 3) break;
        after.channels.delete(channelId!);
        return { type: 'CHANNEL_DELETE', channelId: channelId! };
    }
    return { type: 'GUILD_UPDATE' };
  }

  #newChannel(guild: Guild): bigint {
    this.#channelsMade += 1;
    const id = BigInt(10_000 + this.#channelsMade);
    const roles = new Map(this.some(ROLES).map((role) => [role, 'allow' as const]));
    guild.channels.set(id, {
      everybody: this.#random.int(2) === 0 ? 'deny' : undefined,
      roles,
      users: new Map(),
    });
    return id;
  }

  #add(after: Guild, fields: MessageInitShape<typeof TopicEventSchema>): void {
    const before = this.guild;
    const seq = this.seq + 1;
    const event = create(TopicEventSchema, {
      topicId: TOPIC,
      seq: BigInt(seq),
      data: Buffer.from(JSON.stringify({ seq, content: `text ${seq}` })),
      ...fields,
    });
    if (before !== after) event.visibility = this.#visibility(before, after);
    this.guild = after;
    this.log.push({ event, before, after });
  }

  #visibility(before: Guild, after: Guild) {
    const [was, is] = [audiencesOf(before), audiencesOf(after)];
    const moves = USERS.flatMap((userId) => {
      const audienceId = audienceIdOf(after, userId);
      const stays = audienceId === undefined || audienceId === audienceIdOf(before, userId);
      return stays ? [] : [{ userId, audienceId }];
    });
    const target = new Set(moves.map(({ audienceId }) => audienceId));
    const audiences = [...is]
      .filter(([id, ids]) => target.has(id) || String(was.get(id)) !== String(ids))
      .map(([id, channelIds]) => ({ id, channelIds }));
    const ids = new Set([...before.channels.keys(), ...after.channels.keys()]);
    const moved = [...ids].filter((id) =>
      USERS.some((userId) => views(before, userId, id) !== views(after, userId, id)),
    );
    return create(VisibilityChangeSchema, {
      audiences,
      moves,
      removedUserIds: [...before.members.keys()].filter((userId) => !after.members.has(userId)),
      channels: moved.map((channelId) =>
        create(ChannelObjectSchema, { channelId, json: Buffer.from(`{"id":"${channelId}"}`) }),
      ),
    });
  }
}

/** What one session is to be told of one event, decided for it alone. */
function expected({ event, before, after }: Step, userId: bigint, intents: number): string[] {
  const told: string[] = [];
  const hearsOfGuilds = (intents & Intent.Guilds) !== 0;
  const isRemoved = before.members.has(userId) && !after.members.has(userId);
  // Whoever is removed sees with its own eyes to the end.
  const seen = isRemoved ? before : after;
  const { type, channelId } = event;
  const changed = event.visibility?.channels.map((channel) => channel.channelId) ?? [];
  const sees = (guild: Guild, id: bigint): boolean => views(guild, userId, id);
  for (const id of changed) {
    if (type === 'CHANNEL_CREATE' && id === channelId) continue;
    if (!sees(before, id) && sees(seen, id) && hearsOfGuilds) told.push(`CHANNEL_CREATE ${id}`);
  }
  const isOfSeen =
    channelId === 0n ||
    sees(seen, channelId) ||
    (type === 'CHANNEL_DELETE' && sees(before, channelId));
  if (isOfSeen && isMeantFor(event, userId, intents)) {
    const isBlank =
      type === 'MESSAGE_CREATE' &&
      (intents & Intent.MessageContent) === 0 &&
      event.authorId !== userId &&
      !event.mentionedUserIds.includes(userId);
    told.push(`${type} ${event.seq}${isBlank ? ' without content' : ''}`);
  }
  for (const id of changed) {
    if (type === 'CHANNEL_DELETE' && id === channelId) continue;
    if (sees(before, id) && !sees(seen, id) && hearsOfGuilds) told.push(`CHANNEL_DELETE ${id}`);
  }
  if (isRemoved && hearsOfGuilds) told.push('GUILD_DELETE');
  return told;
}

const INTENTS: Readonly<Record<string, number>> = {
  MESSAGE_CREATE: Intent.GuildMessages,
  TYPING_START: Intent.GuildMessageTyping,
  GUILD_MEMBER_ADD: Intent.GuildMembers,
  GUILD_MEMBER_UPDATE: Intent.GuildMembers,
  GUILD_MEMBER_REMOVE: Intent.GuildMembers,
};

function isMeantFor(event: TopicEvent, userId: bigint, intents: number): boolean {
  if (event.exceptUserId === userId) return false;
  if (event.onlyUserIds.length > 0 && !event.onlyUserIds.includes(userId)) return false;
  const wanted = INTENTS[event.type] ?? Intent.Guilds;
  return (intents & wanted) !== 0 || event.subjectUserId === userId;
}

const COMPRESSIONS = new Map<SharedForm | undefined, 'zlib-stream' | 'zstd-stream'>([
  [SharedForm.JsonZlib, 'zlib-stream'],
  [SharedForm.EtfZlib, 'zlib-stream'],
  [SharedForm.JsonZstd, 'zstd-stream'],
]);
const STREAM_HEADERS = { 'zlib-stream': ZLIB_STREAM_HEADER, 'zstd-stream': ZSTD_STREAM_HEADER };

/** Keeps the messages that it was given, as a client would find them on the wire. */
class KeepingSocket implements GatewaySocket {
  readonly form: SharedForm | undefined;
  readonly bufferedBytes = 0;
  readonly messages: Buffer[] = [];

  constructor(form: SharedForm | undefined) {
    this.form = form;
  }

  write(dispatch: Dispatch, s: number): number {
    if (this.form === undefined) {
      this.messages.push(dispatch.encoded.frame('json', s));
      return dispatch.size;
    }
    const frame = dispatch.encoded.shared(this.form);
    const size = frame.patch(s);
    this.#keep(frame.bytes.subarray(frame.start, frame.end));
    return size;
  }

  put(bytes: Buffer, end: number): void {
    this.#keep(bytes.subarray(0, end));
  }

  /** `s` and what it was about, of each message. */
  async read(): Promise<{ s: number; told: string }[]> {
    const compression = COMPRESSIONS.get(this.form);
    const isEtf = this.form === SharedForm.Etf || this.form === SharedForm.EtfZlib;
    const codec = codecOf(isEtf ? 'etf' : 'json');
    const stream = compression === undefined ? undefined : createDecompressor(compression);
    const read: { s: number; told: string }[] = [];
    for (const [index, message] of this.messages.entries()) {
      const isFirst = index === 0 && compression !== undefined;
      const whole = isFirst ? Buffer.concat([STREAM_HEADERS[compression], message]) : message;
      const payload = stream === undefined ? whole : await stream.decompress(whole);
      const { s, t, d } = codec.decode(payload) as {
        s: number;
        t: string;
        d: { id?: string; seq?: number; content?: string };
      };
      const what = t === 'GUILD_DELETE' ? '' : ` ${d.seq ?? d.id}`;
      read.push({ s, told: `${t}${what}${d.content === '' ? ' without content' : ''}` });
    }
    stream?.close();
    return read;
  }

  frame(): void {}
  compressPayloads(): void {}
  close(): void {}
  terminate(): void {}
  closed(): void {}

  /** Copies: the memory is used again. None of these events is longer than 65,535 bytes. */
  #keep(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      const isShort = bytes[at + 1]! < 126;
      const size = isShort ? bytes[at + 1]! : bytes.readUInt16BE(at + 2);
      const from = at + (isShort ? 2 : 4);
      this.messages.push(Buffer.from(bytes.subarray(from, from + size)));
      at = from + size;
    }
  }
}

const INTENTS_OF_SESSIONS = [
  ALL_INTENTS,
  ALL_INTENTS & ~Intent.MessageContent,
  Intent.Guilds | Intent.GuildMessages,
  Intent.GuildMessages | Intent.MessageContent,
  Intent.Guilds | Intent.GuildMessageTyping,
];
const FORMS = [...Object.values(SharedForm), undefined];
const LIMITS = { recentEventsMax: 64, heldEventsMax: 256, earlyEventsMax: 256 };

interface Watched {
  readonly session: Session;
  readonly socket: KeepingSocket;
  readonly follower: Follower<Session>;
  readonly fromSeq: number;
  /** It left by itself when the relay was there. */
  leftAtSeq: number | undefined;
}

interface Totals {
  told: number;
  withheld: number;
  sessions: number;
}

async function story(random: SeededRandom, totals: Totals): Promise<void> {
  const owner = new Owner(random);
  const relay = new TopicRelay<Session>(TOPIC, 'guild', LIMITS);
  const telemetry = silentTelemetry();
  const deliverer = new Deliverer({
    clock: new SystemClock(),
    tracer: telemetry.tracer,
    events: new GatewayEvents(telemetry),
    onOverfull: () => undefined,
    backlogMax: 1_000_000,
  });
  const watched: Watched[] = [];
  let inFlight: TopicEvent[] = [];

  const settle = (outcome: RelayOutcome<Session>): void => {
    expect(outcome.needsRepair).toBe(false);
    deliverer.deliver(TOPIC, outcome, undefined);
  };
  const attach = (): void => {
    const userId = owner.one(owner.guild.members.keys());
    const form = FORMS[random.int(FORMS.length)];
    const socket = new KeepingSocket(form);
    const session = sessionOf(userId, INTENTS_OF_SESSIONS[random.int(5)]!, socket);
    const follower = relay.begin(session);
    const id = audienceIdOf(owner.guild, userId)!;
    const channelIds = audiencesOf(owner.guild).get(id)!;
    const audience = { $typeName: 'fleet.topics.v1.Audience' as const, id, channelIds };
    settle(relay.attached(follower, { seq: owner.seq, audience })!);
    watched.push({ session, socket, follower, fromSeq: owner.seq, leftAtSeq: undefined });
  };
  const leave = (one: Watched): void => {
    if (one.follower.state !== 'live') return;
    one.leftAtSeq = relay.position;
    deliverer.left(TOPIC, one.session);
    relay.end(one.follower);
  };

  for (let at = 0; at < SESSIONS_AT_FIRST; at += 1) attach();
  for (let at = 0; at < CHANGES_PER_STORY; at += 1) {
    const from = owner.seq;
    owner.change();
    for (let count = random.int(4); count > 0; count -= 1) owner.message();
    inFlight.push(...owner.log.slice(from).map(({ event }) => event));
    if (random.int(40) === 0 && owner.guild.members.size > 0) attach();
    if (random.int(40) === 0) leave(owner.one(watched));
    // One by one, or so many in one turn that they take the lanes.
    if (random.int(random.int(8) === 0 ? 60 : 3) > 0) continue;
    settle(relay.receive(inFlight));
    inFlight = [];
    if (random.int(3) === 0) await new Promise(setImmediate);
  }
  settle(relay.receive(inFlight));
  deliverer.flush(TOPIC);
  for (const one of watched) await check(one, owner, totals, random.seed);
}

async function check(one: Watched, owner: Owner, totals: Totals, storySeed: number): Promise<void> {
  const { session, socket, fromSeq, leftAtSeq } = one;
  const should: string[] = [];
  for (const step of owner.log.slice(fromSeq, leftAtSeq)) {
    const told = expected(step, session.userId, session.intents);
    if (told.length === 0) totals.withheld += 1;
    should.push(...told);
    if (step.before.members.has(session.userId) && !step.after.members.has(session.userId)) break;
  }
  const read = await socket.read();
  try {
    expect(read.map(({ s }) => s)).toEqual(read.map((_, at) => at + 1));
    const was = read.map(({ told }) => told);
    // Whoever left by itself may have missed the last of it, and has got nothing else.
    expect(was).toEqual(leftAtSeq === undefined ? should : should.slice(0, was.length));
  } catch (error) {
    throw new Error(`SEED=${storySeed}: ${String(error)}`, { cause: error });
  }
  totals.told += read.length;
  totals.sessions += 1;
}

function sessionOf(userId: bigint, intents: number, socket: GatewaySocket): Session {
  const session = new Session(
    {
      id: `${userId}`,
      userId,
      isBot: true,
      applicationId: 1n,
      tokenDigest: '',
      intents,
      shard: { id: 0, count: 1 },
      largeThreshold: 50,
      client: { name: 'web', os: 'linux' },
    },
    { status: 'online', isAfk: false, sinceMs: null, activities: [] },
    {
      log: LOG,
      eventsMax: 16,
      ownBytesMax: 1_000,
      confirmedMax: 16,
      heldMax: 16,
      presenceUpdatesMax: 5,
      presenceUpdatesWindowMs: 20_000,
    },
  );
  session.open();
  session.state = 'connected';
  session.socket = socket;
  return session;
}

describe(`hidden channels (SEED=${seed})`, () => {
  it('ten thousand changes of permissions: nobody is told more or less than the model says', async () => {
    const totals = { told: 0, withheld: 0, sessions: 0 };
    for (let round = 0; round < STORIES_COUNT; round += 1) {
      await story(new SeededRandom(seed + round), totals);
    }
    // Both happened, and often: a model that allows everything, or nothing, would prove nothing.
    expect(totals.sessions).toBeGreaterThan(STORIES_COUNT * SESSIONS_AT_FIRST);
    expect(totals.told).toBeGreaterThan(40_000);
    expect(totals.withheld).toBeGreaterThan(40_000);
    if (process.env['COUNTS'] !== undefined) process.stdout.write(`${JSON.stringify(totals)}\n`);
  }, 300_000);
});
