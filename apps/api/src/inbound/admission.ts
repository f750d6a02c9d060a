// Who may ask, and whether now: before the body of a request is read.
import { createHash } from 'node:crypto';
import { refuse } from '@guildhall/contracts';
import type { Clock } from '@guildhall/clock';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { addressKey } from '../domain/address-key.js';
import type { Identity } from '../domain/ports.js';
import {
  answersRate,
  globalRate,
  invalidRequests,
  type RateBucket,
} from '../domain/rate-limit-table.js';
import { RateLimits, type RateLimit, type RateVerdict } from '../domain/rate-limits.js';
import { faultAnswer, UNAUTHORIZED, type Answer } from './answer.js';
import type { Route } from './route.js';

export interface AdmissionOptions {
  readonly clock: Clock;
  /** Who a token belongs to, or undefined. Rejects with a Fault when nobody can tell just now. */
  authenticate(token: string): Promise<Identity | undefined>;
  readonly rateLimitFactor: number;
  readonly rateLimitKeysMax: number;
  /** Refused requests of one address in ten minutes. */
  readonly invalidRequestsMax: number;
}

/** Let in, or answered at once. */
export type Admitted =
  | { readonly identity: Identity | undefined; readonly refusal?: undefined }
  | { readonly identity?: Identity | undefined; readonly refusal: Answer };

/** Decides for each request whether it is let in. Counts are this process's own. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #buckets: RateLimits;
  readonly #globals: RateLimits;
  readonly #invalid: RateLimits;
  readonly #invalidRate: RateLimit;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    const { clock, rateLimitKeysMax: keysMax } = options;
    this.#buckets = new RateLimits({ clock, keysMax });
    this.#globals = new RateLimits({ clock, keysMax });
    this.#invalid = new RateLimits({ clock, keysMax });
    this.#invalidRate = invalidRequests(options.invalidRequestsMax);
  }

  /** How many windows are held, for metrics. */
  get keysCount(): number {
    return this.#buckets.keysCount + this.#globals.keysCount + this.#invalid.keysCount;
  }

  /** An address that was refused too often in too short a time hears nothing else for a while. */
  isBanned(ip: string): Answer | undefined {
    const verdict = this.#invalid.peek(addressKey(ip), this.#invalidRate);
    return verdict.isAllowed ? undefined : tooMany(verdict, { isGlobal: true });
  }

  /** Counts an answer that says "you should not have asked". */
  countInvalid(ip: string): void {
    this.#invalid.take(addressKey(ip), this.#invalidRate);
  }

  /** Puts the rate limit headers on the reply, whatever the outcome. */
  async admit(
    request: FastifyRequest,
    reply: FastifyReply,
    route: Route,
    bucket: RateBucket,
  ): Promise<Admitted> {
    const identity = route.who === 'anyone' ? undefined : await this.#identify(request);
    if (route.who !== 'anyone' && identity === undefined) return { refusal: UNAUTHORIZED };
    const caller = identity === undefined ? addressKey(request.ip) : String(identity.user.id);
    const token = interactionTokenOf(request);

    const overall = this.#takeOverall(caller, token !== undefined);
    if (!overall.isAllowed) return { refusal: tooMany(overall, { isGlobal: true }) };
    const who = token ?? caller;
    const key = `${bucket.hash}:${topLevelId(request)}:${who}`;
    const verdict = this.#buckets.take(key, bucket.rate);
    this.#describe(reply, verdict, bucket.hash);
    if (!verdict.isAllowed) return { refusal: tooMany(verdict, { isGlobal: false }) };

    if (route.who === 'people' && identity!.user.bot) return refused('BotsCannotUse');
    if (route.who === 'bots' && !identity!.user.bot) return refused('OnlyBotsCanUse');
    return { identity };
  }

  /** Answers to interactions do not count with what a bot asks otherwise, but are bounded too. */
  #takeOverall(caller: string, isAnswer: boolean): RateVerdict {
    const { rateLimitFactor: factor } = this.#options;
    if (isAnswer) return this.#globals.take(`answers:${caller}`, answersRate(factor));
    return this.#globals.take(caller, globalRate(factor));
  }

  async #identify(request: FastifyRequest): Promise<Identity | undefined> {
    const token = tokenOf(request);
    if (token === '') return undefined;
    const identity = await this.#options.authenticate(token);
    const isBot = BOT.test(request.headers.authorization!);
    // A bot says so and a person does not: a token in the other's clothes is no token.
    return identity !== undefined && identity.user.bot === isBot ? identity : undefined;
  }

  #describe(reply: FastifyReply, verdict: RateVerdict, hash: string): void {
    const resetAtMs = this.#options.clock.nowMs() + verdict.resetAfterMs;
    reply.headers({
      'x-ratelimit-limit': String(verdict.limit),
      'x-ratelimit-remaining': String(verdict.remaining),
      'x-ratelimit-reset': (resetAtMs / 1000).toFixed(3),
      'x-ratelimit-reset-after': seconds(verdict.resetAfterMs),
      'x-ratelimit-bucket': hash,
    });
  }
}

const MESSAGE = JSON.stringify('You are being rate limited.');
const AUTHORIZATION_LENGTH_MAX = 256;
const BOT = /^bot /i;
const TOKEN_KEY_LENGTH = 22;

/** The token a request came with, without `Bot `; empty if none. */
export function tokenOf(request: FastifyRequest): string {
  const header = request.headers.authorization;
  if (header === undefined || header.length > AUTHORIZATION_LENGTH_MAX) return '';
  return header.replace(BOT, '').trim();
}

function refused(name: 'BotsCannotUse' | 'OnlyBotsCanUse'): Admitted {
  return { refusal: faultAnswer(refuse(name)) };
}

/**
 * The channel or guild a route is about counts by itself: it is the first parameter of the path.
 */
function topLevelId(request: FastifyRequest): string {
  const { channel_id: channelId, guild_id: guildId } = request.params as Record<string, string>;
  return (channelId ?? guildId ?? '').slice(0, 20);
}

/** Who answers an interaction is known by its token; of that, no more is held than it takes. */
function interactionTokenOf(request: FastifyRequest): string | undefined {
  const { interaction_token: token } = request.params as Record<string, string | undefined>;
  if (token === undefined) return undefined;
  return createHash('sha256').update(token).digest('base64url').slice(0, TOKEN_KEY_LENGTH);
}

function tooMany(verdict: RateVerdict, { isGlobal }: { isGlobal: boolean }): Answer {
  const retryAfter = seconds(verdict.resetAfterMs);
  return {
    status: 429,
    body: `{"message":${MESSAGE},"retry_after":${retryAfter},"global":${isGlobal}}`,
    headers: {
      'retry-after': String(Math.ceil(verdict.resetAfterMs / 1000)),
      'x-ratelimit-scope': isGlobal ? 'global' : 'user',
      ...(isGlobal ? { 'x-ratelimit-global': 'true' } : {}),
    },
  };
}

/** Rounded up, so that whoever waits exactly this long is not early. */
function seconds(ms: number): string {
  return (Math.ceil(ms) / 1000).toFixed(3);
}
