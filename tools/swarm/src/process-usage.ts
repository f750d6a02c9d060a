// CPU and memory of processes, as the kernel counts them.

import { readFileSync } from 'node:fs';

const TICKS_PER_S = 100;
const PAGE_BYTES = 4_096;

export interface Usage {
  readonly cpuUs: number;
  readonly rssBytes: number;
}

/** What a process has used so far; undefined when it is gone, or this is no Linux. */
export function usageOf(pid: number): Usage | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const pages = readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1];
    return { cpuUs: cpuUsFrom(stat), rssBytes: Number(pages) * PAGE_BYTES };
  } catch {
    return undefined;
  }
}

/** From the text of `/proc/<pid>/stat`; the name in brackets may hold anything. */
export function cpuUsFrom(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS_PER_S;
}
