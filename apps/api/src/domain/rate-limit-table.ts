// How often each route may be asked, in one place. Discord publishes none of these numbers and may
// change them at any time; these are what its clients have met. Windows are short where people wait
// for an answer and long where a request is costly or an attack.
import { createHash } from 'node:crypto';
import type { RateLimit } from './rate-limits.js';

const per = (limit: number, windowMs: number): RateLimit => ({ limit, windowMs });

/** Routes with one name share a count, such as adding and removing reactions. */
const NAMED: Readonly<Record<string, string>> = {
  'PUT /channels/:channel_id/messages/:message_id/reactions/:emoji/@me': 'reactions',
  'DELETE /channels/:channel_id/messages/:message_id/reactions/:emoji/@me': 'reactions',
  'DELETE /channels/:channel_id/messages/:message_id/reactions/:emoji/:user_id': 'reactions',
};

const TABLE: Readonly<Record<string, RateLimit>> = {
  reactions: per(1, 250),
  'POST /channels/:channel_id/messages': per(5, 5_000),
  'PATCH /channels/:channel_id/messages/:message_id': per(5, 5_000),
  'DELETE /channels/:channel_id/messages/:message_id': per(5, 1_000),
  'POST /channels/:channel_id/messages/bulk-delete': per(1, 1_000),
  'GET /channels/:channel_id/messages': per(5, 1_000),
  'GET /channels/:channel_id/messages/:message_id': per(30, 5_000),
  'POST /channels/:channel_id/messages/:message_id/crosspost': per(10, 3_600_000),
  'POST /channels/:channel_id/typing': per(5, 5_000),
  'PATCH /channels/:channel_id': per(5, 15_000),
  'POST /channels/:channel_id/invites': per(5, 15_000),
  'POST /guilds': per(10, 60_000),
  'POST /guilds/:guild_id/channels': per(20, 10_000),
  'POST /guilds/:guild_id/roles': per(20, 10_000),
  'GET /guilds/:guild_id/members': per(10, 10_000),
  'GET /guilds/:guild_id/members/search': per(10, 10_000),
  'PATCH /guilds/:guild_id/members/:user_id': per(10, 10_000),
  'PUT /guilds/:guild_id/members/:user_id/roles/:role_id': per(10, 10_000),
  'DELETE /guilds/:guild_id/members/:user_id/roles/:role_id': per(10, 10_000),
  'POST /invites/:code': per(10, 10_000),
  'PATCH /users/@me': per(10, 60_000),
  'GET /users/:user_id': per(30, 30_000),
  'POST /users/@me/channels': per(10, 10_000),
  'GET /users/@me/guilds': per(5, 5_000),
  'GET /gateway/bot': per(2, 5_000),
  'POST /auth/register': per(5, 60_000),
  'POST /auth/login': per(10, 60_000),
  'POST /applications': per(5, 60_000),
  'POST /applications/:application_id/bot/reset': per(3, 60_000),
  'PUT /applications/:application_id/commands': per(5, 20_000),
  'PUT /applications/:application_id/guilds/:guild_id/commands': per(5, 20_000),
  'POST /interactions': per(20, 5_000),
  'POST /interactions/:interaction_id/:interaction_token/callback': per(5, 2_000),
  'POST /webhooks/:application_id/:interaction_token': per(5, 2_000),
  'GET /channels/:channel_id/application-command-index': per(5, 5_000),
  'GET /guilds/:guild_id/application-command-index': per(5, 5_000),
  'POST /read-states/ack-bulk': per(10, 10_000),
};

const READING = per(20, 1_000);
const WRITING = per(10, 5_000);
const ACKING = per(30, 5_000);

/** The count of one route: what `X-RateLimit-Bucket` names, and how much it holds. */
export interface RateBucket {
  /** Opaque to clients; the same for every top-level id. */
  readonly hash: string;
  readonly rate: RateLimit;
}

/**
 * The bucket of a route by its pattern. `factor` multiplies how many requests it takes; whatever it
 * is, one request is always allowed.
 */
export function rateBucketOf(method: string, pattern: string, factor: number): RateBucket {
  const route = `${method} ${pattern}`;
  const name = NAMED[route] ?? route;
  const base = TABLE[name] ?? (pattern.endsWith('/ack') ? ACKING : defaultOf(method));
  return {
    hash: createHash('sha256').update(name).digest('hex').slice(0, 32),
    rate: { limit: Math.max(1, Math.round(base.limit * factor)), windowMs: base.windowMs },
  };
}

function defaultOf(method: string): RateLimit {
  return method === 'GET' || method === 'HEAD' ? READING : WRITING;
}

/** All requests of one bot or person, or of one address when nobody is signed in. */
export function globalRate(factor: number): RateLimit {
  return per(Math.max(1, Math.round(50 * factor)), 1_000);
}

/** All answers to interactions from one address. */
export function answersRate(factor: number): RateLimit {
  return per(Math.max(1, Math.round(1_000 * factor)), 1_000);
}

/** Answers 401, 403 and 429 to one address in ten minutes: beyond this it hears nothing but 429. */
export function invalidRequests(max: number): RateLimit {
  return per(max, 600_000);
}
