/**
 * Invite codes name their guild: 11 characters of base 62 for the guild's id, then 5 of chance.
 * Whoever gets a code knows which owner to ask; no table from codes to guilds is needed, and none
 * can disagree.
 */
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID_LENGTH = 11;
const CHANCE_LENGTH = 5;

/** A new code for a guild. `random` gives numbers in [0, 1). */
export function inviteCode(guildId: bigint, random: () => number): string {
  let id = '';
  for (let rest = guildId; id.length < ID_LENGTH; rest /= 62n)
    id = ALPHABET[Number(rest % 62n)]! + id;
  let chance = '';
  while (chance.length < CHANCE_LENGTH) chance += ALPHABET[Math.floor(random() * 62)]!;
  return id + chance;
}

/** The guild a code names, or undefined if it is no code of ours. */
export function inviteTopic(code: string): bigint | undefined {
  if (code.length !== ID_LENGTH + CHANCE_LENGTH) return undefined;
  let id = 0n;
  for (let at = 0; at < ID_LENGTH; at++) {
    const digit = ALPHABET.indexOf(code[at]!);
    if (digit < 0) return undefined;
    id = id * 62n + BigInt(digit);
  }
  return id < 1n << 64n ? id : undefined;
}
