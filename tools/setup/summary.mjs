// What a run of all stages came to. Pure.

/**
 * The counts of one stage. `report` is what Jest wrote with --json: absent for a stage that is not
 * Jest, null when Jest wrote none. Whatever went wrong counts as at least one failure, and so does
 * a Jest run without tests: it must not look like success.
 */
export function countStage({ code, report }) {
  if (report === undefined) return { passed: 0, failed: code === 0 ? 0 : 1 };
  if (report === null) return { passed: 0, failed: 1 };
  const passed = report.numPassedTests ?? 0;
  // A suite that did not even load has no failed tests.
  let failed = (report.numFailedTests ?? 0) + (report.numRuntimeErrorTestSuites ?? 0);
  if (failed === 0 && (code !== 0 || passed === 0)) failed = 1;
  return { passed, failed };
}

/** The last line of all output. */
export function summaryLine(counts) {
  const sum = (name) => counts.reduce((total, count) => total + count[name], 0);
  return `${sum('passed')} passed, ${sum('failed')} failed`;
}
