import process from 'node:process';
import { cpuNs, loadAverage, residentBytes } from './usage.js';

describe('usage', () => {
  it('counts what this process has used', () => {
    const before = cpuNs(process.pid);
    let sink = 0;
    for (let index = 0; index < 5_000_000; index += 1) sink += Math.sqrt(index);
    expect(sink).toBeGreaterThan(0);
    expect(cpuNs(process.pid)).toBeGreaterThan(before);
    expect(residentBytes(process.pid)).toBeGreaterThan(1_000_000);
    expect(loadAverage()).toBeGreaterThanOrEqual(0);
  });

  it('throws for a process that is not there', () => {
    expect(() => cpuNs(2 ** 30)).toThrow(/ENOENT/);
    expect(() => residentBytes(2 ** 30)).toThrow(/ENOENT/);
  });
});
