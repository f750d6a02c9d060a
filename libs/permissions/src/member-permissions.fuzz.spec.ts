// The documented algorithm once more, written the slow and obvious way (sets of names, objects by
// id), and compared over many random guilds.
import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import { ChannelKind, effectivePermissions } from './effective-permissions.js';
import {
  basePermissions,
  channelPermissions,
  isAllowedInChannel,
  overwrittenPermissions,
} from './member-permissions.js';
import type { OverwriteView, RoleView } from './member-permissions.js';
import { ALL_PERMISSIONS, Permission, permissionNames } from './permission.js';
import type { PermissionName } from './permission.js';

const GUILDS_COUNT = 4_000;
const NAMES = Object.keys(Permission) as PermissionName[];
const GUILD_WIDE = new Set(
  (
    'KICK_MEMBERS BAN_MEMBERS ADMINISTRATOR MANAGE_GUILD VIEW_AUDIT_LOG VIEW_GUILD_INSIGHTS ' +
    'CHANGE_NICKNAME MANAGE_NICKNAMES MANAGE_GUILD_EXPRESSIONS MODERATE_MEMBERS ' +
    'VIEW_CREATOR_MONETIZATION_ANALYTICS CREATE_GUILD_EXPRESSIONS'
  ).split(' '),
);
const VOICE_ONLY =
  'PRIORITY_SPEAKER STREAM CONNECT SPEAK MUTE_MEMBERS DEAFEN_MEMBERS MOVE_MEMBERS USE_VAD ' +
  'REQUEST_TO_SPEAK MANAGE_EVENTS USE_EMBEDDED_ACTIVITIES USE_SOUNDBOARD CREATE_EVENTS ' +
  'USE_EXTERNAL_SOUNDS SET_VOICE_CHANNEL_STATUS MANAGE_CHANNELS MANAGE_ROLES';

interface Scene {
  guildId: bigint;
  ownerId: bigint;
  userId: bigint;
  everyone: RoleView;
  roles: RoleView[];
  overwrites: OverwriteView[];
  kind: ChannelKind;
  isTimedOut: boolean;
}

function drawScene(random: SeededRandom): Scene {
  // Ids from a small range, so that a user and a role often have the same.
  const id = () => BigInt(1 + random.int(12)) + (1n << 60n);
  const density = random.pick([0.02, 0.2, 0.5, 0.9]);
  const permissions = () => {
    let drawn = 0n;
    for (const name of NAMES) {
      const likely = name === 'ADMINISTRATOR' ? density / 20 : density;
      if (random.chance(likely)) drawn |= Permission[name];
    }
    return drawn;
  };
  const guildId = 1n << 60n;
  const roleIds = new Set(Array.from({ length: random.int(6) }, id));
  const keys = new Map<string, OverwriteView>();
  for (let i = random.int(10); i > 0; i--) {
    const type = random.chance(0.7) ? 0 : 1;
    const owner = type === 0 && random.chance(0.2) ? guildId : id();
    keys.set(`${type}:${owner}`, { id: owner, type, allow: permissions(), deny: permissions() });
  }
  return {
    guildId,
    ownerId: random.chance(0.05) ? 7n + (1n << 60n) : 99n,
    userId: id(),
    everyone: { id: guildId, position: 0, permissions: permissions() },
    roles: [...roleIds].map((roleId) => ({ id: roleId, position: 1, permissions: permissions() })),
    overwrites: random.shuffle([...keys.values()]),
    kind: random.pick([ChannelKind.Text, ChannelKind.Voice, ChannelKind.Thread]),
    isTimedOut: random.chance(0.2),
  };
}

type Names = Set<string>;
const toNames = (permissions: bigint): Names => new Set(permissionNames(permissions));

function naiveBase(scene: Scene): Names {
  if (scene.ownerId === scene.userId) return new Set(NAMES);
  const held: Names = new Set();
  for (const role of [scene.everyone, ...scene.roles]) {
    for (const name of toNames(role.permissions)) held.add(name);
  }
  return held.has('ADMINISTRATOR') ? new Set(NAMES) : held;
}

