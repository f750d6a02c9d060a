import { IdSource } from './sampling.js';

/** Ids that are the same in every run with the same seed: for specs that count or compare. */
export function seededIds(seed: number): IdSource {
  // SplitMix32: passes for random where nobody is guessing.
  let state = seed >>> 0;
  return new IdSource((words) => {
    for (let at = 0; at < words.length; at += 1) {
      state = (state + 0x9e3779b9) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      words[at] = (mixed ^ (mixed >>> 15)) >>> 0;
    }
  });
}
