// Figures as text.
import type { SelfTime } from './profile.js';
import type { Cell, Weight } from './rounds.js';

const KIBIBYTE = 1024;

/** A table with columns as wide as they need to be; the first is flush left. Pure. */
export function tableOf(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join('  ')
      .trimEnd();
  return [
    line(header),
    widths.map((width) => '-'.repeat(width)).join('  '),
    ...rows.map(line),
  ].join('\n');
}

/** CPU time per delivery and latency, in the order in which they were measured. */
export function describeCells(cells: readonly Cell[]): string {
  const header = [
    'server',
    'sessions',
    'events a turn',
    'deliveries',
    'CPU per delivery',
    'x floor',
    'bytes',
    'last p50',
    'last p99',
  ];
  return tableOf(
    header,
    cells.map((cell) => [
      cell.target,
      String(cell.sessions),
      String(cell.eventsPerTurn),
      String(cell.deliveries),
      `${(cell.nsPerDelivery / 1000).toFixed(2)} us`,
      Number.isNaN(cell.toFloor) ? '-' : cell.toFloor.toFixed(2),
      cell.bytesPerDelivery.toFixed(0),
      `${cell.lastP50Ms.toFixed(1)} ms`,
      `${cell.lastP99Ms.toFixed(1)} ms`,
    ]),
  );
}

/** Memory and CPU time of servers that only keep connections. */
export function describeWeights(weights: readonly Weight[]): string {
  return tableOf(
    ['server', 'sessions', 'resident', 'per session', 'CPU while idle'],
    weights.map((weight) => [
      weight.target,
      String(weight.sessions),
      `${(weight.residentBytes / KIBIBYTE / KIBIBYTE).toFixed(0)} MiB`,
      `${(weight.bytesPerSession / KIBIBYTE).toFixed(1)} KiB`,
      `${(weight.idleShare * 100).toFixed(1)} %`,
    ]),
  );
}

/** Where a process spent its time. */
export function describeProfile(profile: readonly SelfTime[]): string {
  return tableOf(
    ['function', 'share', 'self', 'where'],
    profile.map(({ name, share, selfMs, place }) => [
      name,
      `${(share * 100).toFixed(1)} %`,
      `${selfMs.toFixed(0)} ms`,
      place,
    ]),
  );
}
