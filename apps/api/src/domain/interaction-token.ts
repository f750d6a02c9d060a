// Tokens of interactions look like Discord's: base64url of `interaction:<id>:<secret>`. Who has one
// answers as the bot, to this one interaction, for a quarter of an hour. The id in it is how an
// interaction is found; what is kept is the hash of the whole.
import { createHash } from 'node:crypto';
import { parseSnowflake, type Snowflake } from '@guildhall/snowflake';

/** How many random bytes the secret needs. */
export const INTERACTION_SECRET_BYTES = 32;
const TOKEN_LENGTH_MAX = 160;
const INNER = /^interaction:(\d{1,20}):[\w-]{43}$/;

/** What a token says before anybody looked whether it is true. */
export interface InteractionTokenParts {
  readonly interactionId: Snowflake;
  /** SHA-256 of the token: what is stored, and looked for. */
  readonly hash: Uint8Array;
}

/** A new token; goes to the bot and is never stored. */
export function makeInteractionToken(interactionId: Snowflake, secret: Uint8Array): string {
  const inner = `interaction:${interactionId}:${Buffer.from(secret).toString('base64url')}`;
  return Buffer.from(inner).toString('base64url');
}

/** The parts of a token, or undefined if it cannot be one of ours. */
export function parseInteractionToken(token: string): InteractionTokenParts | undefined {
  if (token.length > TOKEN_LENGTH_MAX || !/^[\w-]+$/.test(token)) return undefined;
  const match = INNER.exec(Buffer.from(token, 'base64url').toString('latin1'));
  const interactionId = parseSnowflake(match?.[1]);
  if (interactionId === undefined || interactionId >= 2n ** 63n) return undefined;
  return { interactionId, hash: createHash('sha256').update(token).digest() };
}
