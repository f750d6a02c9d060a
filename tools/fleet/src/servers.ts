// The two servers every fleet needs, as supervised processes; or somebody else's, by URL.

import { join } from 'node:path';

import { natsPermissions } from '@guildhall/contracts';
import type { AppName } from '@guildhall/contracts';
import { startNats, startPostgres } from '@guildhall/testkit';
import type { NatsServer, PostgresServer } from '@guildhall/testkit';

import { APP_NAMES, STORING_APPS, schemaOf } from './apps.js';
import type { FleetOptions } from './options.js';
import type { Ports } from './ports.js';
import { secretFor } from './state.js';
import type { FleetState } from './state.js';
import { Supervised } from './supervised.js';

/** The NATS login that may use every subject: for whoever looks at a fleet from outside. */
export const OPERATOR = 'operator';
const NATS_STOP_TIMEOUT_MS = 10_000;
const POSTGRES_STOP_TIMEOUT_MS = 20_000;

export interface Server {
  /** Absent when the server is somebody else's. */
  readonly supervised: Supervised | undefined;
  /** The URL for an app (or, on NATS, the operator). Throws before the first start. */
  urlFor(user: AppName | typeof OPERATOR): string;
}

type Chosen = Pick<FleetOptions, 'dataDir' | 'natsUrl' | 'databaseUrl' | 'durable'> & {
  readonly onEvent: NonNullable<FleetOptions['onEvent']>;
};

/** NATS with a login for each app that allows just its subjects. */
export async function natsServer(
  options: Chosen,
  state: FleetState,
  ports: Ports,
): Promise<Server> {
  const { natsUrl, dataDir, onEvent } = options;
  if (natsUrl !== undefined) return { supervised: undefined, urlFor: () => natsUrl };
  const everything = { publish: ['>'], subscribe: ['>'] };
  const users = [
    ...APP_NAMES.map((app) => ({ name: app as string, ...natsPermissions(app) })),
    { name: OPERATOR, ...everything },
  ].map((user) => ({ ...user, password: secretFor(state, `nats:${user.name}`) }));
  // The same port for life: clients find the server again after a restart.
  const port = await ports.any();
  let server: NatsServer | undefined;
  const supervised = new Supervised({
    name: 'nats',
    stopSignal: 'SIGINT',
    stopTimeoutMs: NATS_STOP_TIMEOUT_MS,
    onEvent,
    start: async () => {
      server = await startNats({
        dir: join(dataDir, 'nats'),
        port,
        users,
        logFile: join(dataDir, 'logs/nats.log'),
      });
      return server;
    },
  });
  return { supervised, urlFor: (user) => started(server, 'NATS').urlFor(user) };
}

/** PostgreSQL with a login for each app that stores something, owning one schema. */
export async function postgresServer(
  options: Chosen,
  state: FleetState,
  ports: Ports,
): Promise<Server> {
  const { databaseUrl, dataDir, onEvent } = options;
  if (databaseUrl !== undefined) return { supervised: undefined, urlFor: () => databaseUrl };
  const roles = STORING_APPS.map((app) => ({
    name: app as string,
    schema: schemaOf(app),
    password: secretFor(state, `postgres:${app}`),
  }));
  const port = await ports.any();
  let server: PostgresServer | undefined;
  const supervised = new Supervised({
    name: 'postgres',
    stopSignal: 'SIGINT',
    // Unlike SIGKILL it takes the server's own children along and frees its shared memory.
    haltSignal: 'SIGQUIT',
    stopTimeoutMs: POSTGRES_STOP_TIMEOUT_MS,
    onEvent,
    start: async () => {
      server = await startPostgres({
        dir: join(dataDir, 'postgres'),
        port,
        database: 'guildhall',
        roles,
        durable: options.durable ?? true,
        logFile: join(dataDir, 'logs/postgres.log'),
      });
      return server;
    },
  });
  return { supervised, urlFor: (user) => started(server, 'PostgreSQL').urlFor(user) };
}

function started<S>(server: S | undefined, name: string): S {
  if (server === undefined) throw new Error(`${name} has not been started`);
  return server;
}
