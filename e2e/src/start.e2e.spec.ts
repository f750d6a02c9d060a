// What a newcomer gets: a fleet with its demo guild, a bot that works as it was printed, the same
// again after a stop, and a machine with nothing left running.

import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { botSource, startFleet } from '@guildhall/fleet';
import type { Fleet, FleetEvent, SeedResult } from '@guildhall/fleet';
import { eventually, startProcess, tempDir, TestApi, workspaceRoot } from '@guildhall/testkit';

import { ok } from './harness/world.js';
import type { Message } from './harness/world.js';

const START_TIMEOUT_MS = 180_000;
const BOT_TIMEOUT_MS = 30_000;
const ANSWER_TIMEOUT_MS = 15_000;

type HistoryMessage = Message & { readonly message_reference?: { readonly message_id: string } };

describe('npm start', () => {
  const folder = tempDir('guildhall-start-');
  const dataDir = join(folder.path, 'data');
  /** Of every process that any of the fleets started. */
  const pids = new Set<number>();
  let fleet: Fleet | undefined;
  let seed: SeedResult;

  const onEvent = (event: FleetEvent): void => {
    if (event.kind === 'ready') pids.add(event.pid);
  };
  const start = async (): Promise<Fleet> => {
    fleet = await startFleet({ dataDir, onEvent, env: { FORCE_COLOR: '0' } });
    return fleet;
  };
  const apiAs = (token: string, kind: 'user' | 'bot') =>
    new TestApi({ baseUrl: `${fleet!.api}/v10`, token, tokenKind: kind, patient: true });
  const history = () => {
    const path = `/channels/${seed.guilds[0]!.channels[0]!.id}/messages`;
    return ok<HistoryMessage[]>(apiAs(seed.users[0]!.token, 'user').get(path));
  };

  beforeAll(async () => {
    seed = (await start()).seed!;
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await fleet?.stop();
    folder.remove();
  }, START_TIMEOUT_MS);

  it('makes a guild with people, channels and a bot', async () => {
    const guild = seed.guilds[0]!;
    expect(seed.users.map(({ name }) => name)).toEqual(['alice', 'bob', 'carol']);
    const ids = [...seed.users, ...seed.bots].map(({ id }) => id).sort();
    const path = `/guilds/${guild.id}/members`;
    const members = await ok<{ user: { id: string } }[]>(
      apiAs(seed.bots[0]!.token, 'bot').get(path, { query: { limit: 100 } }),
    );
    expect(members.map(({ user }) => user.id).sort()).toEqual(ids);
    for (const { id, token } of seed.users) {
      expect(await ok(apiAs(token, 'user').get('/users/@me'))).toMatchObject({ id });
    }
  });

  it('prints a bot that answers !ping with pong', async () => {
    // A folder in which discord.js is installed, as the one is that the text says to save it in.
    symlinkSync(join(workspaceRoot(), 'node_modules'), join(folder.path, 'node_modules'));
    const file = join(folder.path, 'bot.mjs');
    writeFileSync(file, botSource(fleet!.api, seed.bots[0]!.token));
    const bot = await startProcess({
      name: 'bot.mjs',
      command: process.execPath,
      args: [file],
      cwd: folder.path,
      env: { PATH: process.env['PATH'], NO_COLOR: '1' },
      readyWhen: /logged in as /,
      readyTimeoutMs: BOT_TIMEOUT_MS,
    });
    try {
      const path = `/channels/${seed.guilds[0]!.channels[0]!.id}/messages`;
      const bob = apiAs(seed.users[1]!.token, 'user');
      const { id } = await ok<Message>(bob.post(path, { content: '!ping' }));
      const answer = await eventually(
        async () => (await history()).find(({ content }) => content === 'pong'),
        { label: 'the answer of the bot', timeoutMs: ANSWER_TIMEOUT_MS },
      );
      expect(answer).toMatchObject({
        author: { id: seed.bots[0]!.id },
        message_reference: { message_id: id },
      });
    } finally {
      await bot.stop();
    }
  });

  it(
    'comes back after a stop with everything in place',
    async () => {
      const contents = (await history()).map(({ content }) => content);
      await fleet!.stop();
      expect((await start()).seed).toEqual(seed);
      expect((await history()).map(({ content }) => content)).toEqual(contents);
      const bot = apiAs(seed.bots[0]!.token, 'bot');
      expect(await ok(bot.get('/users/@me'))).toMatchObject({ id: seed.bots[0]!.id, bot: true });
      const { email, password, id } = seed.users[2]!;
      const nobody = new TestApi({ baseUrl: `${fleet!.api}/v10` });
      const answer = nobody.post('/auth/login', { login: email, password });
      expect(await ok(answer)).toMatchObject({ user_id: id });
    },
    START_TIMEOUT_MS,
  );

  it(
    'leaves nothing running when it stops',
    async () => {
      const running = fleet!.instances().map(({ pid }) => pid!);
      expect(running.filter((pid) => pids.has(pid) && isRunning(pid))).toEqual(running);
      // Seven apps, NATS and PostgreSQL, twice.
      expect(pids.size).toBe(2 * (running.length + 2));
      await fleet!.stop();
      expect([...pids].filter(isRunning)).toEqual([]);
      expect(processesAbout(folder.path)).toEqual([]);
    },
    START_TIMEOUT_MS,
  );
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Command lines that name a folder, such as those of PostgreSQL's own children and our guards. */
function processesAbout(folder: string): string[] {
  const commandLine = (pid: string): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    } catch {
      return ''; // It has just ended.
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(commandLine)
    .filter((line) => line.includes(folder));
}
