// The relay against a model that has no relay: an owner that knows who sees what at every moment,
// and for each session the list of what it should have been told since its snapshot. Between the
// two lies a bus that loses, repeats and reorders, and owners whose snapshots are old or new.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  ChannelObjectSchema,
  TopicEventSchema,
  VisibilityChangeSchema,
  type TopicEvent,
  type VisibilityChange,
} from '@guildhall/contracts';
import { ALL_INTENTS } from '@guildhall/gateway-protocol';
import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import type { Subscriber } from './delivery-rules.js';
import type { Follower, RelayOutcome } from './fan-out.js';
import { TopicRelay } from './topic-relay.js';

const TOPIC = 1n;
const CHANNELS = [11n, 12n, 13n, 14n];
const AUDIENCES = [21n, 22n, 23n];
const USERS = [31n, 32n, 33n, 34n, 35n];

interface State {
  /** Members only. */
  readonly audienceOf: Map<bigint, bigint>;
  readonly channelsOf: Map<bigint, Set<bigint>>;
}

interface Step {
  readonly event: TopicEvent;
  readonly before: State;
  readonly after: State;
}

const copy = ({ audienceOf, channelsOf }: State): State => ({
  audienceOf: new Map(audienceOf),
  channelsOf: new Map([...channelsOf].map(([id, channels]) => [id, new Set(channels)])),
});

