// What it costs a guild to know who sees what: `permissionsIn` and `mayView` for each command, and
// the working out of a change. 100,000 members with up to 5 of 30 roles in some 2,000 audiences,
// 200 channels with up to 6 overwrites each.
import { DEFAULT_EVERYONE_PERMISSIONS, Permission } from '@guildhall/permissions';
import { SeededRandom } from '@guildhall/testkit';
import { ChannelType, newChannel } from '../src/domain/channel.js';
import { Guild } from '../src/domain/guild.js';
import { newMember, sortedIds } from '../src/domain/member.js';
import { newRole } from '../src/domain/role.js';
import { userOf } from '../src/domain/user-document.js';

const MEMBERS_COUNT = 100_000;
const CHANNELS_COUNT = 200;
const ROLE_SETS_COUNT = 2_000;
const ROUNDS_COUNT = 1_000_000;
const NOW_MS = 1_800_000_000_000;

const random = new SeededRandom(1);
const guild = new Guild(1_000n);
const roleIds = Array.from({ length: 30 }, (_, at) => 2_000n + BigInt(at));
const channelIds = Array.from({ length: CHANNELS_COUNT }, (_, at) => 3_000n + BigInt(at));

guild.putRole(newRole(guild.id, '@everyone', DEFAULT_EVERYONE_PERMISSIONS));
for (const id of roleIds) guild.putRole(newRole(id, 'role', 0n));
for (const id of channelIds) {
  const overwrites = random
    .shuffle([guild.id, ...roleIds])
    .slice(0, random.int(7))
    .map((roleId) => ({
      id: roleId,
      type: 0 as const,
      allow: random.chance(0.5) ? Permission.VIEW_CHANNEL : 0n,
      deny: random.chance(0.3) ? Permission.VIEW_CHANNEL : 0n,
    }));
  guild.putChannel({ ...newChannel(id, ChannelType.Text, 'channel'), overwrites });
}
const roleSets = Array.from({ length: ROLE_SETS_COUNT }, () =>
  sortedIds(random.shuffle(roleIds).slice(0, random.int(6))),
);
for (let at = 0; at < MEMBERS_COUNT; at++) {
  const member = newMember(userOf({ id: 10_000n + BigInt(at), username: `user${at}` }), 0);
  guild.putMember({ ...member, roleIds: random.pick(roleSets) });
}
guild.setOwner(10_000n);
report('first table', () => guild.takeVisibility());
console.log(`${guild.audiences.rowsCount} audiences`);

function report(name: string, work: () => unknown): void {
  const startedMs = performance.now();
  work();
  console.log(`${name.padEnd(28)} ${(performance.now() - startedMs).toFixed(2).padStart(9)} ms`);
}

/** ns a call, the best of five. */
function measure(name: string, question: (userId: bigint, channelId: bigint) => unknown): void {
  const userIds = Array.from({ length: 64 }, () => 10_000n + BigInt(random.int(MEMBERS_COUNT)));
  let answers = 0;
  let bestMs = Infinity;
  for (let attempt = 0; attempt < 5; attempt++) {
    const startedMs = performance.now();
    for (let at = 0; at < ROUNDS_COUNT; at++) {
      if (question(userIds[at & 63]!, channelIds[(at >> 6) % CHANNELS_COUNT]!)) answers++;
    }
    bestMs = Math.min(bestMs, performance.now() - startedMs);
  }
  const ns = (bestMs * 1e6) / ROUNDS_COUNT;
  console.log(`${name.padEnd(28)} ${ns.toFixed(1).padStart(9)} ns  (${answers} yes)`);
}

measure('mayView', (userId, channelId) => guild.mayView(channelId, userId));
measure('permissionsIn', (userId, channelId) => guild.permissionsIn(channelId, userId, NOW_MS));

report('@everyone stops viewing', () => {
  guild.putRole({ ...guild.role(guild.id)!, permissions: 0n });
  const change = guild.takeVisibility()!;
  console.log(`  ${change.audiences.length} audiences, ${change.channels.length} channels`);
});
report('one channel is hidden', () => {
  const channel = guild.channel(channelIds[0]!)!;
  const hidden = { id: guild.id, type: 0 as const, allow: 0n, deny: Permission.VIEW_CHANNEL };
  guild.putChannel({ ...channel, overwrites: [hidden] });
  guild.takeVisibility();
});
report('one member gets a role', () => {
  const member = guild.member(10_001n)!;
  guild.putMember({ ...member, roleIds: sortedIds([...member.roleIds, roleIds[7]!]) });
  guild.takeVisibility();
});
