// Which processes a fleet consists of, and what each is told. Pure but for the ports.

import { join } from 'node:path';

import type { AppName } from '@guildhall/contracts';

import { STORING_APPS } from './apps.js';
import type { Env } from './options.js';

/** One process of one app. */
export interface InstancePlan {
  /** `gateway-1`: unique in the fleet. */
  readonly name: string;
  readonly app: AppName;
  readonly port: number;
}

/** What all processes of a fleet share. */
export interface Surroundings {
  readonly dataDir: string;
  readonly natsUrlFor: (app: AppName) => string;
  readonly databaseUrlFor: (app: AppName) => string;
  /** `http://host:port` of the first api. */
  readonly publicUrl: string;
  /** `ws://host:port` of the first gateway. */
  readonly gatewayUrl: string;
  /** The environment processes start from. */
  readonly base: NodeJS.ProcessEnv;
  readonly env: Env;
  readonly appEnv: Partial<Record<AppName, Env>>;
}

/** Variables of ours, or of whoever started us, that must not reach an app. */
const OURS_ALONE = /^(npm_.*|JEST_.*|NATS_URL|DATABASE_URL|HOST|PORT|INSTANCE|NX_.*)$/i;

/** The environment of one process: the contract every app's README documents. */
export function environmentOf(instance: InstancePlan, around: Surroundings): NodeJS.ProcessEnv {
  const { app, name, port } = instance;
  const inherited = Object.entries(around.base).filter(([key]) => !OURS_ALONE.test(key));
  const storing: readonly AppName[] = STORING_APPS;
  return {
    ...Object.fromEntries(inherited),
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    INSTANCE: name,
    NATS_URL: around.natsUrlFor(app),
    ...(storing.includes(app) ? { DATABASE_URL: around.databaseUrlFor(app) } : {}),
    ...(app === 'api'
      ? {
          GUILDHALL_GATEWAY_URL: around.gatewayUrl,
          GUILDHALL_PUBLIC_URL: around.publicUrl,
          GUILDHALL_FILES_DIR: join(around.dataDir, 'files'),
        }
      : {}),
    // Where a session resumes: at the instance it was on, for as long as that lives.
    ...(app === 'gateway' ? { GUILDHALL_GATEWAY_URL: `ws://127.0.0.1:${port}` } : {}),
    ...around.env,
    ...around.appEnv[app],
  };
}

/** Where an instance says whether it is ready. */
export function healthUrl(instance: InstancePlan): string {
  return `http://127.0.0.1:${instance.port}/health/ready`;
}
