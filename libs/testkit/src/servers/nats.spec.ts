import { connect } from 'node:net';
import { createInterface } from 'node:readline';

import { startNats } from './nats.js';
import { natsAnswers } from './probes.js';
import { tempDir } from './temp-dir.js';

/** Logs in as `url` says, publishes to `subject`, and returns the server's lines until PONG. */
async function publishAs(url: string, subject: string): Promise<string[]> {
  const { username, password, port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  const login = { user: username, pass: password, verbose: false, pedantic: false };
  socket.write(`CONNECT ${JSON.stringify(login)}\r\nPUB ${subject} 2\r\nhi\r\nPING\r\n`);
  const lines: string[] = [];
  for await (const line of createInterface({ input: socket })) {
    lines.push(line);
    if (line === 'PONG') break;
  }
  socket.destroy();
  return lines;
}

describe('startNats', () => {
  it('starts with JetStream, lets each user use just its subjects, and leaves nothing', async () => {
    using dir = tempDir();
    const nats = await startNats({
      dir: dir.path,
      users: [{ name: 'api', password: 'secret', publish: ['guilds.>'], subscribe: ['_INBOX.>'] }],
    });
    const [info] = await publishAs(nats.urlFor('api'), 'guilds.x');
    expect(JSON.parse(info!.slice('INFO '.length))).toMatchObject({
      jetstream: true,
      max_payload: 8_388_608,
      auth_required: true,
    });
    const accepted = await publishAs(nats.urlFor('api'), 'guilds.x');
    expect(accepted.filter((line) => line.startsWith('-ERR'))).toEqual([]);
    const refused = await publishAs(nats.urlFor('api'), 'presence.x');
    expect(refused.join()).toContain('Permissions Violation for Publish to "presence.x"');
    const stranger = await publishAs(nats.url, 'guilds.x');
    expect(stranger.join()).toContain('Authorization Violation');
    expect(() => nats.urlFor('guilds')).toThrow('no user guilds');

    await nats.stop();
    expect(await natsAnswers(nats.port)).toBe(false);
    expect(() => process.kill(nats.pid, 0)).toThrow('ESRCH');
  });

  it('starts again on the same folder and port after SIGKILL', async () => {
    using dir = tempDir();
    const first = await startNats({ dir: dir.path });
    expect((await first.kill()).signal).toBe('SIGKILL');
    const second = await startNats({ dir: dir.path, port: first.port });
    expect(second.url).toBe(first.url);
    await second.stop();
  });

  it('says why it does not start', async () => {
    using dir = tempDir();
    const started = startNats({ dir: dir.path, extraConfig: 'no_such_option: 1' });
    await expect(started).rejects.toThrow(/nats-server did not start[^]*no_such_option/);
  });
});
