// Hot path: Placement.owns, OwnLease.isValid. What each request pays to know whether it is ours: an
// array index and a look at the clock.
//
//   npm run bench -- placement
import { createMemoryBus } from '@guildhall/bus';
import { SystemClock } from '@guildhall/clock';
import { joinPlacement } from '../src/index.js';

const ROUNDS_COUNT = 5_000_000;
const BUDGET_NS = 300;

const hub = createMemoryBus(new SystemClock());
const placements = ['a', 'b', 'c', 'd'].map((instance) => {
  const bus = hub.connect({ name: instance });
  const placement = joinPlacement({ bus, service: 'guilds', instance, version: '1', beatMs: 50 });
  placement.setReady();
  return placement;
});
await Promise.all(placements.map((placement) => placement.whenReady()));

const [placement] = placements;
let ownedCount = 0;
for (let round = 0; round < ROUNDS_COUNT; round += 1) {
  if (placement!.owns(round & 1023)) ownedCount += 1;
}
const startedMs = performance.now();
for (let round = 0; round < ROUNDS_COUNT; round += 1) {
  if (placement!.owns(round & 1023)) ownedCount += 1;
}
const ns = ((performance.now() - startedMs) * 1e6) / ROUNDS_COUNT;
console.log(`Placement.owns: ${ns.toFixed(1)} ns (at most ${BUDGET_NS})`);
if (ownedCount === 0) throw new Error('nothing was owned');
await Promise.all(placements.map((one) => one.leave()));
if (ns > BUDGET_NS) throw new Error(`Placement.owns takes ${ns.toFixed(0)} ns`);
