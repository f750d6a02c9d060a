import { countStage, summaryLine } from './summary.mjs';

describe('countStage', () => {
  it('counts the tests of a Jest stage', () => {
    const report = { numPassedTests: 7, numFailedTests: 2, numRuntimeErrorTestSuites: 1 };
    expect(countStage({ code: 1, report })).toEqual({ passed: 7, failed: 3 });
    expect(countStage({ code: 0, report: { numPassedTests: 7 } })).toEqual({
      passed: 7,
      failed: 0,
    });
  });

  it('counts a stage that is not Jest only when it fails', () => {
    expect(countStage({ code: 0 })).toEqual({ passed: 0, failed: 0 });
    expect(countStage({ code: 2 })).toEqual({ passed: 0, failed: 1 });
  });

  it('counts as failed what ran no test, wrote no report, or failed for another reason', () => {
    expect(countStage({ code: 0, report: { numPassedTests: 0 } }).failed).toBe(1);
    expect(countStage({ code: 0, report: null }).failed).toBe(1);
    expect(countStage({ code: 1, report: { numPassedTests: 3 } })).toEqual({
      passed: 3,
      failed: 1,
    });
  });
});

describe('summaryLine', () => {
  it('sums all stages', () => {
    const counts = [
      { passed: 3, failed: 0 },
      { passed: 0, failed: 1 },
      { passed: 4, failed: 2 },
    ];
    expect(summaryLine(counts)).toBe('7 passed, 3 failed');
    expect(summaryLine([])).toBe('0 passed, 0 failed');
  });
});
