// Children must not outlive us, not even when we are killed with SIGKILL and no handler of ours
// runs. The kernel closes our pipes whatever happens, so a small shell waits at the other end of
// one: it is told which children live, and when the pipe ends it kills those that still do.
//
//   us ──"add 4711 KILL"──► sh ── (pipe ends: we are gone) ──► kill -s KILL 4711
//
// The shell runs in a session of its own, out of reach of the terminal's Ctrl-C, and ends by
// itself when the last child has.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';

const SCRIPT = `
trap '' INT TERM HUP
alive=
while read -r verb pid signal; do
  case $verb in
    add) alive="$alive $pid:$signal" ;;
    drop)
      rest=
      for entry in $alive; do [ "\${entry%%:*}" = "$pid" ] || rest="$rest $entry"; done
      alive=$rest ;;
  esac
done
for entry in $alive; do kill -s "\${entry#*:}" "\${entry%%:*}" 2>/dev/null; done
exit 0
`;

/** What a child gets when its parent is gone: KILL for most, QUIT for a server that needs it. */
export type LastSignal = 'KILL' | 'QUIT';

let guard: ChildProcess | undefined;
const guarded = new Set<number>();

/** Has `pid` killed with `signal` if this process ends, however it ends, before {@link release}. */
export function guardChild(pid: number, signal: LastSignal): void {
  guarded.add(pid);
  guard ??= startGuard();
  guard.stdin?.write(`add ${pid} ${signal}\n`);
}

/** `pid` has ended: its number may soon belong to somebody else. */
export function release(pid: number): void {
  if (!guarded.delete(pid)) return;
  guard?.stdin?.write(`drop ${pid}\n`);
  if (guarded.size > 0) return;
  guard?.stdin?.end();
  guard = undefined;
}

function startGuard(): ChildProcess {
  const child = spawn('sh', ['-c', SCRIPT], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  // Neither a missing shell nor a broken pipe may end us: the guard is a second line.
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.unref();
  (child.stdin as unknown as Socket).unref();
  return child;
}
