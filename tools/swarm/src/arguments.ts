// The command line of the swarm. Pure: words in, a request or a complaint out.

import { parseArgs } from 'node:util';

/** The words make no sense; the message says which, and may be shown as it is. */
export class UsageError extends Error {}

/** What was asked for. */
export interface Request {
  readonly isHelp: boolean;
  /** A name in `scenarios/`, or the path of a file. */
  readonly scenario: string;
  readonly seed: number | undefined;
  readonly durationS: number | undefined;
  /** Where the JSON report goes; undefined: nowhere. */
  readonly jsonFile: string | undefined;
  /** Whether the apps of a fleet of its own are bundled first. */
  readonly build: boolean;
  /** A fleet that runs already. */
  readonly running:
    | {
        readonly gateways: readonly string[];
        readonly api: string;
        readonly natsUrl: string | undefined;
        /** The data folder it was started with, to find its processes. */
        readonly dataDir: string | undefined;
      }
    | undefined;
}

export const USAGE = `Usage: npm run swarm -- <scenario> [options]

  <scenario>       a name below, or the path of a JSON file
  --seed N         draw everything from this seed instead of the scenario's
  --duration S     seconds of traffic instead of the scenario's
  --json FILE      write the report there as JSON
  --no-build       start the apps as they were last bundled

It starts a fleet of its own, unless told of one that runs:

  --url WS         ws://host:port of its gateway, or of several with commas between
  --api HTTP       its HTTP API, up to and including /api
  --nats URL       its NATS with the rights of an operator; without it, everything goes over HTTP
  --data DIR       its data folder, to read CPU and memory of its processes

  --help

Ctrl-C ends the traffic and reports on what there was; a second one ends everything at once.
The exit code is 0 when nothing was lost, repeated, reordered or shown to the wrong session.
`;

const SEED_MAX = 2 ** 32 - 1;
const DURATION_S_MAX = 3_600;

/** Reads the words after the program's name. Throws a {@link UsageError}. */
export function parseArguments(words: readonly string[]): Request {
  const { values, positionals } = parse(words);
  const [scenario, ...rest] = positionals;
  const isHelp = values.help === true;
  if (rest.length > 0) throw new UsageError(`what is ${rest.join(' ')}?`);
  if (scenario === undefined && !isHelp) throw new UsageError('which scenario?');
  const { url, api, nats, data } = values;
  if ((url === undefined) !== (api === undefined)) {
    throw new UsageError('--url and --api go together: one fleet, both its doors');
  }
  if (url === undefined && (nats ?? data) !== undefined) {
    throw new UsageError('--nats and --data are about a fleet that --url and --api name');
  }
  return {
    isHelp,
    scenario: scenario ?? '',
    seed: wholeNumber('--seed', values.seed, 0, SEED_MAX),
    durationS: wholeNumber('--duration', values.duration, 1, DURATION_S_MAX),
    jsonFile: values.json,
    build: values['no-build'] !== true,
    running:
      url === undefined || api === undefined
        ? undefined
        : {
            gateways: url.split(',').map((text) => checkedUrl('--url', text, 'ws:')),
            api: checkedUrl('--api', api, 'http:'),
            natsUrl: nats === undefined ? undefined : checkedUrl('--nats', nats, 'nats:'),
            dataDir: data,
          },
  };
}

function parse(words: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        seed: text,
        duration: text,
        json: text,
        url: text,
        api: text,
        nats: text,
        data: text,
        'no-build': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    // Its first sentence names the option; what follows is about positionals and only confuses.
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(message.split('. ')[0]!);
  }
}

function checkedUrl(option: string, text: string, protocol: string): string {
  if (!URL.canParse(text) || new URL(text).protocol !== protocol) {
    throw new UsageError(`${option} is an address that begins with ${protocol}//, not ${text}`);
  }
  return text.replace(/\/$/, '');
}

function wholeNumber(
  option: string,
  text: string | undefined,
  min: number,
  max: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${option} is a whole number from ${min} to ${max}, not ${text}`);
}
