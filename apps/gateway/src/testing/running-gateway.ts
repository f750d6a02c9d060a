import { createMemoryBus, type MemoryBus, type MemoryHub } from '@guildhall/bus';
import { SystemClock } from '@guildhall/clock';
import { ServiceLife } from '@guildhall/service';
import { fakeTelemetry, type FakeTelemetry } from '@guildhall/telemetry';
import { toConfig, type Config } from '../config.js';
import { assembleService, type GatewayService } from '../service.js';
import { FakeFleet } from './fake-fleet.js';

/** A whole gateway on a free port, and the fleet around it. */
export interface RunningGateway {
  readonly url: string;
  readonly fleet: FakeFleet;
  readonly hub: MemoryHub;
  readonly bus: MemoryBus;
  readonly service: GatewayService;
  readonly telemetry: FakeTelemetry;
  readonly life: ServiceLife;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Patience that suits a spec; what it is about is given by the spec. */
const QUICK: Partial<Config> = {
  port: 0,
  identifyIntervalMs: 0,
  invalidSessionDelayMinMs: 10,
  invalidSessionDelayMaxMs: 20,
  attachTimeoutMs: 300,
  attachRetryMs: 20,
  presenceFlushMs: 2,
  drainBatchIntervalMs: 5,
};

/** Starts one. */
export async function runGateway(
  given: Partial<Config> = {},
  options: { isTraced?: boolean } = {},
): Promise<RunningGateway> {
  const clock = new SystemClock();
  const hub = createMemoryBus(clock);
  const fleet = new FakeFleet(hub.connect({ name: 'fleet' }));
  const telemetry = fakeTelemetry({
    service: 'gateway',
    traceRatio: options.isTraced === true ? 1 : 0,
    logLevel: 'warn',
  });
  const bus = hub.connect({ name: 'gateway', logger: telemetry.logger });
  const service = assembleService({
    config: toConfig({ ...QUICK, ...given }),
    bus,
    clock,
    telemetry,
    random: Math.random,
    phase: () => life.phase,
  });
  const life: ServiceLife = new ServiceLife({
    name: 'gateway',
    rooms: service.rooms,
    clock,
    logger: telemetry.logger,
  });
  await life.start();
  return {
    url: `ws://127.0.0.1:${service.http.port}`,
    fleet,
    hub,
    bus,
    service,
    telemetry,
    life,
    async [Symbol.asyncDispose]() {
      await life.stop();
      await fleet.stop();
    },
  };
}
