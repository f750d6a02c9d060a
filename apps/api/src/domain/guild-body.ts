// What clients say of guilds.
import { imageData } from './image.js';
import {
  boolean,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  snowflake,
  string,
} from './validation.js';

/** https://discord.com/developers/docs/reference#locales */
const LOCALES = [
  ...(['id', 'da', 'de', 'en-GB', 'en-US', 'es-ES', 'es-419', 'fr', 'hr', 'it', 'lt'] as const),
  ...(['hu', 'nl', 'no', 'pl', 'pt-BR', 'ro', 'fi', 'sv-SE', 'vi', 'tr', 'cs', 'el'] as const),
  ...(['bg', 'ru', 'uk', 'hi', 'th', 'zh-CN', 'ja', 'zh-TW', 'ko'] as const),
];

const name = () => string({ min: 2, max: 100, trim: true });
const image = () => optional(nullable(imageData()));
const channel = () => optional(nullable(snowflake()));
const level = (max: number) => optional(nullable(integer({ min: 0, max })));

/** The body of `POST /guilds`. */
export const createGuildBody = object({ name: name(), icon: image() });

/** The body of `PATCH /guilds/{guild}`. */
export const modifyGuildBody = object({
  name: optional(name()),
  description: optional(nullable(string({ max: 300 }))),
  icon: image(),
  banner: image(),
  splash: image(),
  owner_id: optional(snowflake()),
  verification_level: level(4),
  default_message_notifications: level(1),
  explicit_content_filter: level(2),
  afk_channel_id: channel(),
  afk_timeout: optional(oneOf(60, 300, 900, 1800, 3600)),
  system_channel_id: channel(),
  system_channel_flags: optional(integer({ min: 0, max: 2 ** 31 - 1 })),
  rules_channel_id: channel(),
  public_updates_channel_id: channel(),
  safety_alerts_channel_id: channel(),
  preferred_locale: optional(nullable(oneOf(...LOCALES))),
  premium_progress_bar_enabled: optional(boolean()),
});
