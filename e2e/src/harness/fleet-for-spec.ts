// A fleet of real processes for the stories of one file.
//
//   const fleet = useFleet({ instances: { guilds: 3 } });
//   it('...', async () => { await fleet().kill('guilds-1'); });

import { startFleet } from '@guildhall/fleet';
import type { Env, Fleet, FleetOptions } from '@guildhall/fleet';
import { tempDir } from '@guildhall/testkit';

/**
 * Limits that would make stories wait, out of the way: a story that is about one of them sets it
 * back through `appEnv`. Passwords are hashed at the lowest cost, since stories register many.
 */
const UNHURRIED: Partial<Record<'api' | 'gateway', Env>> = {
  api: {
    GUILDHALL_RATE_LIMIT_FACTOR: '10000',
    INVALID_REQUESTS_MAX: '1000000',
    MAX_CONCURRENCY: '16',
    PASSWORD_COST: '4',
  },
  gateway: { MAX_CONCURRENCY: '16', IDENTIFY_INTERVAL_MS: '0' },
};
/** The machine may be busy with other things: PostgreSQL alone takes a few seconds to be made. */
const START_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 60_000;
const LOG_LINES_SHOWN = 25;

/** As for `startFleet`, which says what each is; the data is a folder of the spec's own. */
export type FleetForSpec = Omit<FleetOptions, 'dataDir' | 'clean'>;

/**
 * To be called once per spec file, outside of its cases. Before them, starts a fleet with two
 * gateways and two of `guilds`, without the demo guild, and with PostgreSQL durable as it would be
 * anywhere, unless told otherwise. After them, stops it and deletes its data; when a case failed,
 * the last lines of every process are printed first. Gives a function that gives the fleet.
 * Options that are known only after something else has been started come from a function.
 */
export function useFleet(options: FleetForSpec | (() => Promise<FleetForSpec>) = {}): () => Fleet {
  const folder = tempDir('guildhall-e2e-');
  let fleet: Fleet | undefined;

  beforeAll(async () => {
    const chosen = typeof options === 'function' ? await options() : options;
    fleet = await startFleet(fleetOptions(folder.path, chosen));
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    if (fleet !== undefined && hasStoryFailed()) printLogs(fleet);
    await fleet?.stop();
    folder.remove();
  }, STOP_TIMEOUT_MS);

  return () => {
    if (fleet === undefined) throw new Error('the fleet is there from beforeAll on, not before');
    return fleet;
  };
}

/** What {@link useFleet} starts, for stories that start and stop a fleet by themselves. */
export function fleetOptions(dataDir: string, options: FleetForSpec = {}): FleetOptions {
  const { instances, env, appEnv, ...others } = options;
  return {
    seed: false,
    durable: true,
    ...others,
    dataDir,
    instances: { gateway: 2, guilds: 2, ...instances },
    env: { FORCE_COLOR: '0', ...env },
    appEnv: {
      ...appEnv,
      api: { ...UNHURRIED.api, ...appEnv?.api },
      gateway: { ...UNHURRIED.gateway, ...appEnv?.gateway },
    },
  };
}

/** Prints the end of what each process of the fleet said, for whoever reads why a story failed. */
export function printLogs(fleet: Fleet): void {
  const texts = fleet.instances().map(({ name, phase, pid }) => {
    const lines = fleet.logs(name).slice(-LOG_LINES_SHOWN);
    return [`== ${name}: ${phase}, process ${pid ?? '-'}`, ...lines].join('\n');
  });
  process.stderr.write(`\n${texts.join('\n')}\n`);
}

/** Set by the test environment of these specs. */
function hasStoryFailed(): boolean {
  return (globalThis as { hasStoryFailed?: boolean }).hasStoryFailed === true;
}
