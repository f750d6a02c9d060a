// The command line of the fleet tool. Pure: words in, a command or a complaint out.

import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

import type { AppName } from '@guildhall/contracts';

import { APP_NAMES, INSTANCES_DEFAULT } from './apps.js';

const INSTANCES_MAX = 64;
const PORT_MAX = 65_535;
const COMMANDS = ['start', 'status', 'stop', 'help'] as const;

export type Command = (typeof COMMANDS)[number];

/** What was asked for, checked and complete. */
export interface Request {
  readonly command: Command;
  readonly dataDir: string;
  readonly instances: Record<AppName, number>;
  /** `undefined`: the usual one when it is free, else any. */
  readonly apiPort: number | undefined;
  readonly gatewayPort: number | undefined;
  readonly clean: boolean;
  readonly seed: boolean;
}

/** The words make no sense; the message says which, and may be shown as it is. */
export class UsageError extends Error {}

const usual = INSTANCES_DEFAULT;

export const USAGE = `Usage: npm start -- [options]          start a fleet; Ctrl-C drains it
       npm run fleet -- status [--data DIR]
       npm run fleet -- stop [--data DIR]

  --gateway N          processes of each app (${usual.gateway})
  --guilds N           (${usual.guilds})
  --api N              (${usual.api})
  --presence N         (${usual.presence})
  --read-states N      (${usual['read-states']})
  --api-port PORT      port of the HTTP API; by default 4000 when it is free
  --gateway-port PORT  port of the first gateway; by default 4100 when it is free
  --data DIR           what is kept; by default .guildhall
  --clean              delete what is kept first
  --no-seed            no demo guild
  --help

Environment: NATS_URL and DATABASE_URL name servers to use instead of starting them; LOG_LEVEL,
OTEL_EXPORTER_OTLP_ENDPOINT and GUILDHALL_TRACE_RATIO are passed on to every app.
`;

/** Reads the words after the program's name. Throws a {@link UsageError}. */
export function parseArguments(words: readonly string[], root: string): Request {
  const { values, positionals } = parse(words);
  const [command = 'start', ...rest] = positionals;
  if (!isCommand(command)) {
    throw new UsageError(`there is no command ${command}; there are ${COMMANDS.join(', ')}`);
  }
  if (rest.length > 0) throw new UsageError(`what is ${rest.join(' ')}?`);
  const instances = { ...INSTANCES_DEFAULT };
  for (const app of APP_NAMES) {
    const text = values[app];
    if (text !== undefined) instances[app] = wholeNumber(`--${app}`, text, 1, INSTANCES_MAX);
  }
  const port = (name: 'api-port' | 'gateway-port'): number | undefined => {
    const text = values[name];
    return text === undefined ? undefined : wholeNumber(`--${name}`, text, 1, PORT_MAX);
  };
  return {
    command: values.help === true ? 'help' : command,
    dataDir: resolve(root, values.data ?? '.guildhall'),
    instances,
    apiPort: port('api-port'),
    gatewayPort: port('gateway-port'),
    clean: values.clean === true,
    seed: values['no-seed'] !== true,
  };
}

function parse(words: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        gateway: text,
        guilds: text,
        api: text,
        presence: text,
        'read-states': text,
        'api-port': text,
        'gateway-port': text,
        data: text,
        clean: flag,
        'no-seed': flag,
        help: { ...flag, short: 'h' },
      },
    });
  } catch (error) {
    // Its first sentence names the option; what follows is about positionals and only confuses.
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(message.split('. ')[0]!);
  }
}

function isCommand(word: string): word is Command {
  return (COMMANDS as readonly string[]).includes(word);
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${option} is a whole number from ${min} to ${max}, not ${text}`);
}
