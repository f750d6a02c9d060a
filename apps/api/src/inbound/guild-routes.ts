// Guilds themselves, and the parts of a guild that this fleet has none of.
import { Guilds } from '@guildhall/contracts';
import { IMAGE_BODY_BYTES_MAX, imageData } from '../domain/image.js';
import { patch } from '../domain/patch.js';
import type { Image, ImageFolder, Ports } from '../domain/ports.js';
import type { Snowflake } from '@guildhall/snowflake';
import {
  boolean,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  snowflake,
  string,
  withDefault,
} from '../domain/validation.js';
import { DONE, json } from './answer.js';
import { route, type Route } from './route.js';

const name = () => string({ min: 2, max: 100, trim: true });
const image = () => optional(nullable(imageData()));
const channel = () => optional(nullable(snowflake()));

const createGuildBody = object({ name: name(), icon: image() });

const modifyGuildBody = object({
  name: optional(name()),
  description: optional(nullable(string({ max: 300 }))),
  icon: image(),
  banner: image(),
  splash: image(),
  owner_id: optional(snowflake()),
  verification_level: optional(nullable(integer({ min: 0, max: 4 }))),
  default_message_notifications: optional(nullable(integer({ min: 0, max: 1 }))),
  explicit_content_filter: optional(nullable(integer({ min: 0, max: 2 }))),
  afk_channel_id: channel(),
  afk_timeout: optional(oneOf(60, 300, 900, 1800, 3600)),
  system_channel_id: channel(),
  system_channel_flags: optional(integer({ min: 0, max: 2 ** 31 - 1 })),
  rules_channel_id: channel(),
  public_updates_channel_id: channel(),
  safety_alerts_channel_id: channel(),
  preferred_locale: optional(nullable(string({ max: 16 }))),
  premium_progress_bar_enabled: optional(boolean()),
});

/** What a guild of this fleet never has any of, and clients ask for all the same. */
const EMPTY_LISTS = ['emojis', 'stickers', 'integrations', 'webhooks', 'scheduled-events'] as const;

const REGION = { id: 'local', name: 'Local', optimal: true, deprecated: false, custom: false };

/** The routes of `/guilds` and `/guilds/{guild}`. */
export function guildRoutes({ files, mintId }: Ports): Route[] {
  return [
    route({
      method: 'POST',
      path: '/guilds',
      who: 'users',
      body: createGuildBody,
      bodyBytesMax: IMAGE_BODY_BYTES_MAX,
      async answer({ body, user, command, owner }) {
        const guildId = mintId();
        const icon = body.icon ? await files.putImage('icons', guildId, body.icon) : '';
        const reply = await owner(Guilds.method.createGuild, guildId, {
          command: command(guildId),
          name: body.name,
          owner: user,
          icon,
        });
        return json(reply.json, 201);
      },
    }),
    route({
      method: 'GET',
      path: '/guilds/:guild_id',
      who: 'users',
      query: object({ with_counts: withDefault(boolean(), false) }),
      async answer({ params, query, query_, owner }) {
        const reply = await owner(Guilds.method.getGuild, params.guild_id, {
          command: query_(params.guild_id),
          withCounts: query.with_counts,
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'PATCH',
      path: '/guilds/:guild_id',
      who: 'users',
      body: modifyGuildBody,
      bodyBytesMax: IMAGE_BODY_BYTES_MAX,
      async answer({ params, body, command, owner }) {
        const stored = (folder: ImageFolder, given: Image | null | undefined) =>
          storeImage(folder, params.guild_id, given);
        const reply = await owner(Guilds.method.modifyGuild, params.guild_id, {
          command: command(params.guild_id),
          ...patch('name', body.name, ''),
          ...patch('description', body.description, ''),
          ...patch('icon', await stored('icons', body.icon), ''),
          ...patch('banner', await stored('banners', body.banner), ''),
          ...patch('splash', await stored('splashes', body.splash), ''),
          ...patch('ownerId', body.owner_id, 0n),
          ...patch('verificationLevel', body.verification_level, 0),
          ...patch('defaultMessageNotifications', body.default_message_notifications, 0),
          ...patch('explicitContentFilter', body.explicit_content_filter, 0),
          ...patch('afkChannelId', body.afk_channel_id, 0n),
          ...patch('afkTimeout', body.afk_timeout as number | undefined, 300),
          ...patch('systemChannelId', body.system_channel_id, 0n),
          ...patch('systemChannelFlags', body.system_channel_flags, 0),
          ...patch('rulesChannelId', body.rules_channel_id, 0n),
          ...patch('publicUpdatesChannelId', body.public_updates_channel_id, 0n),
          ...patch('safetyAlertsChannelId', body.safety_alerts_channel_id, 0n),
          ...patch('preferredLocale', body.preferred_locale, 'en-US'),
          ...patch('premiumProgressBarEnabled', body.premium_progress_bar_enabled, false),
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'DELETE',
      path: '/guilds/:guild_id',
      who: 'users',
      async answer({ params, command, owner }) {
        await owner(Guilds.method.deleteGuild, params.guild_id, {
          command: command(params.guild_id),
        });
        return DONE;
      },
    }),
    ...EMPTY_LISTS.map((part) => nothingAt(`/guilds/:guild_id/${part}`, [])),
    nothingAt('/guilds/:guild_id/threads/active', { threads: [], members: [] }),
    nothingAt('/guilds/:guild_id/audit-logs', AUDIT_LOG),
    nothingAt('/guilds/:guild_id/regions', [REGION]),
    route({
      method: 'GET',
      path: '/voice/regions',
      who: 'users',
      answer: async () => json([REGION]),
    }),
  ];

  /** The hash of a stored picture; null, "none any more", and undefined stay what they are. */
  async function storeImage(
    folder: ImageFolder,
    guildId: Snowflake,
    given: Image | null | undefined,
  ): Promise<string | null | undefined> {
    return given ? files.putImage(folder, guildId, given) : (given as null | undefined);
  }
}

const AUDIT_LOG = {
  application_commands: [],
  audit_log_entries: [],
  auto_moderation_rules: [],
  guild_scheduled_events: [],
  integrations: [],
  threads: [],
  users: [],
  webhooks: [],
};

/** Always the same answer, for those who are in the guild. */
function nothingAt(path: string, answer: object): Route {
  return route({
    method: 'GET',
    path: path as '/guilds/:guild_id/emojis',
    who: 'users',
    async answer({ params, query_, owner }) {
      await owner(Guilds.method.getGuild, params.guild_id, { command: query_(params.guild_id) });
      return json(answer);
    },
  });
}
