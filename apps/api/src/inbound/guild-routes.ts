// Guilds themselves.
import { Guilds, refuse } from '@guildhall/contracts';
import { Fault } from '@guildhall/fault';
import { Permission } from '@guildhall/permissions';
import { createGuildBody, modifyGuildBody } from '../domain/guild-body.js';
import { IMAGE_BODY_BYTES_MAX } from '../domain/image.js';
import { patch } from '../domain/patch.js';
import type { Image, ImageFolder, Ports } from '../domain/ports.js';
import { boolean, object, withDefault } from '../domain/validation.js';
import { DONE, json } from './answer.js';
import { requireInGuild } from './guild-membership.js';
import { route, type Route } from './route.js';

/** Of a guild, what its preview shows. */
const PREVIEW_KEYS = [
  ...['id', 'name', 'icon', 'splash', 'discovery_splash', 'emojis', 'features'],
  ...['approximate_member_count', 'approximate_presence_count', 'description', 'stickers'],
] as const;

const MISSING_ACCESS = refuse('MissingAccess').refusal!.discordCode;

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
      method: 'GET',
      path: '/guilds/:guild_id/preview',
      who: 'users',
      async answer({ params, query_, owner }) {
        const request = { command: query_(params.guild_id), withCounts: true };
        const reply = await owner(Guilds.method.getGuild, params.guild_id, request).catch(
          (reason: unknown) => {
            const isStranger = Fault.from(reason).refusal?.discordCode === MISSING_ACCESS;
            // No guild here is discoverable, so to who is not in it there is none.
            throw isStranger ? refuse('UnknownGuild') : reason;
          },
        );
        const guild = JSON.parse(Buffer.from(reply.json).toString()) as Record<string, unknown>;
        return json(Object.fromEntries(PREVIEW_KEYS.map((key) => [key, guild[key]])));
      },
    }),
    route({
      method: 'PATCH',
      path: '/guilds/:guild_id',
      who: 'users',
      body: modifyGuildBody,
      bodyBytesMax: IMAGE_BODY_BYTES_MAX,
      async answer(ask) {
        const { params, body, command, owner } = ask;
        const guildId = params.guild_id;
        // The owner judges this again; but nobody fills the disk with what is refused then.
        if (body.icon || body.banner || body.splash) {
          await requireInGuild(ask, guildId, Permission.MANAGE_GUILD);
        }
        const hash = async (folder: ImageFolder, given: Image | null | undefined) =>
          given ? files.putImage(folder, guildId, given) : (given as null | undefined);
        const reply = await owner(Guilds.method.modifyGuild, guildId, {
          command: command(guildId),
          ...patch('name', body.name, ''),
          ...patch('description', body.description, ''),
          ...patch('icon', await hash('icons', body.icon), ''),
          ...patch('banner', await hash('banners', body.banner), ''),
          ...patch('splash', await hash('splashes', body.splash), ''),
          ...patch('ownerId', body.owner_id, 0n),
          ...patch('verificationLevel', body.verification_level, 0),
          ...patch('defaultMessageNotifications', body.default_message_notifications, 0),
          ...patch('explicitContentFilter', body.explicit_content_filter, 0),
          ...patch('afkChannelId', body.afk_channel_id, 0n),
          ...patch('afkTimeout', body.afk_timeout, 300),
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
  ];
}
