import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { buildSync } from 'esbuild';

import { startProcess } from './child-process.js';
import { until } from './probes.js';
import { tempDir } from './temp-dir.js';

const script = (source: string) => ({ name: 'subject', command: 'node', args: ['-e', source] });
const forever = 'setInterval(() => {}, 1000);';
/** Gone or a zombie: either way it does nothing more. */
const isGone = (pid: number) => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.startsWith('Z');
  } catch {
    return true;
  }
};

describe('startProcess', () => {
  it('is ready when a line of output matches, and keeps the output', async () => {
    using dir = tempDir();
    const logFile = join(dir.path, 'subject.log');
    const child = await startProcess({
      ...script(`console.log('one'); console.error('two'); ${forever}`),
      readyWhen: /^two$/,
      logFile,
    });
    expect(await child.stop()).toEqual({ code: null, signal: 'SIGTERM' });
    expect([...child.lines()].sort()).toEqual(['one', 'two']);
    await until(() => Promise.resolve(existsSync(logFile)), 1_000);
    expect(readFileSync(logFile, 'utf8').split('\n').sort()).toEqual(['', 'one', 'two']);
    expect(isGone(child.pid)).toBe(true);
  });

  it('is ready when a URL answers 200, not before', async () => {
    let asked = 0;
    const server = createServer((_, response) => {
      asked += 1;
      response.writeHead(asked < 3 ? 503 : 200).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const readyWhen = `http://127.0.0.1:${port}/`;
    const child = await startProcess({ ...script(forever), readyWhen });
    expect(asked).toBe(3);
    await child.kill();
    server.close();
  });

  it('rejects with the last output when the process ends before it is ready', async () => {
    const started = startProcess({
      ...script(`console.error('no such table'); process.exit(3)`),
      readyWhen: /never/,
    });
    await expect(started).rejects.toThrow(/ended with code 3\n {2}no such table/);
  });

  it('rejects and leaves nothing when the process is not ready in time', async () => {
    using dir = tempDir();
    const pidFile = join(dir.path, 'pid');
    const started = startProcess({
      ...script(`fs.writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)); ${forever}`),
      readyWhen: () => Promise.resolve(false),
      readyTimeoutMs: 500,
    });
    await expect(started).rejects.toThrow(/not ready after 500 ms/);
    expect(isGone(Number(readFileSync(pidFile, 'utf8')))).toBe(true);
  });

  it('rejects and leaves nothing when it is called off', async () => {
    using dir = tempDir();
    const pidFile = join(dir.path, 'pid');
    const callOff = new AbortController();
    const started = startProcess({
      ...script(`fs.writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)); ${forever}`),
      readyWhen: () => {
        if (existsSync(pidFile)) callOff.abort(new Error('no longer wanted'));
        return Promise.resolve(false);
      },
      signal: callOff.signal,
    });
    await expect(started).rejects.toThrow('no longer wanted');
    expect(isGone(Number(readFileSync(pidFile, 'utf8')))).toBe(true);
  });

  it('rejects when there is no such command', async () => {
    const started = startProcess({ name: 'subject', command: '/no/such/command' });
    await expect(started).rejects.toThrow(/no such command/);
  });

  it('kills a process that does not heed the signal to stop', async () => {
    const child = await startProcess({
      ...script(`process.on('SIGTERM', () => {}); console.log('deaf'); ${forever}`),
      readyWhen: /deaf/,
    });
    expect(await child.stop('SIGTERM', 100)).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await child.stop()).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('leaves no child behind when the parent is killed', async () => {
    using dir = tempDir();
    const entry = join(dir.path, 'parent.cjs');
    buildSync({
      stdin: {
        contents: `
          import { startProcess } from './child-process';
          const start = () => startProcess({ name: 'child', command: 'sleep', args: ['600'] });
          void Promise.all([start(), start()]).then(([a, b]) => console.log(a.pid, b.pid));`,
        resolveDir: __dirname,
      },
      bundle: true,
      platform: 'node',
      outfile: entry,
    });
    const parent = spawn('node', [entry], { stdio: ['ignore', 'pipe', 'inherit'] });
    const line = await new Promise<string>((resolve) => {
      parent.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()));
    });
    const pids = line.split(' ').map(Number);
    expect(pids.map(isGone)).toEqual([false, false]);
    parent.kill('SIGKILL');
    await until(() => Promise.resolve(pids.every(isGone)), 5_000);
  });
});
