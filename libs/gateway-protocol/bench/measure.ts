/** What the benches of this library share: one event, and how a figure is taken and printed. */
import { performance } from 'node:perf_hooks';

/** The `d` of an ordinary message. */
export const data = {
  id: '1399999999999999999',
  channel_id: '1399999999999999998',
  guild_id: '1399999999999999997',
  author: { id: '1399999999999999996', username: 'someone', discriminator: '0', avatar: null },
  member: { roles: ['1399999999999999995'], joined_at: '2026-08-01T00:00:00.000Z', mute: false },
  content: 'How much does it cost to say this to one more person?',
  timestamp: '2026-08-01T12:00:00.000Z',
  edited_timestamp: null,
  mentions: [],
  mention_roles: [],
  attachments: [],
  embeds: [],
  tts: false,
  mention_everyone: false,
  pinned: false,
  type: 0,
};

/** Prints the wall and CPU time of one round. */
export function report(name: string, rounds: number, wallMs: number, cpu: NodeJS.CpuUsage): void {
  const wall = ((wallMs * 1e6) / rounds).toFixed(0).padStart(8);
  const used = (((cpu.user + cpu.system) * 1000) / rounds).toFixed(0).padStart(8);
  console.log(`${name.padEnd(44)}${wall} ns${used} ns CPU`);
}

/** Runs and reports; a tenth of the rounds before it, to warm up. */
export function measure(name: string, rounds: number, once: () => unknown): void {
  for (let round = 0; round < rounds / 10; round += 1) once();
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let round = 0; round < rounds; round += 1) once();
  report(name, rounds, performance.now() - start, process.cpuUsage(cpu));
}
