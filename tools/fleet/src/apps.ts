import type { AppName } from '@guildhall/contracts';

/** The apps of a fleet, in the order they are started: those others ask come first. */
export const APP_NAMES = [
  'guilds',
  'presence',
  'read-states',
  'gateway',
  'api',
] as const satisfies readonly AppName[];

/** The apps clients connect to: drained first, while the others still answer them. */
export const EDGE_APPS: ReadonlySet<AppName> = new Set<AppName>(['gateway', 'api']);

/** The apps that keep tables of their own. */
export const STORING_APPS = ['api', 'guilds', 'read-states'] as const satisfies readonly AppName[];

/** How many processes of each app there are when nothing else is asked for. */
export const INSTANCES_DEFAULT: Readonly<Record<AppName, number>> = {
  gateway: 2,
  guilds: 2,
  api: 1,
  presence: 1,
  'read-states': 1,
};

/** The schema an app owns: its name as an SQL identifier that needs no quotes. */
export function schemaOf(app: AppName): string {
  return app.replaceAll('-', '_');
}
