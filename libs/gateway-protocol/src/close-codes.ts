/**
 * The WebSocket close codes of the gateway, and what each one makes a client do.
 *
 * A close code is a command to a library we did not write: one number stops a bot for good, another
 * makes it resume within tens of milliseconds. So the behaviour is written down beside the number.
 * https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway
 */
export const CloseCode = {
  /** Something went wrong here; also what a drain uses, since every library resumes after it. */
  UnknownError: 4000,
  UnknownOpcode: 4001,
  DecodeError: 4002,
  NotAuthenticated: 4003,
  AuthenticationFailed: 4004,
  AlreadyAuthenticated: 4005,
  InvalidSequence: 4007,
  RateLimited: 4008,
  SessionTimedOut: 4009,
  InvalidShard: 4010,
  ShardingRequired: 4011,
  InvalidApiVersion: 4012,
  InvalidIntents: 4013,
  DisallowedIntents: 4014,
  /** User clients only. */
  TooManySessions: 4015,
} as const;
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

/** What a close code means, and what the client that receives it may do next. */
export interface CloseBehaviour {
  /** The reason text sent with the close frame; at most 123 bytes, as WebSocket demands. */
  readonly meaning: string;
  /** The session survives: a RESUME will be honoured. Never true when `mayReconnect` is false. */
  readonly mayResume: boolean;
  /** A new connection is welcome. When false, libraries stop for good and tell their owner. */
  readonly mayReconnect: boolean;
}

const resumable = (meaning: string): CloseBehaviour =>
  Object.freeze({ meaning, mayResume: true, mayReconnect: true });
const freshOnly = (meaning: string): CloseBehaviour =>
  Object.freeze({ meaning, mayResume: false, mayReconnect: true });
const final = (meaning: string): CloseBehaviour =>
  Object.freeze({ meaning, mayResume: false, mayReconnect: false });

/** The behaviour of every close code the gateway may send. */
export const CLOSE_BEHAVIOURS: Readonly<Record<CloseCode, CloseBehaviour>> = Object.freeze({
  [CloseCode.UnknownError]: resumable('Unknown error. Try reconnecting.'),
  [CloseCode.UnknownOpcode]: resumable('Unknown opcode, or a payload it does not take.'),
  [CloseCode.DecodeError]: resumable('The payload could not be decoded or was too large.'),
  [CloseCode.NotAuthenticated]: freshOnly('Not authenticated, or the session is no longer valid.'),
  [CloseCode.AuthenticationFailed]: final('The token sent with identify is not valid.'),
  [CloseCode.AlreadyAuthenticated]: resumable('Already authenticated: identify was sent twice.'),
  [CloseCode.InvalidSequence]: freshOnly('The sequence sent with resume is not valid.'),
  [CloseCode.RateLimited]: resumable('Too many payloads were sent too quickly.'),
  [CloseCode.SessionTimedOut]: freshOnly('The session timed out. Start a new one.'),
  [CloseCode.InvalidShard]: final('The shard sent with identify is not valid.'),
  [CloseCode.ShardingRequired]: final('Too many guilds for one connection: shard it.'),
  [CloseCode.InvalidApiVersion]: final('The gateway version is not supported.'),
  [CloseCode.InvalidIntents]: final('The intents sent with identify are not valid.'),
  [CloseCode.DisallowedIntents]: final(
    'An intent was sent that is not granted to the application.',
  ),
  [CloseCode.TooManySessions]: final('Too many sessions of this user are open.'),
});

/**
 * The behaviour behind any close code a client may see, also those that are not ours (1001, 1006
 * when a process died): whatever is not known leaves the session alive, which is what libraries
 * assume.
 */
export function closeBehaviour(code: number): CloseBehaviour {
  return (CLOSE_BEHAVIOURS as Readonly<Record<number, CloseBehaviour>>)[code] ?? CONNECTION_LOST;
}

/**
 * Whether a client that closes with this code says goodbye. 1000 and 1001 end the session and show
 * the user offline; every other code, and a connection that just drops (1005, 1006), leaves it
 * resumable.
 */
export function doesClientCloseEndSession(code: number): boolean {
  return code === 1000 || code === 1001;
}

const CONNECTION_LOST = resumable('The connection was lost.');