/** Writes the log: every event with the state before and after it. */
class Owner {
  readonly log: Step[] = [];
  state: State;
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.state = {
      audienceOf: new Map(USERS.map((user) => [user, this.#one(AUDIENCES)])),
      channelsOf: new Map(AUDIENCES.map((id) => [id, new Set(this.#some(CHANNELS))])),
    };
  }

  get seq(): number {
    return this.log.length;
  }

  act(): void {
    const before = this.state;
    const after = copy(before);
    const fields = this.#change(before, after);
    const seq = this.seq + 1;
    const event = create(TopicEventSchema, {
      topicId: TOPIC,
      seq: BigInt(seq),
      data: Buffer.from(`{"seq":${seq}}`),
      ...fields,
    });
    this.state = after;
    this.log.push({ event, before, after });
  }

  #change(before: State, after: State): MessageInitShape<typeof TopicEventSchema> {
    switch (this.#random.int(8)) {
      case 0: {
        // Overwrites or a role's permissions: what an audience sees.
        const id = this.#one(AUDIENCES);
        after.channelsOf.set(id, new Set(this.#some(CHANNELS)));
        const audiences = [{ id, channelIds: [...after.channelsOf.get(id)!] }];
        return {
          type: 'GUILD_ROLE_UPDATE',
          visibility: this.#visibility(before, after, { audiences }),
        };
      }
      case 1: {
        const userId = this.#one(USERS);
        if (!after.audienceOf.has(userId)) return { type: 'GUILD_UPDATE' };
        const audienceId = this.#one(AUDIENCES);
        after.audienceOf.set(userId, audienceId);
        const audiences = [{ id: audienceId, channelIds: [...after.channelsOf.get(audienceId)!] }];
        const moves = [{ userId, audienceId }];
        const visibility = this.#visibility(before, after, { audiences, moves });
        return { type: 'GUILD_MEMBER_UPDATE', subjectUserId: userId, visibility };
      }
      case 2: {
        const userId = this.#one(USERS);
        if (!after.audienceOf.delete(userId)) return { type: 'GUILD_UPDATE' };
        const removedUserIds = [userId];
        const visibility = this.#visibility(before, after, { removedUserIds });
        return { type: 'GUILD_MEMBER_REMOVE', subjectUserId: userId, visibility };
      }
      case 3: {
        // A channel is deleted, or created for some audiences.
        const channelId = this.#one(CHANNELS);
        const isDeletion = this.#random.int(2) === 0;
        const seeing = new Set(isDeletion ? [] : this.#some(AUDIENCES));
        const changed: bigint[] = [];
        for (const [id, channels] of after.channelsOf) {
          if (channels.has(channelId) === seeing.has(id)) continue;
          changed.push(id);
          if (seeing.has(id)) channels.add(channelId);
          else channels.delete(channelId);
        }
        const audiences = changed.map((id) => ({ id, channelIds: [...after.channelsOf.get(id)!] }));
        const type = isDeletion ? 'CHANNEL_DELETE' : 'CHANNEL_UPDATE';
        return { type, channelId, visibility: this.#visibility(before, after, { audiences }) };
      }
      case 4:
        return { type: 'GUILD_UPDATE', exceptUserId: this.#one(USERS) };
      case 5:
        return { type: 'VOICE_SERVER_UPDATE', onlyUserIds: this.#some(USERS) };
      default:
        return { type: 'MESSAGE_CREATE', channelId: this.#one(CHANNELS) };
    }
  }

  #visibility(
    before: State,
    after: State,
    change: MessageInitShape<typeof VisibilityChangeSchema>,
  ): VisibilityChange {
    const moved = CHANNELS.filter((channelId) =>
      USERS.some((user) => sees(before, user, channelId) !== sees(after, user, channelId)),
    );
    // An owner need not know which users are connected: it tells of every channel that changed.
    const channels = moved.map((channelId) =>
      create(ChannelObjectSchema, { channelId, json: Buffer.from(`{"id":"${channelId}"}`) }),
    );
    return Object.assign(create(VisibilityChangeSchema, change), { channels });
  }

  #one<T>(items: readonly T[]): T {
    return items[this.#random.int(items.length)]!;
  }

  #some<T>(items: readonly T[]): T[] {
    return items.filter(() => this.#random.int(2) === 0);
  }
}

function sees(state: State, user: bigint, channelId: bigint): boolean {
  const audience = state.audienceOf.get(user);
  return audience !== undefined && state.channelsOf.get(audience)!.has(channelId);
}

/** What a session is told from one event, by the rules and nothing else. */
function expected({ event, before, after }: Step, user: bigint): string[] {
  const told: string[] = [];
  const isRemoved = event.visibility?.removedUserIds.includes(user) === true;
  const view = isRemoved ? before : after;
  const changed = event.visibility?.channels ?? [];
  for (const { channelId } of changed) {
    if (!sees(before, user, channelId) && sees(view, user, channelId)) {
      told.push(`CHANNEL_CREATE ${channelId}`);
    }
  }
  const isAdmitted =
    event.exceptUserId !== user &&
    (event.onlyUserIds.length === 0 || event.onlyUserIds.includes(user));
  const isDeletion = event.type === 'CHANNEL_DELETE';
  const isVisible =
    event.channelId === 0n ||
    sees(view, user, event.channelId) ||
    (isDeletion && sees(before, user, event.channelId));
  if (isAdmitted && isVisible) told.push(`${event.type} ${event.seq}`);
  for (const { channelId } of changed) {
    if (isDeletion && channelId === event.channelId) continue;
    if (sees(before, user, channelId) && !sees(view, user, channelId)) {
      told.push(`CHANNEL_DELETE ${channelId}`);
    }
  }
  if (isRemoved) told.push('GUILD_DELETE');
  return told;
}

class Told implements Subscriber {
  readonly userId: bigint;
  readonly intents = ALL_INTENTS;
  readonly isBot = true;
  readonly isFirstShard = true;
  readonly list: string[] = [];
  snapshotSeq = -1;

  constructor(userId: bigint) {
    this.userId = userId;
  }
}

const LIMITS = { recentEventsMax: 4, heldEventsMax: 64, earlyEventsMax: 8 };
const seed = seedFromEnv(process.env['SEED']);

describe(`TopicRelay (SEED=${seed})`, () => {
  it('tells every session what the model says, whatever the bus does', () => {
    for (let round = 0; round < 300; round += 1) story(new SeededRandom(seed + round));
  });
});

function story(random: SeededRandom): void {
  const owner = new Owner(random);
  const relay = new TopicRelay<Told>(TOPIC, 'guild', LIMITS);
  const sessions: Told[] = [];
  const attaching: { follower: Follower<Told>; snapshotSeq: number; state: State }[] = [];
  const inFlight: TopicEvent[] = [];
  let needsRepair = false;

  const settle = (outcome: RelayOutcome<Told> | undefined): void => {
    if (outcome === undefined) return;
    for (const { dispatch, to, except } of outcome.deliveries) {
      const d = JSON.parse(dispatch.data.toString()) as { id?: string; seq?: number };
      const what = dispatch.type === 'GUILD_DELETE' ? '' : ` ${d.seq ?? d.id}`;
      for (const session of to) {
        if (!except.includes(session)) session.list.push(dispatch.type + what);
      }
    }
    needsRepair ||= outcome.needsRepair;
  };
  const repair = (): void => {
    if (relay.position === undefined) return;
    const missing = owner.log.slice(relay.position, relay.position + 5).map(({ event }) => event);
    const outcome = relay.repair(missing, owner.seq);
    needsRepair = false;
    settle(outcome);
  };
  const answer = (at: number): void => {
    const [{ follower, snapshotSeq, state }] = attaching.splice(at, 1) as [(typeof attaching)[0]];
    const user = follower.subscriber.userId;
    const audienceId = state.audienceOf.get(user);
    if (audienceId === undefined) {
      relay.end(follower);
      return;
    }
    const channelIds = [...state.channelsOf.get(audienceId)!];
    const audience = { $typeName: 'fleet.topics.v1.Audience' as const, id: audienceId, channelIds };
    const outcome = relay.attached(follower, { seq: snapshotSeq, audience });
    if (outcome === undefined) {
      attaching.push({ follower, snapshotSeq: owner.seq, state: copy(owner.state) });
      return;
    }
    follower.subscriber.snapshotSeq = snapshotSeq;
    settle(outcome);
  };
  const deliver = (): void => {
    // Mostly in order; sometimes not.
    const at = random.int(4) === 0 ? random.int(inFlight.length) : 0;
    const [event] = inFlight.splice(at, 1);
    settle(relay.receive([event!]));
    if (random.int(6) === 0) settle(relay.receive([event!]));
  };

  for (let step = 0; step < 80; step += 1) {
    const chance = random.int(10);
    if (chance < 4) {
      owner.act();
      if (random.int(8) > 0) inFlight.push(owner.log.at(-1)!.event);
    } else if (chance < 7 && inFlight.length > 0) {
      deliver();
    } else if (chance === 7 && sessions.length < 12) {
      const session = new Told(USERS[random.int(USERS.length)]!);
      sessions.push(session);
      // The owner answers as of now; the answer takes its time.
      const follower = relay.begin(session);
      attaching.push({ follower, snapshotSeq: owner.seq, state: copy(owner.state) });
    } else if (chance === 8 && attaching.length > 0) {
      answer(random.int(attaching.length));
    } else if (needsRepair) {
      repair();
    }
  }
  while (attaching.length > 0) answer(0);
  while (relay.position !== undefined && relay.isBehind(owner.seq)) repair();

  for (const session of sessions) {
    if (session.snapshotSeq < 0) continue;
    const should: string[] = [];
    for (const step of owner.log.slice(session.snapshotSeq)) {
      const told = expected(step, session.userId);
      should.push(...told);
      if (told.includes('GUILD_DELETE')) break;
    }
    try {
      expect(session.list).toEqual(should);
    } catch (error) {
      throw new Error(`SEED=${random.seed}: ${String(error)}`, { cause: error });
    }
  }
}
