/**
 * Every permission of API v10, as its bit. Bit 47 has no documented meaning.
 * https://docs.discord.com/developers/topics/permissions#permissions-bitwise-permission-flags
 */
export const Permission = {
  CREATE_INSTANT_INVITE: 1n << 0n,
  KICK_MEMBERS: 1n << 1n,
  BAN_MEMBERS: 1n << 2n,
  ADMINISTRATOR: 1n << 3n,
  MANAGE_CHANNELS: 1n << 4n,
  MANAGE_GUILD: 1n << 5n,
  ADD_REACTIONS: 1n << 6n,
  VIEW_AUDIT_LOG: 1n << 7n,
  PRIORITY_SPEAKER: 1n << 8n,
  STREAM: 1n << 9n,
  VIEW_CHANNEL: 1n << 10n,
  SEND_MESSAGES: 1n << 11n,
  SEND_TTS_MESSAGES: 1n << 12n,
  MANAGE_MESSAGES: 1n << 13n,
  EMBED_LINKS: 1n << 14n,
  ATTACH_FILES: 1n << 15n,
  READ_MESSAGE_HISTORY: 1n << 16n,
  MENTION_EVERYONE: 1n << 17n,
  USE_EXTERNAL_EMOJIS: 1n << 18n,
  VIEW_GUILD_INSIGHTS: 1n << 19n,
  CONNECT: 1n << 20n,
  SPEAK: 1n << 21n,
  MUTE_MEMBERS: 1n << 22n,
  DEAFEN_MEMBERS: 1n << 23n,
  MOVE_MEMBERS: 1n << 24n,
  USE_VAD: 1n << 25n,
  CHANGE_NICKNAME: 1n << 26n,
  MANAGE_NICKNAMES: 1n << 27n,
  MANAGE_ROLES: 1n << 28n,
  MANAGE_WEBHOOKS: 1n << 29n,
  MANAGE_GUILD_EXPRESSIONS: 1n << 30n,
  USE_APPLICATION_COMMANDS: 1n << 31n,
  REQUEST_TO_SPEAK: 1n << 32n,
  MANAGE_EVENTS: 1n << 33n,
  MANAGE_THREADS: 1n << 34n,
  CREATE_PUBLIC_THREADS: 1n << 35n,
  CREATE_PRIVATE_THREADS: 1n << 36n,
  USE_EXTERNAL_STICKERS: 1n << 37n,
  SEND_MESSAGES_IN_THREADS: 1n << 38n,
  USE_EMBEDDED_ACTIVITIES: 1n << 39n,
  MODERATE_MEMBERS: 1n << 40n,
  VIEW_CREATOR_MONETIZATION_ANALYTICS: 1n << 41n,
  USE_SOUNDBOARD: 1n << 42n,
  CREATE_GUILD_EXPRESSIONS: 1n << 43n,
  CREATE_EVENTS: 1n << 44n,
  USE_EXTERNAL_SOUNDS: 1n << 45n,
  SEND_VOICE_MESSAGES: 1n << 46n,
  SET_VOICE_CHANNEL_STATUS: 1n << 48n,
  SEND_POLLS: 1n << 49n,
  USE_EXTERNAL_APPS: 1n << 50n,
  PIN_MESSAGES: 1n << 51n,
  BYPASS_SLOWMODE: 1n << 52n,
} as const satisfies Readonly<Record<string, bigint>>;
export type PermissionName = keyof typeof Permission;

/** Every documented bit: what the owner and administrators have. */
export const ALL_PERMISSIONS: bigint = permissionsOf(Object.keys(Permission) as PermissionName[]);

/** The named permissions as one number. Naming one twice makes no difference. */
export function permissionsOf(names: readonly PermissionName[]): bigint {
  let bits = 0n;
  for (const name of names) bits |= Permission[name];
  return bits;
}

/** The names behind the bits, lowest bit first; bits without a documented name are left out. */
export function permissionNames(permissions: bigint): PermissionName[] {
  const names = Object.keys(Permission) as PermissionName[];
  return names.filter((name) => (permissions & Permission[name]) !== 0n);
}

/** Hot path. Whether all the bits of `needed` are there; true for 0n. */
export function hasPermission(permissions: bigint, needed: bigint): boolean {
  return (permissions & needed) === needed;
}

const DECIMAL_OF_64_BITS = /^[0-9]{1,20}$/;

/**
 * A permission field of a request body: a decimal string, or (as older libraries send) a whole
 * number that is exact. Undocumented bits are dropped, as a client may know permissions that we do
 * not. Undefined when it is neither.
 */
export function parsePermissions(value: unknown): bigint | undefined {
  if (typeof value === 'string' && DECIMAL_OF_64_BITS.test(value)) {
    return BigInt(value) & ALL_PERMISSIONS;
  }
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) {
    return BigInt(value) & ALL_PERMISSIONS;
  }
  return undefined;
}