function naiveChannel(scene: Scene, base: Names): Names {
  if (base.has('ADMINISTRATOR')) return new Set(NAMES);
  const held = new Set(base);
  const applyTogether = (chosen: OverwriteView[]) => {
    for (const overwrite of chosen) {
      for (const name of toNames(overwrite.deny)) if (!GUILD_WIDE.has(name)) held.delete(name);
    }
    for (const overwrite of chosen) {
      for (const name of toNames(overwrite.allow)) if (!GUILD_WIDE.has(name)) held.add(name);
    }
  };
  const roleIds = scene.roles.map((role) => role.id);
  const ofRoles = scene.overwrites.filter((overwrite) => overwrite.type === 0);
  applyTogether(ofRoles.filter((overwrite) => overwrite.id === scene.guildId));
  applyTogether(ofRoles.filter((overwrite) => roleIds.includes(overwrite.id)));
  applyTogether(scene.overwrites.filter((o) => o.type === 1 && o.id === scene.userId));
  return held;
}

function naiveEffective(scene: Scene, channel: Names): Names {
  const held = new Set(channel);
  const drop = (names: string) => names.split(' ').forEach((name) => held.delete(name));
  if (held.has('ADMINISTRATOR')) return held;
  if (scene.isTimedOut) {
    for (const name of channel) {
      if (name !== 'VIEW_CHANNEL' && name !== 'READ_MESSAGE_HISTORY') held.delete(name);
    }
  }
  const sending = scene.kind === ChannelKind.Thread ? 'SEND_MESSAGES_IN_THREADS' : 'SEND_MESSAGES';
  if (!held.has(sending)) drop('MENTION_EVERYONE SEND_TTS_MESSAGES ATTACH_FILES EMBED_LINKS');
  if (scene.kind === ChannelKind.Voice && !held.has('CONNECT')) drop(VOICE_ONLY);
  if (!held.has('VIEW_CHANNEL')) held.clear();
  return held;
}

const random = new SeededRandom(seedFromEnv(process.env['SEED']));

describe(`permissions against the documented algorithm (${random})`, () => {
  it(`agree in ${GUILDS_COUNT} guilds`, () => {
    let administrators = 0;
    let changed = 0;
    for (let round = 0; round < GUILDS_COUNT; round++) {
      const scene = drawScene(random.fork(`guild ${round}`));
      const { userId, overwrites, guildId } = scene;
      const roleIds = scene.roles.map((role) => role.id);
      const base = basePermissions({
        ownerId: scene.ownerId,
        userId,
        everyonePermissions: scene.everyone.permissions,
        rolePermissions: scene.roles.map((role) => role.permissions),
      });
      const expectedBase = naiveBase(scene);
      expect(toNames(base)).toEqual(expectedBase);

      const membership = { base, everyoneRoleId: guildId, roleIds, userId, overwrites };
      const channel = channelPermissions(membership);
      const expectedChannel = naiveChannel(scene, expectedBase);
      expect(toNames(channel)).toEqual(expectedChannel);
      expect(overwrittenPermissions(base, guildId, roleIds, userId, overwrites)).toBe(channel);

      const effective = effectivePermissions(channel, scene.kind, scene.isTimedOut);
      expect(toNames(effective)).toEqual(naiveEffective(scene, expectedChannel));

      const allowed = NAMES.filter((name) =>
        isAllowedInChannel(Permission[name], base, guildId, roleIds, userId, overwrites),
      );
      expect(new Set(allowed)).toEqual(expectedChannel);

      if (base === ALL_PERMISSIONS) administrators++;
      else if (channel !== base) changed++;
    }
    // The draw reached both sides of the decisions; else it would prove little.
    expect(administrators).toBeGreaterThan(GUILDS_COUNT / 100);
    expect(changed).toBeGreaterThan(GUILDS_COUNT / 10);
  });
});
