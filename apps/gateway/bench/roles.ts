// Benches whose parts must not share a process: what one holds is not to be counted with the other.
// A bench is one file; it forks itself, and a part does what its role says. The parts of a gateway
// here: NATS, a fleet of a few maps (FakeFleet), the gateway itself, and its clients.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { connectNats, type Bus } from '@guildhall/bus';
import { SystemClock } from '@guildhall/clock';
import { inboxPrefix } from '@guildhall/contracts';
import { ServiceLife } from '@guildhall/service';
import { startTelemetry } from '@guildhall/telemetry';
import { toConfig, type Config } from '../src/config.js';
import { assembleService, type GatewayService } from '../src/service.js';

/** One forked part. A question is answered by one value. */
export interface Part {
  readonly pid: number;
  ask<T>(what: string, value?: unknown): Promise<T>;
  end(): Promise<void>;
}

type Answers = Readonly<Record<string, (value: never) => unknown>>;

const ROLE = 'BENCH_ROLE';

/** The role of this process; undefined in the one that was started by hand. */
export function roleOfThis(): string | undefined {
  return process.env[ROLE];
}

/** Starts this file again in another role. `flags` are for Node. */
export async function startPart(
  role: string,
  value?: unknown,
  flags: string[] = [],
): Promise<Part> {
  const child = fork(process.argv[1]!, [], {
    env: { ...process.env, [ROLE]: role },
    execArgv: ['--enable-source-maps', '--expose-gc', ...flags],
    serialization: 'advanced',
  });
  const part = { pid: child.pid!, ask: askerOf(role, child), end: () => endOf(child) };
  await part.ask('start', value);
  return part;
}

/** Answers questions of the process that started this one; ends with it. */
export function answer(answers: Answers): void {
  process.on('disconnect', () => process.exit());
  process.on('message', (message: { id: number; what: string; value: never }) => {
    const { id, what, value } = message;
    void Promise.resolve(answers[what]?.(value)).then(
      (result) => process.send?.({ id, result }),
      (reason: unknown) => process.send?.({ id, failure: String(reason) }),
    );
  });
}

type Collect = (how: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/** Collects what can be collected and gives pages back, as V8 does by itself in a quiet while. */
export async function settleHeap(): Promise<void> {
  const collect = globalThis.gc as unknown as Collect | undefined;
  for (let round = 0; round < 4; round += 1) {
    collect?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A gateway over NATS, assembled as `main` does it. */
export async function runGatewayPart(
  natsUrl: string,
  config: Partial<Config>,
): Promise<{ port: number; life: ServiceLife; service: GatewayService }> {
  const clock = new SystemClock();
  const telemetry = startTelemetry({
    service: 'gateway',
    instance: 'gateway-bench',
    version: '0',
    ...toConfig({}).telemetry,
    logLevel: 'warn',
  });
  const bus: Bus = await connectNats({
    url: natsUrl,
    inboxPrefix: inboxPrefix('gateway'),
    name: 'gateway-bench',
    clock,
    logger: telemetry.logger,
  });
  const service = assembleService({
    config: toConfig({ port: 0, instance: 'gateway-bench', identifyIntervalMs: 0, ...config }),
    bus,
    clock,
    telemetry,
    random: Math.random,
    phase: () => life.phase,
  });
  const life: ServiceLife = new ServiceLife({
    name: 'gateway',
    rooms: service.rooms,
    clock,
    logger: telemetry.logger,
  });
  await life.start();
  return { port: service.http.port, life, service };
}

function askerOf(role: string, child: ChildProcess): Part['ask'] {
  let questionsCount = 0;
  return (what, value) =>
    new Promise((resolve, reject) => {
      const id = (questionsCount += 1);
      const onExit = (): void => reject(new Error(`${role} ended before it answered ${what}`));
      const onMessage = (message: { id: number; result: never; failure?: string }): void => {
        if (message.id !== id) return;
        child.off('message', onMessage);
        child.off('exit', onExit);
        if (message.failure === undefined) resolve(message.result);
        else reject(new Error(`${role}: ${message.failure}`));
      };
      child.on('message', onMessage);
      child.on('exit', onExit);
      child.send({ id, what, value });
    });
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
