import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import { TimerWheel, type WheelEntry } from './timer-wheel.js';

const due = (dueMs: number): WheelEntry => ({ dueMs, wheelSlot: -1, wheelIndex: 0 });

describe('TimerWheel', () => {
  it('gives back what is due, late rather than early, and once', () => {
    const wheel = new TimerWheel<WheelEntry>({ tickMs: 10, slotsCount: 8, nowMs: 1_000 });
    const entry = due(1_025);
    wheel.add(entry);
    expect(wheel.turn(1_020)).toEqual([]);
    expect(wheel.turn(1_030)).toEqual([entry]);
    expect(wheel.turn(1_200)).toEqual([]);
    expect(wheel.size).toBe(0);
  });

  it('follows a due time that moves away, and one that comes nearer when told', () => {
    const wheel = new TimerWheel<WheelEntry>({ tickMs: 10, slotsCount: 8, nowMs: 0 });
    const entry = due(30);
    wheel.add(entry);
    entry.dueMs = 300;
    expect(wheel.turn(100)).toEqual([]);
    entry.dueMs = 120;
    wheel.add(entry);
    expect(wheel.turn(120)).toEqual([entry]);
  });

  it('never gives back what waits for ever or was removed', () => {
    const wheel = new TimerWheel<WheelEntry>({ tickMs: 10, slotsCount: 4, nowMs: 0 });
    const forever = due(Infinity);
    const removed = due(10);
    wheel.add(forever);
    wheel.add(removed);
    wheel.remove(removed);
    wheel.remove(removed);
    for (let nowMs = 0; nowMs < 1_000; nowMs += 7) expect(wheel.turn(nowMs)).toEqual([]);
    expect(wheel.size).toBe(1);
  });

  const seed = seedFromEnv(process.env['SEED']);
  it(`agrees with a plain list, within a tick (SEED=${seed})`, () => {
    const random = new SeededRandom(seed);
    const wheel = new TimerWheel<WheelEntry>({ tickMs: 10, slotsCount: 16, nowMs: 0 });
    const waiting = new Set<WheelEntry>();
    let nowMs = 0;
    for (let step = 0; step < 5_000; step += 1) {
      const chance = random.int(4);
      if (chance === 0) {
        const entry = due(nowMs + random.int(400));
        wheel.add(entry);
        waiting.add(entry);
      } else if (chance === 1) {
        for (const entry of waiting) if (random.int(4) === 0) entry.dueMs += random.int(100);
      } else {
        nowMs += random.int(4) === 0 ? random.int(500) : random.int(15);
        for (const entry of wheel.turn(nowMs)) {
          expect(entry.dueMs).toBeLessThanOrEqual(nowMs);
          expect(waiting.delete(entry)).toBe(true);
        }
        for (const entry of waiting) expect(entry.dueMs).toBeGreaterThan(nowMs - 20);
      }
    }
    expect(wheel.size).toBe(waiting.size);
  });
});
