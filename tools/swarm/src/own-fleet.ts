// The fleet a run starts for itself: limits that are there to protect others are out of the way.

import { connectNats } from '@guildhall/bus';
import { startFleet } from '@guildhall/fleet';
import type { Fleet, FleetEvent } from '@guildhall/fleet';
import { tempDir } from '@guildhall/testkit';

import type { Scenario } from './scenario.js';
import type { Target } from './target.js';

const API_ENV = {
  GUILDHALL_RATE_LIMIT_FACTOR: '1000000',
  INVALID_REQUESTS_MAX: '1000000',
  MAX_CONCURRENCY: '16',
  PASSWORD_COST: '4',
  PASSWORDS_WAITING_MAX: '1024',
};
const GATEWAY_ENV = {
  MAX_CONCURRENCY: '16',
  IDENTIFY_INTERVAL_MS: '0',
  SENDS_MAX: '100000',
};

/** A target that is to be stopped. */
export interface OwnTarget extends Target {
  /** Ends everything and deletes the data. May be called again. */
  stop(): Promise<void>;
}

/** Starts what the scenario asks for. */
export async function startOwnFleet(
  { fleet: wanted }: Scenario,
  options: {
    readonly build: boolean;
    readonly signal: AbortSignal;
    readonly onEvent: (event: FleetEvent) => void;
  },
): Promise<OwnTarget> {
  const folder = tempDir('guildhall-swarm-');
  let fleet: Fleet | undefined;
  try {
    fleet = await startFleet({
      dataDir: folder.path,
      seed: false,
      durable: wanted.durable,
      instances: {
        gateway: wanted.gateways,
        guilds: wanted.guilds,
        api: 1,
        presence: 1,
        'read-states': 1,
      },
      env: { FORCE_COLOR: '0', LOG_LEVEL: 'warn' },
      appEnv: { api: API_ENV, gateway: { ...GATEWAY_ENV, ...wanted.gatewayEnv } },
      ...options,
    });
    const { stop: stopBus, ...target } = await targetOf(fleet);
    const started = fleet;
    return {
      ...target,
      stop: async () => {
        await stopBus();
        await started.stop();
        folder.remove();
      },
    };
  } catch (error) {
    await fleet?.stop({ now: true });
    folder.remove();
    throw error;
  }
}

/** A fleet that somebody else has started and will stop, as a target; `stop` leaves it alone. */
export async function targetOf(fleet: Fleet): Promise<OwnTarget> {
  const bus = await connectNats({
    url: fleet.natsUrl(),
    name: 'swarm',
    inboxPrefix: '_INBOX.swarm',
  });
  const gateways = fleet.instances().filter(({ app }) => app === 'gateway');
  return {
    api: fleet.api,
    gateways: gateways.map(({ url }) => url.replace('http', 'ws')),
    bus,
    processes: () =>
      fleet
        .instances()
        .flatMap(({ name, app, pid }) => (pid === undefined ? [] : [{ name, app, pid }])),
    stop: () => bus.close(),
  };
}
