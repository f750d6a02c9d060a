// Time that all processes of a machine share: microseconds since it was started.

const [seconds, nanoseconds] = process.hrtime();
const OFFSET_US = seconds * 1e6 + nanoseconds / 1e3 - performance.now() * 1e3;

/** Hot path. Microseconds since the machine was started; the same in every process. */
export function nowUs(): number {
  return performance.now() * 1e3 + OFFSET_US;
}
