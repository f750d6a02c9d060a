// A clock that all processes of a machine share: milliseconds since it came up.
import process from 'node:process';

const OFFSET_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** Now, with fractions. Comparable between processes, allocates nothing. */
export function monotonicMs(): number {
  return performance.now() + OFFSET_MS;
}
