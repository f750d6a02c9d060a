import { readConfig } from './config.js';

describe('The configuration', () => {
  it('needs nothing but an address', () => {
    expect(readConfig({ NATS_URL: 'nats://127.0.0.1:4222' })).toMatchObject({
      windowMs: 100,
      sessionLeaseMs: 30_000,
      instance: 'presence-3012',
    });
  });

  it('names everything that is wrong', () => {
    const read = (): unknown => readConfig({ PRESENCE_WINDOW_MS: '0', SESSIONS_MAX: 'many' });
    expect(read).toThrow(/PRESENCE_WINDOW_MS[\s\S]*SESSIONS_MAX[\s\S]*NATS_URL/);
  });
});
