// A whole fleet on one machine: the two servers, every app, one life.
//
//   start:  PostgreSQL, NATS  ──►  all apps at once, each until /health/ready  ──►  demo guild
//   stop:   gateway, api  ──►  guilds, presence, read-states  ──►  NATS, PostgreSQL
//
// The edge goes first: while it drains, it still has questions for the others.

import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import type { AppName } from '@guildhall/contracts';
import { removePostgres, startProcess, workspaceRoot } from '@guildhall/testkit';

import { APP_NAMES, EDGE_APPS, INSTANCES_DEFAULT } from './apps.js';
import { buildApps, bundleOf } from './build.js';
import { lockData } from './data-lock.js';
import { removeFleetFile, writeFleetFile } from './fleet-file.js';
import type { Env, FleetEvent, FleetOptions } from './options.js';
import { environmentOf, healthUrl } from './plan.js';
import type { InstancePlan } from './plan.js';
import { Ports } from './ports.js';
import { makeSeedSecrets, seedDemo } from './seed.js';
import type { SeedResult } from './seed.js';
import { natsServer, OPERATOR, postgresServer } from './servers.js';
import type { Server } from './servers.js';
import { readState, writeState } from './state.js';
import type { FleetState } from './state.js';
import { Supervised } from './supervised.js';
import type { Phase } from './supervised.js';

/** An app has this long to drain before it is killed. */
const DRAIN_TIMEOUT_MS = 15_000;
const READY_TIMEOUT_MS = 60_000;

/** One process of a fleet, as it is now. */
export interface InstanceInfo {
  readonly name: string;
  readonly app: AppName;
  readonly port: number;
  /** `http://127.0.0.1:port`. */
  readonly url: string;
  /** The URL that answers 200 when it is ready. */
  readonly health: string;
  readonly phase: Phase;
  /** Absent while it is not running. */
  readonly pid: number | undefined;
}

/** A running fleet. Names are those of instances (`gateway-1`), `nats` and `postgres`. */
export interface Fleet {
  /** The HTTP API of `api-1`, up to and including `/api`. */
  readonly api: string;
  /** `ws://host:port` of `gateway-1`. */
  readonly gateway: string;
  readonly dataDir: string;
  /** The demo guild; absent without `seed`. */
  readonly seed: SeedResult | undefined;
  /** Every app process, also those that are down. */
  instances(): readonly InstanceInfo[];
  /** A NATS URL with the rights of an app, or (default) with all rights. */
  natsUrl(user?: AppName | typeof OPERATOR): string;
  /** The PostgreSQL URL of an app that stores something. */
  databaseUrl(app: AppName): string;
  /** SIGKILL; it stays down until {@link restart}. Resolves when it is gone. */
  kill(name: string): Promise<void>;
  /** SIGKILL; the supervisor starts it again. Resolves when it is gone. */
  crash(name: string): Promise<void>;
  /** SIGTERM, and waits for it to drain (at most 15 s); it stays down until {@link restart}. */
  drain(name: string): Promise<void>;
  /** Drains it if it runs, and starts it again on the same port; `env` is added to its own. */
  restart(name: string, env?: Env): Promise<void>;
  /** One more process of an app. Resolves with its name when it is ready. */
  add(app: AppName, env?: Env): Promise<string>;
  /** SIGKILL for every app at once, and for the servers too when `servers`. They stay down. */
  killAll(options?: { readonly servers?: boolean }): Promise<void>;
  /** The last lines of output of a process. */
  logs(name: string): readonly string[];
  /**
   * Ends everything, in order, or at once when `now`. May be called again, also meanwhile: a
   * second call with `now` overtakes the first.
   */
  stop(options?: { readonly now?: boolean }): Promise<void>;
}

/**
 * Starts a fleet and resolves when every process is ready and the demo guild (if wanted) exists.
 * When that fails, or `options.signal` aborts, everything is stopped and it rejects with the
 * reason and the last output of the process concerned.
 */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const fleet = new LocalFleet(options);
  const onAbort = (): void => void fleet.stop({ now: true });
  options.signal?.throwIfAborted();
  options.signal?.addEventListener('abort', onAbort);
  try {
    await fleet.start();
  } catch (error) {
    await fleet.stop({ now: true });
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
  }
  return fleet;
}

interface Member {
  readonly plan: InstancePlan;
  readonly supervised: Supervised;
  /** Added by a restart. */
  extraEnv: Env;
}

