import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { startProcess } from './child-process.js';
import type { RunningProcess } from './child-process.js';
import { freePort } from './free-port.js';
import { findNatsServer } from './nats-binary.js';
import { natsConfig, natsUserUrl } from './nats-config.js';
import type { NatsUser } from './nats-config.js';
import { natsAnswers } from './probes.js';

export interface NatsOptions {
  /** Holds configuration and streams; reused when it exists. */
  readonly dir: string;
  /** Default: any free port. */
  readonly port?: number;
  /** When given, only these may log in, each with its own subjects. */
  readonly users?: readonly NatsUser[];
  /** Lines in the server's own syntax, added to its configuration. */
  readonly extraConfig?: string;
  /** Output is also appended to this file. */
  readonly logFile?: string;
}

export interface NatsServer extends RunningProcess {
  readonly port: number;
  /** Without credentials; see {@link NatsServer.urlFor} when `users` were given. */
  readonly url: string;
  /** The URL, credentials included, of one of `users`. Throws for any other name. */
  urlFor(user: string): string;
}

/**
 * Starts a nats-server with JetStream on 127.0.0.1 and resolves when it takes connections. Rejects
 * when there is none to start, or with its output when it does not come up. `stop` is orderly,
 * `kill` is SIGKILL; streams on disk survive both.
 */
export async function startNats(options: NatsOptions): Promise<NatsServer> {
  const dir = resolve(options.dir);
  const port = options.port ?? (await freePort());
  const users = options.users ?? [];
  const configFile = join(dir, 'nats.conf');
  mkdirSync(dir, { recursive: true });
  const config = natsConfig({
    port,
    storeDir: join(dir, 'jetstream'),
    users,
    ...(options.extraConfig === undefined ? {} : { extraConfig: options.extraConfig }),
  });
  // It holds passwords.
  writeFileSync(configFile, config, { mode: 0o600 });
  const server = await startProcess({
    name: 'nats-server',
    command: findNatsServer(),
    args: ['--config', configFile],
    readyWhen: () => natsAnswers(port),
    ...(options.logFile === undefined ? {} : { logFile: options.logFile }),
  });
  return {
    name: server.name,
    pid: server.pid,
    exited: server.exited,
    port,
    url: `nats://127.0.0.1:${port}`,
    urlFor(name) {
      const user = users.find((candidate) => candidate.name === name);
      if (user === undefined) throw new Error(`nats-server has no user ${name}`);
      return natsUserUrl(user, port);
    },
    lines: () => server.lines(),
    // Both signals end it in order, but after SIGTERM its exit code says failure.
    stop: (signal = 'SIGINT', timeoutMs) => server.stop(signal, timeoutMs),
    kill: () => server.kill(),
  };
}
