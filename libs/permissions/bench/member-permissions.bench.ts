// What one question about one member in one channel costs: `overwrittenPermissions` (all bits),
// `isAllowedInChannel` (one bit, as visibility asks), then `effectivePermissions`, `compareRoles`
// and `hasPermission`. Channels have 8 overwrites, members 6 roles of 40: 48 comparisons of ids
// each.
import {
  ALL_PERMISSIONS,
  ChannelKind,
  DEFAULT_EVERYONE_PERMISSIONS,
  Permission,
  compareRoles,
  effectivePermissions,
  hasPermission,
  isAllowedInChannel,
  overwrittenPermissions,
} from '../src/index.js';
import type { OverwriteView } from '../src/index.js';
import { SeededRandom } from '@guildhall/testkit';

const ROUNDS_COUNT = 1_000_000;
const random = new SeededRandom(1);
const guildId = 41771983423143936n;
const ids = Array.from({ length: 40 }, (_, i) => guildId + BigInt(i));
const base = DEFAULT_EVERYONE_PERMISSIONS;

const members = Array.from({ length: 64 }, () => random.shuffle(ids).slice(0, 6));
const channels = Array.from({ length: 64 }, () =>
  random.shuffle(ids).slice(0, 8).map(drawOverwrite),
);

function drawOverwrite(id: bigint): OverwriteView {
  return {
    id,
    type: 0,
    allow: random.bigint(53) & ALL_PERMISSIONS,
    deny: random.bigint(53) & ALL_PERMISSIONS,
  };
}

/** Calls `question` for each pair of member and channel in turn; ns a call, the best of five. */
function measure(name: string, question: (member: number, channel: number) => unknown): void {
  let answers = 0;
  const run = (count: number) => {
    for (let i = 0; i < count; i++) if (question(i & 63, (i >> 6) & 63)) answers++;
  };
  run(ROUNDS_COUNT / 4);
  let bestMs = Infinity;
  for (let attempt = 0; attempt < 5; attempt++) {
    const startedMs = performance.now();
    run(ROUNDS_COUNT);
    bestMs = Math.min(bestMs, performance.now() - startedMs);
  }
  const ns = (bestMs * 1e6) / ROUNDS_COUNT;
  console.log(`${name.padEnd(24)} ${ns.toFixed(1).padStart(8)} ns  (${answers} yes)`);
}

measure('overwrittenPermissions', (member, channel) =>
  overwrittenPermissions(base, guildId, members[member]!, 1n, channels[channel]!),
);
measure('isAllowedInChannel', (member, channel) =>
  isAllowedInChannel(
    Permission.VIEW_CHANNEL,
    base,
    guildId,
    members[member]!,
    1n,
    channels[channel]!,
  ),
);
measure('effectivePermissions', (_member, channel) =>
  effectivePermissions(channels[channel]![0]!.allow, ChannelKind.Voice, false),
);
measure('compareRoles', (member, channel) =>
  compareRoles(ids[member % 40]!, 1, ids[channel % 40]!, 1),
);
measure('hasPermission', (_member, channel) =>
  hasPermission(channels[channel]![0]!.allow, Permission.VIEW_CHANNEL),
);
