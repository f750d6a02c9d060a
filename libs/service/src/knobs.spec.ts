import { defaultsOf, EnvReader, knob } from './knobs.js';

const KNOBS = { leaseMs: knob('LEASE_MS', 2_000, 100, 60_000), port: knob('PORT', 0, 0, 65_535) };

describe('EnvReader', () => {
  it('reads numbers, and gives what is absent or empty its default', () => {
    const reader = new EnvReader({ LEASE_MS: ' 500 ', PORT: '' });
    expect(reader.numbers(KNOBS)).toEqual({ leaseMs: 500, port: 0 });
    expect(defaultsOf(KNOBS)).toEqual({ leaseMs: 2_000, port: 0 });
    expect(() => reader.check()).not.toThrow();
  });

  it('names everything that is wrong at once', () => {
    const reader = new EnvReader({ LEASE_MS: '99', PORT: '8o', GATEWAY: 'http://x/?v=10' });
    reader.numbers(KNOBS);
    reader.required('NATS_URL');
    reader.url('GATEWAY', ['ws:', 'wss:']);
    reader.add(['and this']);
    expect(() => reader.check()).toThrow(
      [
        'the configuration is wrong:',
        '  LEASE_MS must be a whole number from 100 to 60000',
        '  PORT must be a whole number from 0 to 65535',
        '  NATS_URL must be set',
        '  GATEWAY must be a ws or wss address without a query',
        '  and this',
      ].join('\n'),
    );
  });

  it.each(['1.5', '-1', 'Infinity', 'NaN', '0x10000'])('refuses %s as a port', (value) => {
    const reader = new EnvReader({ PORT: value });
    expect(reader.numbers(KNOBS).port).toBe(0);
    expect(reader.problems).toHaveLength(1);
  });
});
