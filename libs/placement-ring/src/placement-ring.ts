// Who should own a partition, decided by everyone alone and the same. Rendezvous (highest random
// weight) hashing: each instance draws a weight for each partition from nothing but the two names,
// and the highest draw owns it. An instance that leaves gives up only its own partitions, spread
// over all the others; one that joins takes only what it will own. There is no table to agree on,
// only the set of live instances.
//
// All draws are made once, when the set changes (1024 partitions x 32 instances: well under a ms),
// and a lookup is an array index.
//
// Balance is that of fair chance: with n instances each owns 1024/n give or take its square root.
//
// Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998.

/** How many partitions there are unless told; the same as the 10 bits of an id can name. */
const PARTITIONS_COUNT = 1024;
const NOBODY = -1;

/** One generation of the owner table. Immutable: a change of membership makes a new ring. */
export class PlacementRing {
  /** The instances that take part, sorted, each once. */
  readonly instances: readonly string[];
  readonly partitionsCount: number;
  readonly #owners: Int32Array;

  /** The order of the names and repeats among them make no difference. */
  constructor(instances: readonly string[], partitionsCount: number = PARTITIONS_COUNT) {
    this.instances = Object.freeze([...new Set(instances)].sort());
    this.partitionsCount = partitionsCount;
    this.#owners = drawOwners(this.instances, partitionsCount);
  }

  /** Hot path. Who owns the partition; undefined when no instance takes part. */
  ownerOf(partition: number): string | undefined {
    return this.instances[this.#owners[partition] ?? NOBODY];
  }

  /** Every partition of the instance, ascending; empty when it takes no part. */
  partitionsOf(instance: string): number[] {
    const at = this.instances.indexOf(instance);
    const partitions: number[] = [];
    if (at < 0) return partitions;
    for (let p = 0; p < this.partitionsCount; p++) if (this.#owners[p] === at) partitions.push(p);
    return partitions;
  }
}

/** The partitions whose owner differs between two rings of the same size, ascending. */
export function moved(previous: PlacementRing, next: PlacementRing): number[] {
  const partitions: number[] = [];
  const count = Math.max(previous.partitionsCount, next.partitionsCount);
  for (let p = 0; p < count; p++) {
    if (previous.ownerOf(p) !== next.ownerOf(p)) partitions.push(p);
  }
  return partitions;
}

/** By partition, the index of its owner. The names are sorted, so an equal draw has one winner. */
function drawOwners(instances: readonly string[], partitionsCount: number): Int32Array {
  const owners = new Int32Array(partitionsCount).fill(NOBODY);
  const seeds = Uint32Array.from(instances, hashName);
  for (let partition = 0; partition < partitionsCount; partition++) {
    const key = mix(partition + 1);
    let highest = -1;
    for (let at = 0; at < seeds.length; at++) {
      const draw = mix((seeds[at]! ^ key) >>> 0);
      if (draw > highest) {
        highest = draw;
        owners[partition] = at;
      }
    }
  }
  return owners;
}

/** FNV-1a over the UTF-16 units, then mixed, since FNV leaves similar names with similar hashes. */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  }
  return mix(hash >>> 0);
}

/** A 32-bit bijection in which each input bit turns over half of the output bits. */
function mix(value: number): number {
  let x = value ^ (value >>> 16);
  x = Math.imul(x, 0x21f0aaad);
  x ^= x >>> 15;
  x = Math.imul(x, 0x735a2d97);
  x ^= x >>> 15;
  return x >>> 0;
}
