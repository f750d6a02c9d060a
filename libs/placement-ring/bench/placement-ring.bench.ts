// Hot path: PlacementRing.ownerOf. The promise is at most 0.3 us a lookup; making a ring is
// measured too, since every instance makes one whenever another comes or goes.
//
//   npx esbuild libs/placement-ring/bench/placement-ring.bench.ts --bundle --platform=node \
//     --format=esm | node --input-type=module
import { PlacementRing } from '../src/index.js';

const LOOKUPS_COUNT = 20_000_000;
const RINGS_COUNT = 200;

for (const instancesCount of [1, 3, 32]) {
  const instances = Array.from({ length: instancesCount }, (_, i) => `guilds-${i}`);
  const ring = new PlacementRing(instances);
  lookUp(ring);
  const lookupNs = lookUp(ring);
  makeRings(instances);
  const ringUs = makeRings(instances) / 1_000;
  console.log(
    `${instancesCount} instances: ownerOf ${lookupNs.toFixed(1)} ns, ` +
      `new PlacementRing ${ringUs.toFixed(0)} us`,
  );
}

/** In an order that neither cache nor branch predictor can follow for free. Returns ns a lookup. */
function lookUp(ring: PlacementRing): number {
  let partition = 1;
  let unownedCount = 0;
  const startMs = performance.now();
  for (let i = 0; i < LOOKUPS_COUNT; i++) {
    partition = (Math.imul(partition, 1_664_525) + 1_013_904_223) | 0;
    if (ring.ownerOf(partition >>> 22) === undefined) unownedCount++;
  }
  const tookMs = performance.now() - startMs;
  if (unownedCount > 0) throw new Error(`${unownedCount} partitions had no owner`);
  return (tookMs * 1e6) / LOOKUPS_COUNT;
}

/** Returns ns a ring. */
function makeRings(instances: readonly string[]): number {
  const startMs = performance.now();
  let lastOwner: string | undefined;
  for (let i = 0; i < RINGS_COUNT; i++) lastOwner = new PlacementRing(instances).ownerOf(i);
  if (lastOwner === undefined) throw new Error('a ring without owners');
  return ((performance.now() - startMs) * 1e6) / RINGS_COUNT;
}
