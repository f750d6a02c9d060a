// `npm test`: brings everything into place, then runs every stage, also after one has failed. The
// last line says how many tests passed and failed; `npm test -- unit e2e` runs just those stages.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepare } from './prepare.mjs';
import { root } from './root.mjs';
import { run } from './run.mjs';
import { heading, Problem, runMain, seconds, step } from './say.mjs';
import { stages } from './stages.mjs';
import { countStage, summaryLine } from './summary.mjs';

async function main(reportDir) {
  const chosen = choose(stages(reportDir), process.argv.slice(2));
  const { env } = await prepare(root).catch((error) => {
    // A reader of the last line alone must see that nothing was tested.
    process.on('exit', () => process.stdout.write('0 passed, 1 failed\n'));
    throw error;
  });
  const startedMs = performance.now();
  const results = [];
  for (const stage of chosen) {
    heading(stage.title);
    results.push({ ...stage, ...(await runStage(stage, { ...env, ...quietTools })) });
  }
  heading(`All stages (${seconds(performance.now() - startedMs)})`);
  for (const { name, passed, failed, tookMs } of results) {
    const tests = passed > 0 ? `, ${passed} passed` : '';
    const verdict = failed === 0 ? 'ok' : `FAILED (${failed})`;
    step(`${name.padEnd(10)} ${verdict}${tests}, ${seconds(tookMs)}`);
  }
  process.stdout.write(`\n${summaryLine(results)}\n`);
  return results.some(({ failed }) => failed > 0) ? 1 : 0;
}

/** No daemon may stay behind, and no colour codes end up in what tests read from children. */
const quietTools = {
  CI: 'true',
  FORCE_COLOR: '0',
  NO_COLOR: '1',
  NX_DAEMON: 'false',
  NX_NO_CLOUD: 'true',
  npm_config_loglevel: 'error',
};

async function runStage({ commands, report }, env) {
  const startedMs = performance.now();
  let code = 0;
  for (const [command, ...args] of commands) {
    ({ code } = await run(command, args, { cwd: root, env }));
    if (code !== 0) break;
  }
  const tookMs = performance.now() - startedMs;
  const counts = countStage({ code, report: report === undefined ? undefined : read(report) });
  step(counts.failed === 0 ? 'ok' : `FAILED (exit code ${code})`, startedMs);
  return { ...counts, tookMs };
}

function choose(all, names) {
  const known = all.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new Problem(`no stage ${unknown.join(', ')}; there are ${known.join(', ')}`);
  }
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

const reportDir = mkdtempSync(join(tmpdir(), 'guildhall-test-'));
await runMain(() => main(reportDir));
rmSync(reportDir, { recursive: true, force: true });
