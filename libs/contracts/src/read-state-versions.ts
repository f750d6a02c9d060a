// The versions of a user's read states, which count up by one with each change. Whoever knows one
// may be told only what was changed since; but of what was deleted there is nothing left to tell.
// So a deletion begins an epoch: versions of two epochs have a deletion between them, and who knows
// one of an epoch before is told everything.

/** The first version of each epoch is a multiple of it. Epochs also end after so many changes. */
const VERSIONS_PER_EPOCH = 2 ** 20;

/** The version that a deletion makes of one. */
export function versionAfterDeletion(version: number): number {
  return (Math.floor(version / VERSIONS_PER_EPOCH) + 1) * VERSIONS_PER_EPOCH;
}

/** Whether nothing was deleted between a version that somebody says to know and the one of now. */
export function isReadStateVersionKnown(known: number, now: number): boolean {
  if (known <= 0 || known > now) return false;
  return Math.floor(known / VERSIONS_PER_EPOCH) === Math.floor(now / VERSIONS_PER_EPOCH);
}
