import type { User } from './gen/fleet/accounts/v1/accounts_pb.js';

/** A user as in every Discord object that shows one to others. */
export interface UserJson {
  id: string;
  username: string;
  discriminator: string;
  global_name: string | null;
  avatar: string | null;
  avatar_decoration_data: null;
  collectibles: null;
  primary_guild: null;
  clan: null;
  bot?: true;
  public_flags: number;
  flags: number;
}

/** The user object others see. The key `bot` is present for bots only, as in Discord's API. */
export function userJson(user: Omit<User, '$typeName' | '$unknown'>): UserJson {
  return {
    id: String(user.id),
    username: user.username,
    discriminator: user.discriminator || '0',
    global_name: user.globalName || null,
    avatar: user.avatar || null,
    avatar_decoration_data: null,
    collectibles: null,
    primary_guild: null,
    clan: null,
    ...(user.bot ? { bot: true as const } : {}),
    public_flags: user.publicFlags,
    flags: user.publicFlags,
  };
}
