import { spawn } from 'node:child_process';

const PARENT_INTERVAL_MS = 500;

/**
 * Runs a command to its end; its output goes where ours goes, or into the result when `quiet`.
 * Never rejects: a command that is not there ends with code 127.
 */
export function run(command, args, { cwd, env, quiet = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: env ?? process.env,
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => (output += chunk));
    }
    child.once('error', (error) => resolve({ code: 127, output: error.message }));
    child.once('close', (code, signal) => resolve({ code: code ?? 128, signal, output }));
  });
}

/**
 * Runs a Node program that takes over from us: it has our terminal, signals sent to us reach it,
 * and its exit code becomes ours. By the channel between us it also notices when we are killed.
 */
export function handOver(command, args, { cwd, env } = {}) {
  return new Promise((resolve, reject) => {
    const stdio = ['inherit', 'inherit', 'inherit', 'ipc'];
    const child = spawn(command, args, { cwd, env: env ?? process.env, stdio });
    // Ctrl-C reaches the whole group of the terminal, so it has this one already; but a signal
    // sent to us alone has not. It tells a repeat from a second wish by the time between them.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.on(signal, () => child.kill(signal));
    }
    const watch = watchParent(() => child.kill('SIGTERM'));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearInterval(watch);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
}

/** Calls `onGone` when npm, having started us, is gone: it passes on some signals, not SIGKILL. */
function watchParent(onGone) {
  if (process.env.npm_lifecycle_event === undefined) return undefined;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    onGone();
  }, PARENT_INTERVAL_MS);
  return watch;
}
