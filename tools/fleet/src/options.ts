import type { AppName } from '@guildhall/contracts';

/** Variables for the environment of a process, by name. */
export type Env = Readonly<Record<string, string>>;

export interface FleetOptions {
  /** Everything the fleet keeps: databases, streams, files, logs, secrets. Made when missing. */
  readonly dataDir: string;
  /** Processes of each app; what is absent is as in `INSTANCES_DEFAULT`. */
  readonly instances?: Partial<Record<AppName, number>>;
  /** Port of `api-1`; more of them take free ports from the next on. Default: any free port. */
  readonly apiPort?: number;
  /** Port of `gateway-1`, as above. */
  readonly gatewayPort?: number;
  /** Added to the environment of every app. */
  readonly env?: Env;
  /** Added to the environment of one app; wins over `env`. */
  readonly appEnv?: Partial<Record<AppName, Env>>;
  /** A server to use instead of starting one. */
  readonly natsUrl?: string;
  /** A server to use instead of starting one; every app gets this URL. */
  readonly databaseUrl?: string;
  /** Bundle the apps first (quick, and nothing is written when nothing changed). Default true. */
  readonly build?: boolean;
  /** Make the demo guild on the first start. Default true. */
  readonly seed?: boolean;
  /** Delete `dataDir` first. Default false. */
  readonly clean?: boolean;
  /** Whether PostgreSQL has a commit on disk when it answers. Default true. */
  readonly durable?: boolean;
  /** How long one process may take until `/health/ready` answers. Default 60 s. */
  readonly readyTimeoutMs?: number;
  /** Told what happens, from the first step to the last. */
  readonly onEvent?: (event: FleetEvent) => void;
  /** Aborting it while the fleet starts stops what has been started, and the start rejects. */
  readonly signal?: AbortSignal;
}

/** What the fleet reports while it lives. */
export type FleetEvent =
  /** A step of the start is done. */
  | { readonly kind: 'step'; readonly text: string; readonly tookMs: number }
  /** A process answers. */
  | { readonly kind: 'ready'; readonly name: string; readonly pid: number; readonly tookMs: number }
  /** A process ended though nobody asked it to; it is started again in `backoffMs`. */
  | {
      readonly kind: 'crashed';
      readonly name: string;
      readonly reason: string;
      readonly backoffMs: number;
      readonly lines: readonly string[];
    }
  /** A process crashed too often in a row and stays down. */
  | { readonly kind: 'gave up'; readonly name: string; readonly crashes: number }
  /** A process ended because it was asked to. */
  | {
      readonly kind: 'stopped';
      readonly name: string;
      readonly reason: string;
      readonly tookMs: number;
    };
