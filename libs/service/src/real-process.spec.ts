import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import {
  httpAnswers,
  startProcess,
  tempDir,
  until,
  type RunningProcess,
  type TempDir,
} from '@guildhall/testkit';

// A main.ts as an app's, bundled and run as apps are. STORY names what it does on SIGUSR2, which
// comes when the test has seen its port: a child that ends before that has failed to start.
const MAIN = `
  import { createHttpServer, httpRoom, runMain } from './index.js';
  import { assert } from '@guildhall/fault';

  const say = (message) => void process.stdout.write(message + '\\n');
  const logger = { info: say, warn: say, error: say };
  const stories = {
    serve: () => undefined,
    hold: () => void setInterval(() => undefined, 1_000),
    bug: () => void setTimeout(() => assert(false, 'row is live'), 1),
    reject: () => void Promise.reject(new Error('nobody awaits me')),
    stuck: () => undefined,
  };
  const story = process.env.STORY;
  void runMain({
    name: 'guilds',
    process,
    assemble: ({ phase }) => {
      const server = createHttpServer({
        logger, phase, isReady: () => phase() === 'ready', metrics: () => '',
      });
      server.get('/bug', async () => assert(false, 'found by a request'));
      const room = {
        name: 'story',
        start: async () => {},
        drain: (signal) => (story === 'stuck' ? new Promise(() => {}) : Promise.resolve()),
        stop: async () => say('story stopped'),
      };
      const http = httpRoom(server, { host: '127.0.0.1', port: 0 });
      const last = {
        name: 'last',
        start: async () => { process.once('SIGUSR2', stories[story]); say('port ' + http.port); },
        stop: async () => {},
      };
      return { rooms: [room, http, last], logger, flush: async () => say('flushed') };
    },
  });
`;

describe('a process of the fleet', () => {
  let dir: TempDir;
  let bundle: string;
  const running: RunningProcess[] = [];

  beforeAll(async () => {
    dir = tempDir();
    bundle = join(dir.path, 'main.mjs');
    const built = await build({
      stdin: { contents: MAIN, resolveDir: __dirname, loader: 'js' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      write: false,
      banner: {
        js:
          "import { createRequire } from 'node:module';" +
          'const require = createRequire(import.meta.url);',
      },
    });
    writeFileSync(bundle, built.outputFiles[0]!.contents);
  });

  afterAll(async () => {
    for (const child of running) await child.kill();
    dir.remove();
  });

  async function run(story: string): Promise<RunningProcess & { url: string }> {
    const child = await startProcess({
      name: story,
      command: process.execPath,
      args: [bundle],
      env: { STORY: story },
      readyWhen: /^port \d+$/,
    });
    running.push(child);
    process.kill(child.pid, 'SIGUSR2');
    const port = child
      .lines()
      .find((line) => line.startsWith('port '))!
      .slice('port '.length);
    return Object.assign(child, { url: `http://127.0.0.1:${port}` });
  }

  it('serves until SIGTERM, then ends by itself with 0', async () => {
    const child = await run('serve');
    // Keeps its connection alive, which must not keep the process.
    await until(() => httpAnswers(`${child.url}/health/ready`), 10_000);
    expect((await fetch(`${child.url}/health/ready`)).status).toBe(200);

    expect(await child.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(child.lines().slice(-3)).toEqual(['story stopped', 'stopped', 'flushed']);
  });

  it('ends with 0 by the last resort when something holds the loop', async () => {
    const child = await run('hold');
    expect(await child.stop('SIGINT')).toEqual({ code: 0, signal: null });
    expect(child.lines()).toContain('flushed');
  });

  it('ends at once when told twice, though a room does not drain', async () => {
    const child = await run('stuck');
    const ended = child.stop('SIGTERM', 30_000);
    await until(async () => child.lines().includes('draining'), 10_000);
    process.kill(child.pid, 'SIGTERM');
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(child.lines()).toContain('story stopped');
  });

  it.each(['bug', 'reject'])('ends with 70 on a %s that nobody caught', async (story) => {
    const child = await run(story);
    expect(await child.exited).toEqual({ code: 70, signal: null });
    expect(child.lines().join('\n')).toMatch(
      story === 'bug'
        ? /guilds crashed: Bug: broken invariant: row is live/
        : /guilds crashed: Error: nobody awaits me/,
    );
    expect(child.lines()).not.toContain('story stopped');
  });

  it('ends with 70 on a bug that a request finds, which Fastify would answer and forget', async () => {
    const child = await run('serve');
    await fetch(`${child.url}/bug`).catch(() => undefined);
    expect(await child.exited).toEqual({ code: 70, signal: null });
    expect(child.lines().join('\n')).toContain('found by a request');
  });
});
