import { refuse } from '@guildhall/contracts';
import { parseSnowflake, type Snowflake } from '@guildhall/snowflake';

/** A unicode emoji by its text (id 0), or a custom one by id and name. */
export interface ReactionEmoji {
  readonly id: Snowflake;
  readonly name: string;
}

const CUSTOM = /^(?:<?a?:)?(\w{2,32}):(\d{1,20})>?$/;
const ID_MAX = 2n ** 63n - 1n;
/**
 * Longer than any emoji sequence: a flag of a region is 7 code points, a family with skin tones 10.
 */
const UNITS_MAX = 40;
/**
 * One emoji and nothing else: a keycap, a flag of two letters, or pictographs joined by ZWJ, each
 * with its selector, skin tone or tag sequence.
 */
const KEYCAP = String.raw`[0-9#*]\uFE0F?\u20E3`;
const FLAG = String.raw`\p{RI}\p{RI}`;
const LOOKS = String.raw`[\uFE0F\p{EMod}]*`;
const TAGS = String.raw`[\u{E0020}-\u{E007F}]*`;
const JOINED = String.raw`\u200D[\p{Extended_Pictographic}\u2640\u2642]${LOOKS}`;
const PICTURE = String.raw`\p{Extended_Pictographic}${LOOKS}${TAGS}(?:${JOINED})*`;
const UNICODE = new RegExp(`^(?:${KEYCAP}|${FLAG}|${PICTURE})$`, 'u');

/**
 * The emoji a path segment names, already percent-decoded: `👍`, `blob:817…`, `<a:blob:817…>`.
 * Refuses with 10014 what is none.
 */
export function emojiInPath(text: string): ReactionEmoji {
  const custom = CUSTOM.exec(text);
  if (custom !== null) {
    const id = parseSnowflake(custom[2]);
    if (id !== undefined && id > 0n && id <= ID_MAX) return { id, name: custom[1]! };
  } else if (text.length <= UNITS_MAX && UNICODE.test(text)) {
    return { id: 0n, name: text };
  }
  throw refuse('UnknownEmoji');
}
