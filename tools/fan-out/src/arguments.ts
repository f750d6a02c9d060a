// The command line of the bench. Pure: words in, a request or a complaint out.
import { parseArgs } from 'node:util';

/** What can be measured. `guildhall` stands for all its lanes. */
export const SUBJECTS = ['floor', 'ws', 'socket.io', 'nats', 'guildhall'] as const;
export type Subject = (typeof SUBJECTS)[number];

/** Numbers of sessions that are measured unless told; the last is spread over two gateways. */
export const SESSIONS_DEFAULT = [100, 1_000, 10_000, 18_000] as const;
/** More than this at Guildhall, and the rest is on a second gateway. */
export const SESSIONS_PER_GATEWAY_MAX = 10_000;
const SESSIONS_MAX = 28_000;
/** More than this, and each compression is measured by itself, with all sessions of one kind. */
export const SESSIONS_AT_ONCE_MAX = 3_000;

/** What was asked for, checked and complete. */
export interface Request {
  readonly isHelp: boolean;
  readonly subjects: ReadonlySet<Subject>;
  readonly sessions: readonly number[];
  readonly roundsCount: number;
  readonly payloadBytes: number;
  readonly sessionsPerBot: number;
  /** Compressed sessions are measured up to this many; 0: never. */
  readonly compressedMax: number;
  readonly latencySeconds: number;
  readonly isProfiled: boolean;
  /** Absent: the usual place. */
  readonly jsonFile: string | undefined;
}

/** The words make no sense; the message says which, and may be shown as it is. */
export class UsageError extends Error {}

export const USAGE = `Usage: npm run bench -- fan-out fan-out [options]

CPU time from the operating system for each delivery of an event to one of many WebSockets:
Guildhall's gateway in a whole fleet, beside a loop of send() in C, ws, Socket.IO and the listener of
nats-server; latency to the last recipient; memory of idle sessions. About twenty minutes, most of
them for compression at 10,000 sessions and more.

  --only LIST            of ${SUBJECTS.join(', ')} (all)
  --sessions LIST        (${SESSIONS_DEFAULT.join(',')}; up to ${SESSIONS_MAX})
  --rounds N             windows measured of each target and pace (4)
  --bytes N              payload of an event, 64 to 8192 (300); Guildhall's own is from 210 to 302
  --sessions-per-bot N   how many sessions each bot of Guildhall's has (50)
  --compressed-max N     most sessions that are measured with compression; 0: none (100000)
  --latency SECONDS      of 5 posts a second at 10,000 sessions; 0: none (20)
  --profile              sample the gateway while it is measured (its figures are then too high)
  --json FILE            where the figures go (tools/fan-out/dist/fan-out.json)
  --help
`;

/** Reads the words after the program's name. Throws a {@link UsageError}. */
export function parseArguments(words: readonly string[]): Request {
  const values = parse(words);
  const subjects = new Set(list(values.only ?? SUBJECTS.join(',')).map(toSubject));
  const sessions = list(values.sessions ?? SESSIONS_DEFAULT.join(','))
    .map((text) => wholeNumber('--sessions', text, 1, SESSIONS_MAX))
    .sort((a, b) => a - b);
  return {
    isHelp: values.help === true,
    subjects,
    sessions,
    roundsCount: wholeNumber('--rounds', values.rounds ?? '4', 1, 100),
    payloadBytes: wholeNumber('--bytes', values.bytes ?? '300', 64, 8192),
    sessionsPerBot: wholeNumber('--sessions-per-bot', values['sessions-per-bot'] ?? '50', 1, 900),
    compressedMax: wholeNumber('--compressed-max', values['compressed-max'] ?? '100000', 0, 1e5),
    latencySeconds: wholeNumber('--latency', values.latency ?? '20', 0, 600),
    isProfiled: values.profile === true,
    jsonFile: values.json,
  };
}

function parse(words: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...words],
      options: {
        only: text,
        sessions: text,
        rounds: text,
        bytes: text,
        'sessions-per-bot': text,
        'compressed-max': text,
        latency: text,
        json: text,
        profile: flag,
        help: { ...flag, short: 'h' },
      },
    }).values;
  } catch (error) {
    // Its first sentence names the option; what follows is about positionals and only confuses.
    throw new UsageError((error instanceof Error ? error.message : String(error)).split('. ')[0]!);
  }
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function toSubject(text: string): Subject {
  const found = SUBJECTS.find((subject) => subject === text);
  if (found !== undefined) return found;
  throw new UsageError(`there is no ${text} to measure; there are ${SUBJECTS.join(', ')}`);
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${option} is a whole number from ${min} to ${max}, not ${text}`);
}
