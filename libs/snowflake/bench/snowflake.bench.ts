// Hot path: SnowflakeMint.mint, partitionOf. And parseSnowflake, which every id in every request
// goes through.
//
//   npx esbuild libs/snowflake/bench/snowflake.bench.ts --bundle --platform=node --format=esm |
//     node --input-type=module
import { SystemClock } from '@guildhall/clock';
import { SnowflakeMint, parseSnowflake, partitionOf } from '../src/index.js';

const ROUNDS_COUNT = 2_000_000;

const mint = new SnowflakeMint(new SystemClock());
const ids = Array.from({ length: 1_000 }, (_, i) => mint.mint(i));
const texts = ids.map(String);

report('mint', (i) => mint.mint(i & 1023));
report('mint above a floor', (i) => mint.mint(i % 1_000, ids[i % 1_000]));
report('partitionOf', (i) => partitionOf(ids[i % 1_000]!));
report('parseSnowflake', (i) => parseSnowflake(texts[i % 1_000]));

function report(what: string, work: (round: number) => unknown): void {
  let results = 0;
  const run = (): number => {
    const startMs = performance.now();
    for (let i = 0; i < ROUNDS_COUNT; i++) if (work(i) !== undefined) results++;
    return ((performance.now() - startMs) * 1e6) / ROUNDS_COUNT;
  };
  run();
  console.log(`${what}: ${run().toFixed(0)} ns`);
  if (results !== 2 * ROUNDS_COUNT) throw new Error(`${what} gave nothing`);
}
