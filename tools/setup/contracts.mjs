// The contracts between the apps: `generate` writes the code for them, `check` finds out whether
// they are well formed, whether the committed code is theirs, and whether an older app still
// understands a newer one.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { root } from './root.mjs';
import { run } from './run.mjs';
import { Problem, runMain, step } from './say.mjs';

const contracts = join(root, 'libs/contracts');
const env = {
  ...process.env,
  PATH: [join(root, 'node_modules/.bin'), process.env.PATH ?? ''].join(delimiter),
};

async function must(command, args, advice, options = {}) {
  const { code, output } = await run(command, args, {
    cwd: contracts,
    env,
    quiet: true,
    ...options,
  });
  if (code !== 0) throw new Problem(`${advice}\n\n${output.trim()}`);
  return output;
}

async function generate() {
  rmSync(join(contracts, 'src/gen'), { recursive: true, force: true });
  await must('buf', ['generate'], 'buf could not generate the code');
  step('generated libs/contracts/src/gen');
  return 0;
}

async function check() {
  const scratch = mkdtempSync(join(tmpdir(), 'guildhall-contracts-'));
  try {
    await must('buf', ['lint'], 'buf lint finds fault with the .proto files');
    step('well formed');
    await must('buf', ['generate', '--output', scratch], 'buf could not generate the code');
    const folders = [join(contracts, 'src/gen'), join(scratch, 'src/gen')];
    const advice = 'src/gen is not what the .proto files say: run `npm run contracts:generate`';
    await must('diff', ['--recursive', '--brief', ...folders], advice);
    step('generated code is up to date');
    await checkBreaking(scratch);
    return 0;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Compares with the main branch, unpacked aside: that needs neither a network nor full history. */
async function checkBreaking(scratch) {
  const base = await findBase();
  if (base === undefined) return step('no main branch to compare with');
  const archive = join(scratch, 'base.tar');
  const unpacked = join(scratch, 'base');
  mkdirSync(unpacked);
  const advice = `could not read the contracts of ${base}`;
  await must('git', ['archive', '--output', archive, base, 'libs/contracts'], advice, {
    cwd: root,
  });
  await must('tar', ['-xf', archive, '-C', unpacked], advice);
  await must(
    'buf',
    ['breaking', '--against', join(unpacked, 'libs/contracts')],
    `an app built from ${base} would not understand these contracts`,
  );
  step(`compatible with ${base}`);
}

async function findBase() {
  for (const ref of ['origin/main', 'main']) {
    const object = `${ref}:libs/contracts/buf.yaml`;
    const { code } = await run('git', ['cat-file', '-e', object], { cwd: root, quiet: true });
    if (code === 0) return ref;
  }
  return undefined;
}

await runMain(() => {
  const [what] = process.argv.slice(2);
  if (what === 'generate') return generate();
  if (what === 'check') return check();
  throw new Problem('say `generate` or `check`');
});
