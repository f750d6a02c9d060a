import type { Document } from './tables.js';

/** A role of a guild. Replaced as a whole when it changes. */
export interface Role {
  /** @everyone's is the guild's id. */
  readonly id: bigint;
  readonly name: string;
  readonly permissions: bigint;
  /** 0: @everyone. Of two roles at one position the older is the higher. */
  readonly position: number;
  /** 0xRRGGBB; 0: none. */
  readonly color: number;
  /** Of a gradient; 0: none. */
  readonly secondaryColor: number;
  readonly tertiaryColor: number;
  readonly hoist: boolean;
  readonly mentionable: boolean;
  /** A bot's own role: given and taken only with the bot. */
  readonly managed: boolean;
  /** Empty: none. */
  readonly icon: string;
  readonly unicodeEmoji: string;
  /** The bot whose own role it is; 0n: nobody's. */
  readonly botId: bigint;
}

/** A role as nobody has changed it. */
export function newRole(id: bigint, name: string, permissions: bigint): Role {
  return {
    id,
    name,
    permissions,
    position: 1,
    color: 0,
    secondaryColor: 0,
    tertiaryColor: 0,
    hoist: false,
    mentionable: false,
    managed: false,
    icon: '',
    unicodeEmoji: '',
    botId: 0n,
  };
}

/** The role's row. */
export function roleDocument(role: Role): Document {
  const { id: _, permissions, botId, ...rest } = role;
  return { ...rest, permissions: String(permissions), botId: String(botId) };
}

/** The role in a row. */
export function roleFromDocument(id: bigint, document: Document): Role {
  const permissions = BigInt(document['permissions'] as string);
  const stored = document as unknown as Omit<Role, 'id' | 'permissions' | 'botId'>;
  const botId = BigInt((document['botId'] as string | undefined) ?? '0');
  return { ...newRole(id, '', 0n), ...stored, id, permissions, botId };
}

/** The role as in Discord's API. */
export function roleJson(role: Role): object {
  return {
    id: String(role.id),
    name: role.name,
    description: null,
    permissions: String(role.permissions),
    position: role.position,
    color: role.color,
    colors: {
      primary_color: role.color,
      secondary_color: role.secondaryColor || null,
      tertiary_color: role.tertiaryColor || null,
    },
    hoist: role.hoist,
    managed: role.managed,
    mentionable: role.mentionable,
    icon: role.icon || null,
    unicode_emoji: role.unicodeEmoji || null,
    flags: 0,
    ...(role.botId === 0n ? {} : { tags: { bot_id: String(role.botId) } }),
  };
}
