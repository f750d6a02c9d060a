// Embeds as clients may send them. Bounds:
// https://discord.com/developers/docs/resources/message#embed-limits
import {
  boolean,
  codePoints,
  integer,
  list,
  nullable,
  object,
  optional,
  optionalOrNull,
  string,
  then,
  timestamp,
  url,
  withDefault,
  type Check,
  type Checked,
} from './validation.js';

const EMBEDS_MAX = 10;
const TEXT_MAX = 6000;
const COLOR_MAX = 0xffffff;

const webUrl = (): Check<string> => url({ schemes: ['http', 'https'] });
const mediaUrl = (): Check<string> => url({ schemes: ['http', 'https', 'attachment'] });

const media = (): Check<{ url: string } | null> => nullable(object({ url: mediaUrl() }));

const embed = object({
  title: optionalOrNull(string({ max: 256, trim: true })),
  description: optionalOrNull(string({ max: 4096, trim: true })),
  url: optionalOrNull(webUrl()),
  timestamp: optionalOrNull(timestamp()),
  color: optionalOrNull(integer({ min: 0, max: COLOR_MAX })),
  footer: optional(
    nullable(object({ text: string({ max: 2048 }), icon_url: optionalOrNull(mediaUrl()) })),
  ),
  image: optional(media()),
  thumbnail: optional(media()),
  author: optional(
    nullable(
      object({
        name: string({ min: 1, max: 256 }),
        url: optionalOrNull(webUrl()),
        icon_url: optionalOrNull(mediaUrl()),
      }),
    ),
  ),
  fields: withDefault(
    list(
      object({
        name: string({ min: 1, max: 256 }),
        value: string({ min: 1, max: 1024 }),
        inline: withDefault(boolean(), false),
      }),
      { max: 25 },
    ),
    [],
  ),
});

type Embed = Checked<typeof embed>;

/** A list of embeds, as the JSON text of what is kept of them: `[]` for none. */
export const embeds: Check<string> = then(
  list(embed, { max: EMBEDS_MAX }),
  (given, path, findings) => {
    const length = given.reduce((sum, one) => sum + textLength(one), 0);
    if (length > TEXT_MAX) {
      const message = `Embed size exceeds maximum size of ${TEXT_MAX}`;
      return findings.add(path, 'MAX_EMBED_SIZE_EXCEEDED', message);
    }
    return JSON.stringify(given.map(rendered));
  },
);

function textLength(one: Embed): number {
  const texts = [
    one.title,
    one.description,
    one.footer?.text,
    one.author?.name,
    ...one.fields.flatMap((field) => [field.name, field.value]),
  ];
  return texts.reduce((sum, text) => sum + codePoints(text ?? ''), 0);
}

/** In the order Discord lists the keys, without those that say nothing. */
function rendered(one: Embed): object {
  return {
    type: 'rich',
    ...present('title', one.title),
    ...present('description', one.description),
    ...present('url', one.url),
    ...present('color', one.color),
    ...present('timestamp', isoTime(one.timestamp)),
    ...present('footer', one.footer ?? undefined),
    ...present('image', one.image ?? undefined),
    ...present('thumbnail', one.thumbnail ?? undefined),
    ...present('author', one.author ?? undefined),
    fields: one.fields,
  };
}

function present(key: string, value: unknown): object {
  return value === undefined || value === '' ? {} : { [key]: value };
}

function isoTime(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString().replace('Z', '000+00:00');
}
