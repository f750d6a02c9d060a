import { createMemoryBus, publishMessage, type MemoryBus } from '@guildhall/bus';
import { ManualClock, type Clock, type Timer } from '@guildhall/clock';
import { MEMBERS_SUBJECT, MemberSchema } from '@guildhall/contracts';
import { PARTITIONS_COUNT } from '@guildhall/snowflake';
import { fakeTelemetry } from '@guildhall/telemetry';
import { SeededRandom } from '@guildhall/testkit';
import { joinPlacement, type Placement } from './placement.js';
import type { PlacementChange, PlacementOptions } from './placement-options.js';

const BEAT_MS = 500;
const LEASE_MS = 2_000;
const ALL = Array.from({ length: PARTITIONS_COUNT }, (_, partition) => partition);

/** The clock of a process that can stand still: what falls due meanwhile runs when it goes on. */
class StallingClock implements Clock {
  readonly #clock: ManualClock;
  #missed: (() => void)[] | undefined;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    return this.#clock.setTimer(delayMs, () => this.#run(callback));
  }

  every(intervalMs: number, callback: () => void): Timer {
    return this.#clock.every(intervalMs, () => this.#run(callback));
  }

  stall(): void {
    this.#missed = [];
  }

  goOn(): void {
    const missed = new Set(this.#missed);
    this.#missed = undefined;
    for (const callback of missed) callback();
  }

  #run(callback: () => void): void {
    if (this.#missed === undefined) callback();
    else this.#missed.push(callback);
  }
}

interface Process {
  readonly name: string;
  readonly bus: MemoryBus;
  readonly clock: StallingClock;
  readonly placement: Placement;
  readonly changes: PlacementChange[];
}

/** Some processes on one memory bus and one clock. */
class Fleet {
  readonly clock = new ManualClock();
  readonly hub = createMemoryBus(this.clock);
  readonly processes = new Map<string, Process>();
  #startsCount = 0;

  start(name: string, options: Partial<PlacementOptions> = {}): Process {
    const clock = new StallingClock(this.clock);
    const bus = this.hub.connect({ name: `${name}#${(this.#startsCount += 1)}`, clock });
    const placement = joinPlacement({
      bus,
      clock,
      service: 'guilds',
      instance: name,
      version: '1.0.0',
      ...options,
    });
    const process = { name, bus, clock, placement, changes: [] as PlacementChange[] };
    placement.onChange((change) => void process.changes.push(change));
    this.processes.set(name, process);
    return process;
  }

  async startReady(...names: string[]): Promise<Process[]> {
    const started = names.map((name) => this.start(name));
    for (const { placement } of started) placement.setReady();
    await this.pass(BEAT_MS + 50);
    return started;
  }

  /** As `kill -9`: nothing is said, and nothing is heard or done any more. */
  kill({ name, bus, clock }: Process): void {
    clock.stall();
    void bus.close();
    this.processes.delete(name);
  }

  /** Stands still for so long; what arrives meanwhile is read after the timers that fell due. */
  stall(process: Process, ms: number): void {
    const untilMs = this.clock.monotonicMs() + ms;
    process.clock.stall();
    const release = this.hub.rule(({ to }) =>
      to === process.bus.name ? { delayMs: untilMs + 1 - this.clock.monotonicMs() } : undefined,
    );
    this.clock.setTimer(ms, () => {
      release();
      process.clock.goOn();
    });
  }

  pass(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms);
  }

  /** Lets time pass in small steps until the condition holds; gives how long it took. */
  async passUntil(condition: () => boolean, atMostMs: number): Promise<number> {
    let passedMs = 0;
    for (; !condition(); passedMs += 10) {
      if (passedMs >= atMostMs) throw new Error(`not within ${atMostMs} ms`);
      await this.pass(10);
    }
    return passedMs;
  }
}

const owned = ({ placement }: Process): number[] =>
  ALL.filter((partition) => placement.owns(partition));
const union = (...processes: Process[]): number[] => processes.flatMap(owned).sort((a, b) => a - b);
const minus = (all: readonly number[], some: readonly number[]): number[] => {
  const without = new Set(some);
  return all.filter((partition) => !without.has(partition));
};
const states = (process: Process, service = 'guilds'): string[] =>
  process.placement.instances(service).map(({ instance, state }) => `${instance} ${state}`);

