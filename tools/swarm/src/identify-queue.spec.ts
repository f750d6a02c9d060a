import { IdentifyQueue } from './identify-queue.js';

function admittedBy(queue: IdentifyQueue<number>, nowMs: number): number[] {
  const admitted: number[] = [];
  queue.turn(nowMs, (session) => admitted.push(session));
  return admitted;
}

describe('IdentifyQueue', () => {
  it('lets so many in a second, in their order', () => {
    const queue = new IdentifyQueue<number>(10, 0);
    for (let session = 0; session < 30; session += 1) queue.add(session, session);
    const admitted = [0, 100, 200, 1_200].map((nowMs) => admittedBy(queue, nowMs));
    expect(admitted).toEqual([[0], [1], [2], [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]]);
  });

  it('lets an account in once in its interval, and others pass it', () => {
    const queue = new IdentifyQueue<number>(1_000, 5_000);
    [
      [0, 7],
      [1, 7],
      [2, 8],
    ].forEach(([session, account]) => queue.add(session!, account!));
    admittedBy(queue, 0);
    expect(admittedBy(queue, 100)).toEqual([2]);
    expect(admittedBy(queue, 4_999)).toEqual([]);
    expect(admittedBy(queue, 5_000)).toEqual([1]);
  });

  it('waits for those inside when they are too many', () => {
    const queue = new IdentifyQueue<number>(10_000, 0);
    for (let session = 0; session < 300; session += 1) queue.add(session, session);
    const inside = [...admittedBy(queue, 0), ...admittedBy(queue, 1_000)];
    expect(inside).toHaveLength(64);
    expect(admittedBy(queue, 2_000)).toEqual([]);
    for (const session of inside.slice(0, 10)) queue.done(session);
    expect(admittedBy(queue, 3_000)).toHaveLength(10);
  });
});
