// Read states under kill -9, a hundred times: a process of read-states, PostgreSQL, both at once,
// at moments that chance decides, while many users read and mark as read without end; and read-
// states that come and go. After each round every user has to be what it was answered that it is.
//
// On a slow machine it ends after fewer; `ROUNDS=100` does so many, however long that takes.
import { parseSnowflake } from '@guildhall/snowflake';
import { SeededRandom, seedFromEnv } from '@guildhall/testkit';

import { AckLoad } from './harness/ack-load.js';
import { useFleet } from './harness/fleet-for-spec.js';
import { World } from './harness/world.js';
import type { Guild, Person } from './harness/world.js';

const random = new SeededRandom(seedFromEnv(process.env['SEED']));
const ROUNDS_GIVEN = Number(process.env['ROUNDS'] ?? 0);
const ROUNDS = ROUNDS_GIVEN === 0 ? 100 : ROUNDS_GIVEN;
const BUDGET_MS = ROUNDS_GIVEN === 0 ? 130_000 : Infinity;
const STORY_TIMEOUT_MS = ROUNDS_GIVEN === 0 ? 270_000 : 60_000 + ROUNDS * 15_000;

const LOAD = { workers: 8, usersPerWorker: 32, operationsPerMessage: 16, pauseMs: 4 };
/** Between two kills, drawn anew each time. */
const OPERATIONS_MAX = 4_000;
/** A partition is taken over so long after its owner is dead. Others beat every 500 ms. */
const LEASE_MS = '700';
const BEAT_MS = '100';

describe(`users of read states, whatever is killed (${random})`, () => {
  const fleet = useFleet({
    instances: { gateway: 1, guilds: 1, 'read-states': 2 },
    env: { BEAT_MS },
    appEnv: { 'read-states': { LEASE_MS } },
  });
  let load: AckLoad;
  let person: PersonAtWork;

  beforeAll(async () => {
    load = await AckLoad.open(fleet(), random.fork('load'), LOAD);
    const world = new World(fleet());
    const alice = await world.register('alice');
    person = new PersonAtWork(alice, await world.createGuild(alice), random.fork('person'));
  }, 60_000);

  afterAll(() => load.close());

  /** Stops, looks at everything, and goes on. */
  const compare = async (): Promise<number> => {
    await Promise.all([load.pause(), person.pause()]);
    const entriesCount = await load.compare();
    await person.compare(load);
    expect(load.wrongs).toEqual([]);
    load.resume();
    person.resume();
    return entriesCount;
  };

  /** Stops, and looks at the rest as well. */
  const rest = async (): Promise<void> => {
    await Promise.all([load.pause(), person.pause()]);
    await load.compareUnclear();
    expect(load.wrongs).toEqual([]);
  };

  it(
    'have what they were answered, after each kill -9',
    async () => {
      const kills = { app: 0, postgres: 0, both: 0 };
      const recoveriesMs: number[] = [];
      let entriesCount = 0;
      let restarted: Promise<unknown> = Promise.resolve();
      load.resume();
      person.resume();
      const startedMs = performance.now();
      for (let round = 0; round < ROUNDS; round += 1) {
        if (performance.now() - startedMs > BUDGET_MS) break;
        await load.goesOnFor(1 + random.int(OPERATIONS_MAX));
        // Of two, so that one takes over while the other is started again.
        await restarted;
        const kind = random.pick(['app', 'app', 'postgres', 'both'] as const);
        const app = random.pick(['read-states-1', 'read-states-2']);
        const killedMs = performance.now();
        kills[kind] += 1;
        const names = kind === 'app' ? [app] : kind === 'both' ? [app, 'postgres'] : ['postgres'];
        await Promise.all(names.map((name) => fleet().kill(name)));
        if (kind !== 'app') await fleet().restart('postgres');
        if (kind !== 'postgres') restarted = fleet().restart(app);
        await load.flowsSince(killedMs);
        recoveriesMs.push(performance.now() - killedMs);
        entriesCount = await compare();
      }
      await restarted;
      await compare();
      await rest();
      const tookS = Math.round((performance.now() - startedMs) / 1000);
      print(`${recoveriesMs.length} rounds in ${tookS} s (${random}): kill -9 of ${shown(kills)}`);
      print(
        `  answered: ${shown(load.answered)}, and ${person.acksCount} acks over HTTP; ` +
          `${load.retriesCount} tries in vain; each round ${entriesCount} entries compared; ` +
          `${load.unclearCount} set by hand when something died, each one of two things`,
      );
      recoveriesMs.sort((a, b) => a - b);
      const [median, longest] = [recoveriesMs[recoveriesMs.length >> 1]!, recoveriesMs.at(-1)!];
      print(`  served again after ${Math.round(median)} ms, at most ${Math.round(longest)} ms`);
    },
    STORY_TIMEOUT_MS,
  );

  it('are answered right while read-states are drained, added and killed', async () => {
    load.resume();
    person.resume();
    const steps: [string, () => Promise<unknown>][] = [
      ['drained read-states-1', () => fleet().drain('read-states-1')],
      ['added read-states-3', () => fleet().add('read-states')],
      ['killed read-states-2', () => fleet().kill('read-states-2')],
      ['started read-states-1', () => fleet().restart('read-states-1')],
      ['drained read-states-3', () => fleet().drain('read-states-3')],
      ['started read-states-2', () => fleet().restart('read-states-2')],
    ];
    for (const [name, step] of steps) {
      const retriesCount = load.retriesCount;
      const atMs = performance.now();
      await step();
      await load.flowsSince(performance.now());
      await load.goesOnFor(500);
      const triesCount = load.retriesCount - retriesCount;
      await compare();
      print(`${name}: ${Math.round(performance.now() - atMs)} ms, ${triesCount} tries in vain`);
    }
    await rest();
  }, 120_000);
});

/** Somebody who acks over HTTP, on and on, and gives none up. */
class PersonAtWork {
  acksCount = 0;
  readonly #person: Person;
  readonly #channelId: string;
  readonly #random: SeededRandom;
  #messageId: bigint;
  #isAtWork = false;
  #running = Promise.resolve();

  constructor(person: Person, guild: Guild, chance: SeededRandom) {
    this.#person = person;
    this.#channelId = guild.generalId;
    this.#random = chance;
    this.#messageId = parseSnowflake(guild.generalId)!;
  }

  resume(): void {
    this.#isAtWork = true;
    this.#running = this.#work();
  }

  async pause(): Promise<void> {
    this.#isAtWork = false;
    await this.#running;
  }

  /** The mark is where the last 200 put it, and moved once for each. */
  async compare(load: AckLoad): Promise<void> {
    const { version, entries } = await load.load(parseSnowflake(this.#person.id)!);
    const marks = entries.map(({ lastMessageId }) => lastMessageId);
    expect(marks).toEqual(this.acksCount === 0 ? [] : [this.#messageId]);
    expect(version).toBe(BigInt(this.acksCount));
  }

  async #work(): Promise<void> {
    while (this.#isAtWork) {
      const messageId = this.#messageId + BigInt(1 + this.#random.int(1_000));
      const path = `/channels/${this.#channelId}/messages/${messageId}/ack`;
      const ask = () => this.#person.api.post(path, {});
      while ((await ask().catch(() => undefined))?.status !== 200);
      this.#messageId = messageId;
      this.acksCount += 1;
    }
  }
}

const shown = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');

/** Past jest, which would put five lines around each. */
function print(line: string): void {
  process.stdout.write(`    ${line}\n`);
}
