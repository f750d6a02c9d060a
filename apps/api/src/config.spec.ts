import { readConfig, toConfig } from './config.js';

const ENV = { NATS_URL: 'nats://127.0.0.1:1', DATABASE_URL: 'postgres://x' };

describe('The configuration', () => {
  it('is complete with what must be set', () => {
    const config = readConfig(ENV);
    expect(config).toMatchObject({
      port: 3000,
      instance: 'api-3000',
      publicUrl: 'http://127.0.0.1:3000',
      rateLimitFactor: 1,
      trustedProxies: [],
      maxConcurrency: 1,
    });
    expect(Object.isFrozen(config)).toBe(true);
    expect(toConfig({ port: 5 }).port).toBe(5);
  });

  it('reads what is set', () => {
    const config = readConfig({
      ...ENV,
      PORT: '0',
      GUILDHALL_PUBLIC_URL: 'https://example.org/',
      GUILDHALL_RATE_LIMIT_FACTOR: '0.5',
      TRUSTED_PROXIES: '127.0.0.1,10.0.0.0/8',
    });
    expect(config.publicUrl).toBe('https://example.org');
    expect(config.rateLimitFactor).toBe(0.5);
    expect(config.trustedProxies).toEqual(['127.0.0.1', '10.0.0.0/8']);
  });

  it('says everything that is wrong at once', () => {
    const env = {
      PORT: 'x',
      GUILDHALL_GATEWAY_URL: 'ws://x/?v=10',
      GUILDHALL_RATE_LIMIT_FACTOR: '0',
      TOKEN_CACHE_MS: '60000',
    };
    for (const name of ['NATS_URL', 'DATABASE_URL', ...Object.keys(env)]) {
      expect(() => readConfig(env)).toThrow(name);
    }
  });
});
