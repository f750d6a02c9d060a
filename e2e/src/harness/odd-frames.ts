// Messages to a gateway by chance: some are noise, most were payloads once and had an accident.

import { codecOf } from '@guildhall/gateway-protocol';
import type { Encoding } from '@guildhall/gateway-protocol';
import type { SeededRandom } from '@guildhall/testkit';

export interface OddFrame {
  readonly bytes: Buffer;
  readonly isBinary: boolean;
}

const OPS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 31, 34, 37, 40, 43, -1, 2 ** 40, 1e300];
const KEYS = [
  ...['token', 'intents', 'shard', 'properties', 'presence', 'session_id', 'seq', 'status'],
  ...['activities', 'since', 'afk', 'guild_id', 'query', 'limit', 'user_ids', 'nonce', 'fields'],
  ...['channel_id', 'self_mute', 'subscriptions', 'guild_ids', 'compress', '__proto__', 'name'],
];
const NOISE_SIZE_MAX = 300;

/** One message; `known` are texts worth saying (tokens, ids), which chance would not find. */
export function oddFrame(random: SeededRandom, encoding: Encoding, known: string[]): OddFrame {
  const isBinary = random.chance(0.1) ? random.chance(0.5) : encoding === 'etf';
  if (random.chance(0.25)) return { bytes: noise(random), isBinary };
  const frame = { op: random.pick(OPS), d: value(random, known, 0) };
  const bytes = Buffer.from(codecOf(encoding).encode(frame));
  if (random.chance(0.4)) return { bytes: accident(random, bytes), isBinary };
  return { bytes, isBinary };
}

function value(random: SeededRandom, known: string[], depth: number): unknown {
  const kind = random.int(depth > 3 ? 6 : 9);
  switch (kind) {
    case 0:
      return null;
    case 1:
      return random.chance(0.5);
    case 2:
      return random.int(2 ** 31) - random.pick([0, 0, 2 ** 30]);
    case 3:
      return random.next() * 1e9;
    case 4:
      return random.pick(known);
    case 5:
      return random.pick(['', 'online', '\u0000', '\ud83d\ude00', 'x'.repeat(random.int(200))]);
    case 6:
      return Array.from({ length: random.int(4) }, () => value(random, known, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random.int(6) }, () => [
          random.pick(KEYS),
          value(random, known, depth + 1),
        ]),
      );
  }
}

function noise(random: SeededRandom): Buffer {
  return Buffer.from(Array.from({ length: random.int(NOISE_SIZE_MAX) }, () => random.int(256)));
}

/** Cut off, with a byte changed, doubled, or with something in its middle. */
function accident(random: SeededRandom, bytes: Buffer): Buffer {
  const at = random.int(bytes.length);
  switch (random.int(4)) {
    case 0:
      return bytes.subarray(0, at);
    case 1: {
      const changed = Buffer.from(bytes);
      changed[at] = random.int(256);
      return changed;
    }
    case 2:
      return Buffer.concat([bytes, bytes]);
    default:
      return Buffer.concat([bytes.subarray(0, at), noise(random), bytes.subarray(at)]);
  }
}
