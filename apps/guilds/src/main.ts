/** The front door: env in, signals in, exit code out. */
import process from 'node:process';
import { connectNats } from '@guildhall/bus';
import { SystemClock } from '@guildhall/clock';
import { inboxPrefix } from '@guildhall/contracts';
import { runMain } from '@guildhall/service';
import { openStore } from '@guildhall/store';
import { startTelemetry } from '@guildhall/telemetry';
import { readConfig } from './config.js';
import { assembleService, VERSION } from './service.js';

void runMain({
  name: 'guilds',
  process,
  assemble: async ({ env, phase, end }) => {
    const config = readConfig(env);
    const clock = new SystemClock();
    const telemetry = startTelemetry({
      service: 'guilds',
      instance: config.instance,
      version: VERSION,
      ...config.telemetry,
    });
    const { logger } = telemetry;
    const bus = await connectNats({
      url: config.natsUrl,
      inboxPrefix: inboxPrefix('guilds'),
      name: config.instance,
      clock,
      logger,
    });
    const store = openStore({
      databaseUrl: config.databaseUrl,
      schema: 'guilds',
      connectionsMax: config.connectionsMax,
      applicationName: config.instance,
      logger,
    });
    const parts = {
      config,
      bus,
      store,
      clock,
      telemetry,
      random: Math.random,
      phase,
      onReplaced: () => end('another process has the name of this instance'),
    };
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
