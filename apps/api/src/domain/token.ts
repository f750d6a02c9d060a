// Tokens look like Discord's, since libraries read the id out of them:
//
//   MTE0...NzI  .  Zx3f2A  .  q2n...      each base64url: the user's id in decimal, the second it
//                                         was made, 32 random bytes
//
// Only the last part is a secret, and it is 256 bits of chance: nothing to guess, no dictionary to
// try. So one round of SHA-256 is the right way to keep it; slow, salted hashes are for what people
// think up.
import { createHash } from 'node:crypto';
import { parseSnowflake, type Snowflake } from '@guildhall/snowflake';

/** How many random bytes a token's secret needs. */
export const TOKEN_SECRET_BYTES = 32;
const TOKEN_LENGTH_MAX = 120;
const TOKEN = /^([\w-]{2,28})\.([\w-]{6})\.([\w-]{43})$/;

/** What a token says before anybody looked whether it is true. */
export interface TokenParts {
  readonly userId: Snowflake;
  /** SHA-256 of the secret: what is stored, and looked for. */
  readonly hash: Uint8Array;
}

/** A new token; shown once and never stored. */
export function makeToken(userId: Snowflake, nowMs: number, secret: Uint8Array): string {
  const seconds = Buffer.alloc(4);
  seconds.writeUInt32BE(Math.floor(nowMs / 1000) >>> 0);
  const parts = [Buffer.from(String(userId)), seconds, Buffer.from(secret)];
  return parts.map((part) => part.toString('base64url')).join('.');
}

/** The parts of a token, or undefined if it cannot be one of ours. */
export function parseToken(token: string): TokenParts | undefined {
  if (token.length > TOKEN_LENGTH_MAX) return undefined;
  const match = TOKEN.exec(token);
  if (match === null) return undefined;
  const userId = parseSnowflake(Buffer.from(match[1]!, 'base64url').toString('latin1'));
  if (userId === undefined || userId >= 2n ** 63n) return undefined;
  const secret = Buffer.from(match[3]!, 'base64url');
  return { userId, hash: createHash('sha256').update(secret).digest() };
}
