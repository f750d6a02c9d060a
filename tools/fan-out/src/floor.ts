// The C floor: compiled on the spot, where there is a compiler.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { workspaceRoot } from '@guildhall/testkit';
import type { Stage } from './target.js';

const FOLDER = 'tools/fan-out';

/** Compiles the floor; undefined, and a reason in `say`, when that cannot be. */
export function compileFloor(say: (text: string) => void): string | undefined {
  const folder = join(workspaceRoot(), FOLDER);
  const program = join(folder, 'dist/floor');
  mkdirSync(join(folder, 'dist'), { recursive: true });
  const args = ['-O2', '-Wall', '-o', program, join(folder, 'src/floor.c')];
  const { status, error, stderr } = spawnSync('cc', args, { encoding: 'utf8' });
  if (status === 0) return program;
  say(`no C floor, and no ratios to it: cc says ${error?.message ?? stderr.trim()}`);
  return undefined;
}

/** Starts it. `program` is what {@link compileFloor} returned. */
export async function startFloor(
  program: string,
  connectionsCount: number,
  payloadBytes: number,
  name = 'floor',
): Promise<Stage> {
  const child = spawn(program, [String(payloadBytes)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const port = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error('the floor ended')));
    createInterface({ input: child.stdout }).once('line', (line) => {
      resolve(Number(line.replace('port ', '')));
    });
  });
  const target = {
    name,
    pids: [child.pid!],
    sinks: [{ dialect: { name: 'bare' as const }, port, connectionsCount, identities: [] }],
    publish: (count: number) => {
      child.stdin.write(`p ${count}\n`);
      return Promise.resolve();
    },
  };
  return {
    targets: [target],
    stop: async () => {
      child.kill('SIGKILL');
      await gone;
    },
  };
}