describe('Placement', () => {
  let fleet: Fleet;

  beforeEach(() => {
    fleet = new Fleet();
  });

  describe('joining', () => {
    it('owns nothing before it is ready, and everything within a second when it is alone', async () => {
      const alone = fleet.start('a');
      await fleet.pass(5_000);
      expect(owned(alone)).toEqual([]);
      expect(states(alone)).toEqual(['a joining']);
      alone.placement.setReady();
      await fleet.pass(0);
      expect(owned(alone)).toEqual(ALL);
      expect(alone.changes.at(-1)).toMatchObject({ gained: ALL, lost: [] });

      const quick = fleet.start('z', { service: 'presence' });
      quick.placement.setReady();
      let isReady = false;
      void quick.placement.whenReady().then(() => (isReady = true));
      const tookMs = await fleet.passUntil(() => isReady, 1_000);
      expect(tookMs).toBeLessThan(1_000);
      expect(owned(quick)).toEqual(ALL);
    });

    it('takes only its own share, and nobody else’s', async () => {
      const [a, b] = (await fleet.startReady('a', 'b')) as [Process, Process];
      const before = { a: owned(a), b: owned(b) };
      expect(union(a, b)).toEqual(ALL);
      const [c] = (await fleet.startReady('c')) as [Process];
      expect(union(a, b, c)).toEqual(ALL);
      expect(minus(owned(a), before.a)).toEqual([]);
      expect(minus(owned(b), before.b)).toEqual([]);
      expect(owned(c).length).toBeGreaterThan(PARTITIONS_COUNT / 5);
      expect(a.changes.at(-1)!.gained).toEqual([]);
      expect(a.changes.at(-1)!.lost).toEqual(minus(before.a, owned(a)));
      expect([...a.placement.ownedPartitions()]).toEqual(owned(a));
    });

    it('listens anew when it was cut off before it became ready', async () => {
      const a = fleet.start('a');
      await fleet.pass(BEAT_MS + 50);
      a.bus.disconnect();
      const [b] = (await fleet.startReady('b')) as [Process];
      await fleet.pass(5_000);
      a.bus.reconnect();
      a.placement.setReady();
      await fleet.pass(0);
      expect(a.placement.state).toBe('joining');
      await fleet.pass(BEAT_MS + 10);
      expect(owned(a).length).toBeGreaterThan(0);
      expect(union(a, b)).toEqual(ALL);
    });

    it('knows everybody before it takes anything', async () => {
      const [a] = (await fleet.startReady('a')) as [Process];
      // Just after a beat, when nothing would be heard for the longest time.
      await fleet.passUntil(() => fleet.clock.monotonicMs() % BEAT_MS < 10, BEAT_MS);
      const b = fleet.start('b');
      b.placement.setReady();
      await fleet.pass(0);
      expect(states(b)).toEqual(['a ready', 'b joining']);
      await fleet.pass(BEAT_MS);
      expect(union(a, b)).toEqual(ALL);
      expect(b.changes.filter(({ lost }) => lost.length > 0)).toEqual([]);
    });

    it('agrees with everybody about who owns what', async () => {
      const all = await fleet.startReady('a', 'b', 'c', 'd');
      for (const process of all) {
        for (const partition of owned(process)) {
          for (const other of all) expect(other.placement.ownerOf(partition)).toBe(process.name);
        }
      }
    });
  });

  describe('going', () => {
    it('moves only the share of one that says goodbye, at once', async () => {
      const [a, b, c] = (await fleet.startReady('a', 'b', 'c')) as [Process, Process, Process];
      const before = { a: owned(a), b: owned(b), c: owned(c) };
      await c.placement.leave();
      expect(owned(c)).toEqual([]);
      expect(c.changes.at(-1)).toMatchObject({ gained: [], lost: before.c });
      expect(union(a, b)).toEqual(ALL);
      expect(minus(before.a, owned(a))).toEqual([]);
      expect(minus(before.b, owned(b))).toEqual([]);
      expect(states(a)).toEqual(['a ready', 'b ready']);
    });

    it('moves only the share of one that died, when its lease has ended', async () => {
      const [a, b, c] = (await fleet.startReady('a', 'b', 'c')) as [Process, Process, Process];
      const before = { a: owned(a), b: owned(b), c: owned(c) };
      fleet.kill(c);
      await fleet.pass(LEASE_MS - BEAT_MS - 10);
      expect(owned(a)).toEqual(before.a);
      await fleet.passUntil(() => union(a, b).length === PARTITIONS_COUNT, BEAT_MS + 20);
      expect(union(a, b)).toEqual(ALL);
      expect(minus(before.a, owned(a))).toEqual([]);
      expect(minus(owned(a), before.a)).toEqual(a.changes.at(-1)!.gained);
    });

    it('gives up everything when it drains, and stays to be seen until it leaves', async () => {
      const [a, b] = (await fleet.startReady('a', 'b')) as [Process, Process];
      await b.placement.beginDrain();
      expect(owned(b)).toEqual([]);
      expect(owned(a)).toEqual(ALL);
      expect(states(a)).toEqual(['a ready', 'b draining']);
      await fleet.pass(10_000);
      b.placement.setReady();
      await fleet.pass(1_000);
      expect(owned(a)).toEqual(ALL);
      await b.placement.leave();
      expect(states(a)).toEqual(['a ready']);
      await b.placement.beginDrain();
      await b.placement.leave();
    });

    it('is not ready again in its own eyes because an old beat comes late', async () => {
      const [a, b] = (await fleet.startReady('a', 'b')) as [Process, Process];
      fleet.hub.rule(({ from, to }) =>
        from === b.bus.name && to === b.bus.name ? { delayMs: 100 } : undefined,
      );
      const sent = b.bus.counts().published;
      await fleet.passUntil(() => b.bus.counts().published > sent, BEAT_MS + 20);
      await b.placement.beginDrain();
      await fleet.passUntil(() => states(b).includes('b draining'), 200);
      for (const { members } of b.changes.slice(-2)) {
        expect(members).not.toContainEqual(
          expect.objectContaining({ instance: 'b', state: 'ready' }),
        );
      }
      expect(owned(a)).toEqual(ALL);
    });

    it('leaves no timer behind', async () => {
      const [a, b] = (await fleet.startReady('a', 'b')) as [Process, Process];
      await a.placement.leave();
      await b.placement.leave();
      expect(fleet.clock.timersCount).toBe(0);
    });

    it('leaves before it was ever ready', async () => {
      const a = fleet.start('a');
      a.placement.setReady();
      await a.placement.leave();
      await fleet.pass(5_000);
      expect(owned(a)).toEqual([]);
      expect(fleet.clock.timersCount).toBe(0);
    });
  });

  describe('being cut off', () => {
    it('stops owning before the others take over, and comes back as a joiner', async () => {
      const [a, b] = (await fleet.startReady('a', 'b')) as [Process, Process];
      const mine = owned(b);
      b.bus.disconnect();
      for (let passedMs = 0; passedMs < 4_000; passedMs += 5) {
        await fleet.pass(5);
        expect(new Set(union(a, b)).size).toBe(union(a, b).length);
      }
      expect(owned(a)).toEqual(ALL);
      expect(b.placement.isConnected).toBe(false);
      expect(b.placement.state).toBe('joining');
      expect(b.changes.at(-1)!.lost).toEqual(mine);
      // Whoever cannot hear has no opinion on who is alive.
      expect(states(b)).toContain('a ready');

      b.bus.reconnect();
      await fleet.pass(0);
      expect(owned(b)).toEqual([]);
      await fleet.pass(BEAT_MS + 10);
      expect(owned(b)).toEqual(mine);
      expect(union(a, b)).toEqual(ALL);
    });

    it('rides out a short loss of the server: nobody loses anything', async () => {
      const all = await fleet.startReady('a', 'b', 'c');
      const before = all.map(owned);
      for (const { bus } of all) bus.disconnect();
      await fleet.pass(LEASE_MS - BEAT_MS - 20);
      for (const { bus } of all) bus.reconnect();
      const changesCounts = all.map(({ changes }) => changes.length);
      for (let passedMs = 0; passedMs < 4_000; passedMs += 20) {
        await fleet.pass(20);
        expect(all.map(owned)).toEqual(before);
      }
      expect(all.map(({ changes }) => changes.length)).toEqual(changesCounts);
    });

    it('owns nothing while the server is away for long, and everything again after it', async () => {
      const all = await fleet.startReady('a', 'b', 'c');
      const before = all.map(owned);
      for (const { bus } of all) bus.disconnect();
      await fleet.pass(10_000);
      expect(union(...all)).toEqual([]);
      for (const { bus } of all) bus.reconnect();
      const tookMs = await fleet.passUntil(() => union(...all).length === PARTITIONS_COUNT, 2_000);
      expect(tookMs).toBeLessThan(1_000);
      expect(all.map(owned)).toEqual(before);
    });

    it('waits for a beat of everybody after a loss, however long they were silent before it', async () => {
      const [b] = (await fleet.startReady('b')) as [Process];
      await fleet.pass(BEAT_MS / 2);
      const [a] = (await fleet.startReady('a')) as [Process];
      const before = owned(a);
      // Right after a beat of A, half an interval after the last one of B.
      const sent = a.bus.counts().published;
      await fleet.passUntil(() => a.bus.counts().published > sent, BEAT_MS + 20);
      const changesCount = a.changes.length;
      a.bus.disconnect();
      await fleet.pass(LEASE_MS - 280);
      a.bus.reconnect();
      await fleet.pass(10_000);
      expect(a.changes.length).toBe(changesCount);
      expect(owned(a)).toEqual(before);
      expect(union(a, b)).toEqual(ALL);
    });

    it('buries nobody right after messages may have been lost', async () => {
      const [a, b] = (await fleet.startReady('a', 'b')) as [Process, Process];
      const changesCount = a.changes.length;
      // B beats all the time, but A hears neither it nor anything else for more than a lease.
      a.bus.disconnect();
      await fleet.pass(LEASE_MS + 100);
      a.bus.reconnect();
      await fleet.pass(0);
      expect(states(a)).toContain('b ready');
      await fleet.pass(5_000);
      const sinceThen = a.changes.slice(changesCount).map(({ members }) => members);
      expect(sinceThen.length).toBeGreaterThan(0);
      for (const members of sinceThen) {
        expect(members.map(({ instance }) => instance)).toContain('b');
      }
      expect(union(a, b)).toEqual(ALL);
    });
  });

  describe('standing still', () => {
    it('does not take the others for dead when it goes on', async () => {
      const [a, b, c] = (await fleet.startReady('a', 'b', 'c')) as [Process, Process, Process];
      const before = owned(a);
      fleet.stall(a, LEASE_MS + 1_000);
      await fleet.pass(LEASE_MS + 999);
      expect(owned(a)).toEqual([]);
      expect(union(b, c)).toEqual(ALL);
      const changesOfOthersCount = b.changes.length;
      await fleet.pass(60);
      expect(a.changes.findLast(({ lost }) => lost.length > 0)?.lost).toEqual(before);
      for (let passedMs = 0; passedMs < 3_000; passedMs += 10) {
        await fleet.pass(10);
        expect(states(a)).toEqual(expect.arrayContaining(['b ready', 'c ready']));
        expect(new Set(union(a, b, c)).size).toBe(union(a, b, c).length);
      }
      // What others wrote meanwhile is unknown to it: lost first, then gained anew.
      const moves = a.changes.filter(({ gained, lost }) => gained.length + lost.length > 0);
      expect(moves.slice(-2)).toMatchObject([{ lost: before }, { gained: before }]);
      // It joined and became ready; it did not claim anything in between.
      expect(b.changes.length).toBe(changesOfOthersCount + 2);
      expect(owned(a)).toEqual(before);
      expect(union(a, b, c)).toEqual(ALL);
    });

    it('does not even notice when it was short', async () => {
      const [a, b] = (await fleet.startReady('a', 'b')) as [Process, Process];
      const before = owned(a);
      const changesCount = a.changes.length + b.changes.length;
      for (let time = 0; time < 10; time += 1) {
        fleet.stall(a, 900);
        await fleet.pass(1_700);
      }
      expect(owned(a)).toEqual(before);
      expect(a.changes.length + b.changes.length).toBe(changesCount);
    });

    it('still buries the dead when every timer is late', async () => {
      const [a, b] = (await fleet.startReady('a', 'b')) as [Process, Process];
      fleet.kill(b);
      const stallAgain = async (): Promise<void> => {
        fleet.stall(a, 700);
        await fleet.pass(705);
      };
      for (let passedMs = 0; passedMs < 6_000; passedMs += 705) await stallAgain();
      expect(states(a)).toEqual(['a ready']);
      expect(owned(a)).toEqual(ALL);
    });
  });

  describe('starting again under the same name', () => {
    it('replaces the one before, whose partitions come back when it is ready', async () => {
      const [a, b] = (await fleet.startReady('a', 'b')) as [Process, Process];
      const before = owned(b);
      fleet.kill(b);
      await fleet.pass(100);
      const again = fleet.start('b');
      await fleet.pass(0);
      // It remembers nothing, so what it owned is not its own until it is ready.
      expect(owned(a)).toEqual(ALL);
      again.placement.setReady();
      await fleet.pass(BEAT_MS + 10);
      expect(owned(again)).toEqual(before);
      expect(union(a, again)).toEqual(ALL);
      expect(again.placement.incarnation).toBeGreaterThan(b.placement.incarnation);
    });

    it('makes the one before step down for good when it still runs', async () => {
      let isReplaced = false;
      const [a] = (await fleet.startReady('a')) as [Process];
      const old = fleet.start('b', { onReplaced: () => (isReplaced = true) });
      old.placement.setReady();
      await fleet.pass(BEAT_MS + 10);
      const before = owned(old);
      expect(before.length).toBeGreaterThan(0);
      const [young] = (await fleet.startReady('b')) as [Process];
      expect(isReplaced).toBe(true);
      expect(old.placement.state).toBe('left');
      expect(owned(old)).toEqual([]);
      expect(old.changes.at(-1)!.lost).toEqual(before);
      expect(owned(young)).toEqual(before);
      await fleet.pass(5_000);
      expect(union(a, young)).toEqual(ALL);
    });

    it('is known again after a lease even when the clock was set back', async () => {
      const [a, b] = (await fleet.startReady('a', 'b')) as [Process, Process];
      fleet.kill(b);
      fleet.clock.stepWall(-3_600_000);
      const again = fleet.start('b');
      again.placement.setReady();
      await fleet.pass(LEASE_MS + 2 * BEAT_MS);
      expect(union(a, again)).toEqual(ALL);
      expect(owned(again).length).toBeGreaterThan(0);
    });
  });

  describe('watching', () => {
    it('follows the members of another service, owning nothing', async () => {
      const gateway = fleet.start('g', { service: 'gateway', ownsPartitions: false });
      const watch = gateway.placement.watch('guilds');
      const seen: string[][] = [];
      const stop = watch.onChange((members) => {
        seen.push(members.map(({ instance, state }) => `${instance} ${state}`));
      });
      gateway.placement.setReady();
      const [a, b] = (await fleet.startReady('a', 'b')) as [Process, Process];
      expect(owned(gateway)).toEqual([]);
      expect(states(gateway, 'gateway')).toEqual(['g ready']);
      expect(seen.at(-1)).toEqual(['a ready', 'b ready']);
      expect(states(a, 'gateway')).toEqual(['g ready']);
      await b.placement.beginDrain();
      expect(seen.at(-1)).toEqual(['a ready', 'b draining']);
      await b.placement.leave();
      expect(seen.at(-1)).toEqual(['a ready']);
      fleet.kill(a);
      await fleet.pass(LEASE_MS + 10);
      expect(seen.at(-1)).toEqual([]);
      expect(watch.instances()).toEqual([]);
      stop();
      await fleet.startReady('c');
      expect(seen.at(-1)).toEqual([]);
      // The same array as long as nothing changed: callers may compare it.
      expect(watch.instances()).toBe(watch.instances());
    });

    it('sets aside what it cannot read, and what it does not know owns nothing', async () => {
      const [a] = (await fleet.startReady('a')) as [Process];
      const other = fleet.hub.connect({ name: 'other' });
      other.publish(MEMBERS_SUBJECT, Uint8Array.of(0xff, 0xff, 0xff));
      const member = { service: 'guilds', instance: 'z', incarnation: 1n, version: '9', beat: 1n };
      publishMessage(other, MemberSchema, MEMBERS_SUBJECT, { ...member, state: 'hibernating' });
      await fleet.pass(0);
      expect(a.bus.counts().malformed).toBe(1);
      expect(states(a)).toEqual(['a ready', 'z joining']);
      expect(owned(a)).toEqual(ALL);
    });

    it('goes on when a callback throws, and says so', async () => {
      const { logger, metrics, logs } = fakeTelemetry();
      const a = fleet.start('a', { logger, metrics });
      const seen: number[] = [];
      a.placement.onChange(() => {
        throw new TypeError('oops');
      });
      a.placement.onChange(({ gained }) => void seen.push(gained.length));
      a.placement.setReady();
      await fleet.pass(BEAT_MS + 10);
      expect(seen.at(-1)).toBe(PARTITIONS_COUNT);
      expect(logs().map(({ message }) => message)).toContain('a placement callback threw');
      expect(metrics.writeOpenMetrics()).toContain('placement_partitions_owned 1024');
    });
  });

  it.each(Array.from({ length: 8 }, (_, at) => at + 1))(
    'spreads all partitions over the living, each to one, whatever happens (seed %i)',
    async (seed) => {
      const chance = new SeededRandom(seed);
      const random = (): number => chance.next();
      const pick = <T>(from: readonly T[]): T | undefined =>
        from[Math.floor(random() * from.length)];
      const cut = new Map<Process, number>();
      const seenSinceMs = new Map<Process, number>();
      /** Those who hear everything, and have for long enough to know everybody. */
      const informed = (): Process[] =>
        [...fleet.processes.values()].filter(
          (process) =>
            !cut.has(process) &&
            fleet.clock.monotonicMs() - (seenSinceMs.get(process) ?? 0) > 1.5 * BEAT_MS,
        );
      const checkedPass = async (ms: number): Promise<void> => {
        for (let passedMs = 0; passedMs < ms; passedMs += 25) {
          await fleet.pass(25);
          const taken = union(...informed());
          expect(new Set(taken).size).toBe(taken.length);
          for (const [process, untilMs] of cut) {
            if (fleet.clock.monotonicMs() < untilMs) continue;
            cut.delete(process);
            process.bus.reconnect();
            seenSinceMs.set(process, fleet.clock.monotonicMs());
          }
        }
      };
      const names = ['a', 'b', 'c', 'd', 'e'];
      for (let step = 0; step < 25; step += 1) {
        const running = [...fleet.processes.values()];
        const one = pick(running.filter((process) => !cut.has(process)));
        const free = names.filter((name) => !fleet.processes.has(name));
        const dice = random();
        if (dice < 0.4 && free.length > 0) {
          fleet.start(pick(free)!).placement.setReady();
        } else if (one === undefined) {
          await checkedPass(100);
        } else if (dice < 0.55) {
          fleet.kill(one);
        } else if (dice < 0.7) {
          fleet.processes.delete(one.name);
          await one.placement.beginDrain();
          await one.placement.leave();
        } else if (dice < 0.85) {
          one.bus.disconnect();
          cut.set(one, fleet.clock.monotonicMs() + random() * 4_000);
        } else {
          const stallMs = random() * 3_500;
          fleet.stall(one, stallMs);
          seenSinceMs.set(one, fleet.clock.monotonicMs() + stallMs);
        }
        await checkedPass(random() * 1_500);
      }
      if (fleet.processes.size === 0) fleet.start('f').placement.setReady();
      await checkedPass(10_000);
      expect(union(...fleet.processes.values())).toEqual(ALL);
    },
  );
});
