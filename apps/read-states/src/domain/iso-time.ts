/** A time as Discord writes it: `2026-11-24T03:00:00.000000+00:00`. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000+00:00');
}
