// What is measured of a contender in JavaScript, each in a process of its own. Prints one line of
// JSON, as the contender in Rust does. Times are CPU times of the process, of which a busy machine
// takes less away; pauses can only be told by the clock on the wall.
import { PerformanceObserver } from 'node:perf_hooks';

export interface Contender {
  /** What it says it takes; 0: it cannot tell. */
  readonly bytesOwn: number;
  load(usersCount: number): void;
  /** Random operations from the common seed, others each round; the sum of what was found. */
  gets(operations: number, round: number): number;
  /** Random acks, forward only; how many moved. */
  acks(operations: number, round: number): number;
  /** Random users, all entries of each. */
  walks(users: number, round: number): number;
}

/** One contender's numbers; those about pauses only where there is a collector. */
export interface Figures {
  readonly name: string;
  readonly records: number;
  readonly loadNs: number;
  readonly getNs: number;
  readonly ackNs: number;
  readonly walkNs: number;
  readonly bytesPerRecord: number;
  readonly ownBytesPerRecord?: number;
  readonly movedCount: number;
  readonly batchesCount?: number;
  readonly batchP999Ms?: number;
  readonly batchMaxMs?: number;
  /** CPU time of the thread, so without what other processes took from it. */
  readonly batchCpuP999Ms?: number;
  readonly batchCpuMaxMs?: number;
  readonly collectionMaxMs?: number;
  readonly collectionsCount?: number;
  readonly fullCollectionMs?: number;
}

const OPERATIONS_COUNT = 1_000_000;
const WALKS_COUNT = 10_000;
const CHANNELS_PER_USER = 100;
const BATCH_OPERATIONS = 1_000;
const PAUSES_SECONDS = 15;

function cpuNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1_000;
}

/** CPU time of one of so many operations, the best of three runs. */
function measure(count: number, run: (count: number, round: number) => unknown): number {
  let best = Infinity;
  for (let round = 1; round <= 3; round++) {
    const startedNs = cpuNs();
    run(count, round);
    best = Math.min(best, (cpuNs() - startedNs) / count);
  }
  return best;
}

/** Loads the contender, measures it, and says what came out. */
export async function contend(
  name: string,
  contender: Contender,
  usersCount: number,
): Promise<void> {
  collect();
  const rssBefore = process.memoryUsage.rss();
  const startedNs = cpuNs();
  contender.load(usersCount);
  const records = usersCount * CHANNELS_PER_USER;
  const loadNs = (cpuNs() - startedNs) / records;
  collect();
  const bytesPerRecord = (process.memoryUsage.rss() - rssBefore) / records;
  const ownBytesPerRecord = contender.bytesOwn / records;
  contender.gets(100_000, 0);
  const getNs = measure(OPERATIONS_COUNT, (count, round) => contender.gets(count, round));
  const movedCount = contender.acks(OPERATIONS_COUNT, 0);
  const ackNs = measure(OPERATIONS_COUNT, (count, round) => contender.acks(count, round));
  const walkNs =
    measure(WALKS_COUNT, (count, round) => contender.walks(count, round)) / CHANNELS_PER_USER;
  const pauses = await measurePauses(contender);
  const figures: Figures = {
    name,
    records,
    loadNs,
    getNs,
    ackNs,
    walkNs,
    bytesPerRecord,
    ...(ownBytesPerRecord > 0 ? { ownBytesPerRecord } : {}),
    movedCount,
    ...pauses,
    fullCollectionMs: Math.min(...Array.from({ length: 3 }, collect)),
  };
  console.log(JSON.stringify(figures));
}

/** Ms for a full collection. */
function collect(): number {
  const startedMs = performance.now();
  globalThis.gc?.();
  return performance.now() - startedMs;
}

type Pauses = Pick<
  Figures,
  | 'batchesCount'
  | 'batchP999Ms'
  | 'batchMaxMs'
  | 'batchCpuP999Ms'
  | 'batchCpuMaxMs'
  | 'collectionMaxMs'
  | 'collectionsCount'
>;

/** Batches of operations, while the process makes garbage as a server does. */
async function measurePauses(contender: Contender): Promise<Pauses> {
  const collectionsMs: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) collectionsMs.push(duration);
  });
  observer.observe({ entryTypes: ['gc'] });
  const batchesMs: number[] = [];
  const batchesCpuMs: number[] = [];
  const kept: unknown[] = new Array(20_000);
  const endMs = performance.now() + PAUSES_SECONDS * 1_000;
  for (let n = 0; performance.now() < endMs; n++) {
    const startedMs = performance.now();
    const startedCpu = process.threadCpuUsage();
    contender.gets(BATCH_OPERATIONS / 2, n);
    contender.acks(BATCH_OPERATIONS / 2, n);
    for (let i = 0; i < BATCH_OPERATIONS / 4; i++) {
      const payload = { id: String(n * BATCH_OPERATIONS + i), at: startedMs, tags: [n, i] };
      kept[(n * 250 + i) % kept.length] = i % 8 === 0 ? Buffer.alloc(512) : payload;
    }
    batchesMs.push(performance.now() - startedMs);
    const { user, system } = process.threadCpuUsage(startedCpu);
    batchesCpuMs.push((user + system) / 1_000);
    if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await new Promise((resolve) => setImmediate(resolve));
  observer.disconnect();
  batchesMs.sort((a, b) => a - b);
  batchesCpuMs.sort((a, b) => a - b);
  const p999 = Math.floor(batchesMs.length * 0.999);
  return {
    batchesCount: batchesMs.length,
    batchP999Ms: batchesMs[p999]!,
    batchMaxMs: batchesMs.at(-1)!,
    batchCpuP999Ms: batchesCpuMs[p999]!,
    batchCpuMaxMs: batchesCpuMs.at(-1)!,
    collectionMaxMs: Math.max(0, ...collectionsMs),
    collectionsCount: collectionsMs.length,
  };
}
