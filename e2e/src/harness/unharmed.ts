// Whether a fleet has taken any harm: what must be the same before and after whatever was sent.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Fleet } from '@guildhall/fleet';

/** Of every process its number; and every line of a log that tells of a death. */
export interface Health {
  readonly processes: Readonly<Record<string, string>>;
  readonly deaths: readonly string[];
}

const DEATH = /"level":"fatal"|uncaught|unhandled rejection|Bug:|heap out of memory/i;

export function healthOf(fleet: Fleet): Health {
  const processes = fleet
    .instances()
    .map(({ name, phase, pid }) => [name, `${phase} as ${pid ?? 'nothing'}`] as const);
  const folder = join(fleet.dataDir, 'logs');
  const deaths = readdirSync(folder)
    .filter((file) => !/^(nats|postgres)/.test(file))
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'))
    .filter((line) => DEATH.test(line));
  return { processes: Object.fromEntries(processes), deaths };
}

/** A counter of an instance, over all its labels. */
export async function counterOf(fleet: Fleet, instance: string, name: string): Promise<number> {
  const { url } = fleet.instances().find((each) => each.name === instance)!;
  const text = await (await fetch(`${url}/metrics`)).text();
  const values = text.matchAll(new RegExp(`^${name}_total(?:\\{.*?\\})? ([\\d.e+]+)`, 'gm'));
  return [...values].reduce((sum, [, value]) => sum + Number(value), 0);
}