class LocalFleet implements Fleet {
  readonly dataDir: string;
  readonly #options: FleetOptions;
  readonly #root = workspaceRoot();
  readonly #ports = new Ports();
  readonly #members = new Map<string, Member>();
  #state: FleetState = { secrets: {} };
  #nats: Server | undefined;
  #postgres: Server | undefined;
  #unlock: (() => void) | undefined;
  #isReady = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.dataDir = options.dataDir;
  }

  get api(): string {
    return `http://127.0.0.1:${this.#member('api-1').plan.port}/api`;
  }

  get gateway(): string {
    return `ws://127.0.0.1:${this.#member('gateway-1').plan.port}`;
  }

  get seed(): SeedResult | undefined {
    return this.#state.seed;
  }

  async start(): Promise<void> {
    const { clean, build = true, seed = true } = this.#options;
    this.#openData(clean === true);
    const chosen = { ...this.#options, onEvent: this.#onEvent };
    this.#postgres = await postgresServer(chosen, this.#state, this.#ports);
    this.#nats = await natsServer(chosen, this.#state, this.#ports);
    await this.#plan();
    if (seed) makeSeedSecrets(this.#state);
    writeState(this.dataDir, this.#state);
    // The first failure ends the wait; what the others still start, `stop` calls off.
    await Promise.all([
      build ? this.#step('bundled the apps', () => buildApps(this.#root, APP_NAMES)) : undefined,
      this.#postgres.supervised?.start(),
      this.#nats.supervised?.start(),
    ]);
    this.#options.signal?.throwIfAborted();
    await Promise.all([...this.#members.values()].map(({ supervised }) => supervised.start()));
    if (seed && this.#state.seed === undefined) {
      await this.#step('made the demo guild', async () => {
        const result = await seedDemo(this.api, this.#state);
        writeState(this.dataDir, { ...this.#state, seed: result });
        this.#state.seed = result;
      });
    }
    this.#isReady = true;
    this.#writeFile();
  }

  instances(): readonly InstanceInfo[] {
    return [...this.#members.values()].map(({ plan, supervised }) => ({
      name: plan.name,
      app: plan.app,
      port: plan.port,
      url: `http://127.0.0.1:${plan.port}`,
      health: healthUrl(plan),
      phase: supervised.phase,
      pid: supervised.pid,
    }));
  }

  natsUrl(user: AppName | typeof OPERATOR = OPERATOR): string {
    return this.#nats!.urlFor(user);
  }

  databaseUrl(app: AppName): string {
    return this.#postgres!.urlFor(app);
  }

  kill(name: string): Promise<void> {
    return this.#supervised(name).kill();
  }

  crash(name: string): Promise<void> {
    return this.#supervised(name).crash();
  }

  drain(name: string): Promise<void> {
    return this.#supervised(name).stop();
  }

  async restart(name: string, env: Env = {}): Promise<void> {
    const supervised = this.#supervised(name);
    await supervised.stop();
    const member = this.#members.get(name);
    if (member !== undefined) member.extraEnv = env;
    await supervised.start();
  }

  async add(app: AppName, env: Env = {}): Promise<string> {
    const taken = [...this.#members.values()].filter(({ plan }) => plan.app === app).length;
    const plan = { name: `${app}-${taken + 1}`, app, port: await this.#ports.any() };
    this.#join(plan, env);
    await this.#member(plan.name).supervised.start();
    return plan.name;
  }

  async killAll(options: { readonly servers?: boolean } = {}): Promise<void> {
    await Promise.all(this.#everything(options.servers === true).map((each) => each.kill()));
  }

  logs(name: string): readonly string[] {
    return this.#supervised(name).lines();
  }

  async stop({ now = false }: { readonly now?: boolean } = {}): Promise<void> {
    this.#isReady = false;
    if (now) {
      await Promise.all(this.#everything(true).map((each) => each.halt()));
    } else {
      const members = [...this.#members.values()];
      const atEdge = (member: Member): boolean => EDGE_APPS.has(member.plan.app);
      await Promise.all(members.filter(atEdge).map(({ supervised }) => supervised.stop()));
      await Promise.all(
        members.filter((member) => !atEdge(member)).map(({ supervised }) => supervised.stop()),
      );
      await this.#nats?.supervised?.stop();
      await this.#postgres?.supervised?.stop();
    }
    if (this.#unlock === undefined) return;
    removeFleetFile(this.dataDir);
    this.#unlock();
    this.#unlock = undefined;
  }

  #openData(clean: boolean): void {
    mkdirSync(this.dataDir, { recursive: true });
    this.#unlock = lockData(this.dataDir);
    if (clean) {
      removePostgres(join(this.dataDir, 'postgres'));
      for (const name of ['nats', 'files', 'logs', 'state.json', 'fleet.json']) {
        rmSync(join(this.dataDir, name), { recursive: true, force: true });
      }
    }
    const logs = join(this.dataDir, 'logs');
    // The logs of the last life are kept, those before it are not: they would grow for ever.
    const previous = join(this.dataDir, 'logs.previous');
    rmSync(previous, { recursive: true, force: true });
    if (existsSync(logs)) renameSync(logs, previous);
    mkdirSync(logs);
    mkdirSync(join(this.dataDir, 'files'), { recursive: true });
    this.#state = readState(this.dataDir);
  }

  async #plan(): Promise<void> {
    const { apiPort, gatewayPort } = this.#options;
    const firstPorts: Partial<Record<AppName, number | undefined>> = {
      api: apiPort,
      gateway: gatewayPort,
    };
    for (const app of APP_NAMES) {
      const count = this.#options.instances?.[app] ?? INSTANCES_DEFAULT[app];
      const first = firstPorts[app];
      for (let index = 0; index < count; index += 1) {
        const port =
          first === undefined
            ? this.#ports.any()
            : index === 0
              ? this.#ports.exactly(first)
              : this.#ports.preferably(first + index);
        this.#join({ name: `${app}-${index + 1}`, app, port: await port }, {});
      }
    }
  }

  #join(plan: InstancePlan, extraEnv: Env): void {
    const supervised = new Supervised({
      name: plan.name,
      stopTimeoutMs: DRAIN_TIMEOUT_MS,
      onEvent: this.#onEvent,
      start: (signal) =>
        startProcess({
          name: plan.name,
          command: process.execPath,
          args: ['--enable-source-maps', bundleOf(this.#root, plan.app)],
          cwd: this.#root,
          env: { ...this.#environment(plan), ...this.#member(plan.name).extraEnv },
          logFile: join(this.dataDir, 'logs', `${plan.name}.log`),
          readyWhen: healthUrl(plan),
          readyTimeoutMs: this.#options.readyTimeoutMs ?? READY_TIMEOUT_MS,
          signal,
        }),
    });
    this.#members.set(plan.name, { plan, supervised, extraEnv });
  }

  #environment(plan: InstancePlan): NodeJS.ProcessEnv {
    return environmentOf(plan, {
      dataDir: this.dataDir,
      natsUrlFor: (app) => this.#nats!.urlFor(app),
      databaseUrlFor: (app) => this.#postgres!.urlFor(app),
      publicUrl: `http://127.0.0.1:${this.#member('api-1').plan.port}`,
      gatewayUrl: this.gateway,
      base: process.env,
      env: this.#options.env ?? {},
      appEnv: this.#options.appEnv ?? {},
    });
  }

  #member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`the fleet has no ${name}`);
    return member;
  }

  #supervised(name: string): Supervised {
    const servers = { nats: this.#nats, postgres: this.#postgres };
    const server = Object.hasOwn(servers, name) ? servers[name as keyof typeof servers] : undefined;
    return server?.supervised ?? this.#member(name).supervised;
  }

  #everything(withServers: boolean): Supervised[] {
    const servers = withServers ? [this.#nats?.supervised, this.#postgres?.supervised] : [];
    const members = [...this.#members.values()].map(({ supervised }) => supervised);
    return [...members, ...servers.filter((server) => server !== undefined)];
  }

  async #step(text: string, work: () => Promise<void>): Promise<void> {
    const startedMs = performance.now();
    await work();
    this.#onEvent({ kind: 'step', text, tookMs: performance.now() - startedMs });
  }

  /** Numbers of processes change when they are started again, and `fleet.json` follows. */
  readonly #onEvent = (event: FleetEvent): void => {
    if (this.#isReady) this.#writeFile();
    this.#options.onEvent?.(event);
  };

  #writeFile(): void {
    const services = this.instances().flatMap(({ name, app, pid, health }) =>
      pid === undefined ? [] : [{ name: app, instance: name, pid, health }],
    );
    writeFleetFile(this.dataDir, { api: this.api, gateway: this.gateway, services }, this.seed);
  }
}
