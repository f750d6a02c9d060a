import { getHeapStatistics } from 'node:v8';

const ROUNDS_COUNT = 2_000_000;

/**
 * Prints nanoseconds and bytes a round. Throws when a round allocates more than `bytesMax`: one
 * byte of slack covers what refilling a pool and the measurement itself leave behind.
 */
export function measure(what: string, bytesMax: number, work: (round: number) => void): void {
  const run = (): readonly [ns: number, bytes: number] => {
    const before = getHeapStatistics().total_allocated_bytes;
    const startMs = performance.now();
    for (let round = 0; round < ROUNDS_COUNT; round += 1) work(round);
    const tookMs = performance.now() - startMs;
    const allocated = getHeapStatistics().total_allocated_bytes - before;
    return [(tookMs * 1e6) / ROUNDS_COUNT, allocated / ROUNDS_COUNT];
  };
  run();
  run();
  const [ns, bytes] = run();
  console.log(`${what}: ${ns.toFixed(1)} ns, ${bytes.toFixed(2)} B`);
  if (bytes > bytesMax + 1) {
    throw new Error(`${what} allocates ${bytes.toFixed(1)} bytes a round`);
  }
}
