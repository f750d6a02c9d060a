import { cpuUsFrom, usageOf } from './process-usage.js';

describe('usageOf', () => {
  it('knows what this process has used', () => {
    const { cpuUs, rssBytes } = usageOf(process.pid)!;
    expect(cpuUs).toBeGreaterThan(0);
    expect(rssBytes).toBeGreaterThan(10_000_000);
  });

  it('knows nothing of a process that is not there', () => {
    expect(usageOf(2 ** 30)).toBeUndefined();
  });

  it('is not led astray by a name with brackets and spaces', () => {
    const stat = '42 (a) R 1 (b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 7';
    expect(cpuUsFrom(stat)).toBe(2_000_000);
  });
});
