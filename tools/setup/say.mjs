// What the set-up tells whoever waits for it: one line a step, with seconds.

const isTerminal = Boolean(process.stdout.isTTY) && process.env.FORCE_COLOR !== '0';
const paint = (code, text) => (isTerminal ? `\u001b[${code}m${text}\u001b[0m` : text);

/** A problem that is the reader's to solve: shown as it is, without a stack. */
export class Problem extends Error {}

/** Prints a heading. */
export function heading(text) {
  process.stdout.write(`\n${paint('1', `== ${text}`)}\n`);
}

/** Prints one line about something that took `startedMs` until now, or took nothing. */
export function step(text, startedMs) {
  const took = startedMs === undefined ? '' : ` (${seconds(performance.now() - startedMs)})`;
  process.stdout.write(`   ${text}${took}\n`);
}

/** Milliseconds as people read them. */
export function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Runs the main function of a command; a {@link Problem} is printed, anything else has a stack. */
export async function runMain(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    const text = error instanceof Problem ? error.message : (error?.stack ?? String(error));
    process.stderr.write(`\n${paint('31', 'Stopped.')} ${text}\n`);
    process.exitCode = 1;
  }
}
