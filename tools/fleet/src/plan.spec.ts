import { environmentOf, healthUrl } from './plan.js';
import type { Surroundings } from './plan.js';

const around: Surroundings = {
  dataDir: '/data',
  natsUrlFor: (app) => `nats://${app}@host`,
  databaseUrlFor: (app) => `postgres://${app}@host`,
  publicUrl: 'http://127.0.0.1:4000',
  gatewayUrl: 'ws://127.0.0.1:4100',
  base: { PATH: '/bin', NATS_URL: 'nats://all', npm_config_x: '1', JEST_WORKER_ID: '1', PORT: '1' },
  env: { LOG_LEVEL: 'debug', BOTH: 'env' },
  appEnv: { api: { BOTH: 'app' } },
};

describe('environmentOf', () => {
  it('gives the api its servers, its port and what it advertises', () => {
    expect(environmentOf({ name: 'api-1', app: 'api', port: 4000 }, around)).toEqual({
      PATH: '/bin',
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: '4000',
      INSTANCE: 'api-1',
      NATS_URL: 'nats://api@host',
      DATABASE_URL: 'postgres://api@host',
      GUILDHALL_GATEWAY_URL: 'ws://127.0.0.1:4100',
      GUILDHALL_PUBLIC_URL: 'http://127.0.0.1:4000',
      GUILDHALL_FILES_DIR: '/data/files',
      LOG_LEVEL: 'debug',
      BOTH: 'app',
    });
  });

  it('has a session resume at the gateway it was on, and gives a gateway no database', () => {
    const env = environmentOf({ name: 'gateway-2', app: 'gateway', port: 4101 }, around);
    expect(env['GUILDHALL_GATEWAY_URL']).toBe('ws://127.0.0.1:4101');
    expect(env).not.toHaveProperty('DATABASE_URL');
  });

  it('asks for health where the process listens', () => {
    const instance = { name: 'api-1', app: 'api', port: 4000 } as const;
    expect(healthUrl(instance)).toBe('http://127.0.0.1:4000/health/ready');
  });
});
