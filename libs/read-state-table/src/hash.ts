/**
 * Hot path. 64 bits, as two halves, and a seed to 32 bits that look like chance in every position.
 * With a secret seed nobody can choose ids that collide.
 */
export function hash64(hi: number, lo: number, seed: number): number {
  let hash = Math.imul(lo ^ seed, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15) ^ hi, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13) ^ (hi << 16), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
