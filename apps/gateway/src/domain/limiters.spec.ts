import { IdentifyLimiter } from './identify-limiter.js';
import { MemberListLimiter } from './member-list-limiter.js';
import { SendLimiter } from './send-limiter.js';

describe('IdentifyLimiter', () => {
  it('lets one in per bot and key in an interval', () => {
    const limiter = new IdentifyLimiter({ maxConcurrency: 2, intervalMs: 5_000 });
    expect(limiter.admit(1n, 0, 0)).toBe(true);
    expect(limiter.admit(1n, 2, 100)).toBe(false);
    expect(limiter.admit(1n, 1, 100)).toBe(true);
    expect(limiter.admit(2n, 0, 100)).toBe(true);
    // A refusal does not push the next chance away.
    expect(limiter.admit(1n, 4, 4_999)).toBe(false);
    expect(limiter.admit(1n, 4, 5_000)).toBe(true);
  });

  it('forgets whom it need not remember', () => {
    const limiter = new IdentifyLimiter({ maxConcurrency: 1, intervalMs: 10 });
    for (let at = 0; at < 1_000; at += 1) limiter.admit(BigInt(at), 0, at);
    expect(limiter.size).toBeLessThanOrEqual(10);
  });
});

describe('SendLimiter', () => {
  it('counts in windows that begin with the first', () => {
    const limiter = new SendLimiter(2, 1_000);
    expect([0, 1, 2].map((nowMs) => limiter.admit(nowMs))).toEqual([true, true, false]);
    expect(limiter.admit(1_000)).toBe(true);
  });
});

describe('MemberListLimiter', () => {
  it('says how long to wait for each guild and bot', () => {
    const limiter = new MemberListLimiter(30_000);
    expect(limiter.ask(1n, 7n, 0)).toBe(0);
    expect(limiter.ask(1n, 7n, 10_000)).toBe(20_000);
    expect(limiter.ask(1n, 8n, 10_000)).toBe(0);
    expect(limiter.ask(2n, 7n, 10_000)).toBe(0);
    expect(limiter.ask(1n, 7n, 30_000)).toBe(0);
  });
});
