// What a process has used, as the operating system counts it.
import { readdirSync, readFileSync } from 'node:fs';

const PAGE_BYTES = 4096;
const TICK_NS = 1e7;

/**
 * CPU time of a process so far, user and system, all its threads, in ns. The scheduler's count is
 * exact; where it is not kept, `stat` is, in ticks of 10 ms. Throws when there is no such process.
 * A thread that ended takes its time along in the scheduler's count, so what starts and ends
 * threads while it is measured looks too cheap (nothing measured here does).
 */
export function cpuNs(pid: number): number {
  let total = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const text = readIfPresent(`/proc/${pid}/task/${thread}/schedstat`);
    if (text === undefined) return statNs(pid);
    total += Number(text.split(' ')[0]);
  }
  return total;
}

/** Resident memory of a process in bytes. Throws when there is no such process. */
export function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES;
}

/** How many processes wanted to run during the last minute, on average. */
export function loadAverage(): number {
  return Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
}

function statNs(pid: number): number {
  // The name in parentheses may hold anything; what follows it is numbers.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_NS;
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
