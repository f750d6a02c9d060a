/** The front door: env in, signals in, exit code out. */
import process from 'node:process';
import { connectNats } from '@guildhall/bus';
import { SystemClock } from '@guildhall/clock';
import { inboxPrefix } from '@guildhall/contracts';
import { runMain } from '@guildhall/service';
import { startTelemetry } from '@guildhall/telemetry';
import { readConfig } from './config.js';
import { assembleService, VERSION } from './service.js';

void runMain({
  name: 'presence',
  process,
  assemble: async ({ env, phase, end }) => {
    const config = readConfig(env);
    const clock = new SystemClock();
    const telemetry = startTelemetry({
      service: 'presence',
      instance: config.instance,
      version: VERSION,
      ...config.telemetry,
    });
    const { logger } = telemetry;
    const bus = await connectNats({
      url: config.natsUrl,
      inboxPrefix: inboxPrefix('presence'),
      name: config.instance,
      clock,
      logger,
    });
    const onReplaced = () => end('another process has the name of this instance');
    const parts = { config, bus, clock, telemetry, phase, onReplaced };
    return {
      rooms: assembleService(parts).rooms,
      logger,
      clock,
      drainMs: config.drainMs,
      flush: async () => {
        await telemetry.flush(1_000);
        await telemetry.shutdown();
      },
    };
  },
});
