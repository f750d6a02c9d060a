import { readConfig, toConfig } from './config.js';

describe('the configuration', () => {
  it('has defaults for all but the bus', () => {
    const config = readConfig({ NATS_URL: 'nats://127.0.0.1:4222', PORT: '4000' });
    expect(config).toMatchObject({
      port: 4000,
      host: '127.0.0.1',
      instance: 'gateway-4000',
      advertisedUrl: undefined,
      heartbeatIntervalMs: 41_250,
      heartbeatTimeoutMs: 61_875,
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('says all that is wrong at once', () => {
    const env = {
      PORT: '99999',
      MAX_CONCURRENCY: 'many',
      GUILDHALL_GATEWAY_URL: 'http://example.org/?x=1',
      INVALID_SESSION_DELAY_MIN_MS: '6000',
      LOG_LEVEL: 'loud',
    };
    const wrong = ['NATS_URL', ...Object.keys(env)];
    let message = '';
    try {
      readConfig(env);
    } catch (error) {
      message = (error as Error).message;
    }
    for (const name of wrong) expect(message).toContain(name);
  });

  it('is completed for embedding', () => {
    expect(toConfig({ heartbeatIntervalMs: 100, heartbeatTimeoutMs: 300 })).toMatchObject({
      heartbeatTimeoutMs: 300,
      sendsMax: 120,
    });
  });
});
