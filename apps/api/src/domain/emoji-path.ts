import { refuse } from '@guildhall/contracts';
import { parseSnowflake, type Snowflake } from '@guildhall/snowflake';

/** A unicode emoji by its text (id 0), or a custom one by id and name. */
export interface ReactionEmoji {
  readonly id: Snowflake;
  readonly name: string;
}

const CUSTOM = /^(?:<?a?:)?(\w{2,32}):(\d{1,20})>?$/;
const ID_MAX = 2n ** 63n - 1n;
/** Longer than any emoji sequence: a flag of a region is 7 code points, a family with skin tones 10. */
const UNITS_MAX = 40;
/**
 * One emoji and nothing else: a keycap, a flag of two letters, or pictographs joined by ZWJ, each with
 * its selector, skin tone or tag sequence.
 */
const UNICODE =
  /^(?:[0-9#*]\uFE0F?\u20E3|\p{RI}\p{RI}|\p{Extended_Pictographic}[\uFE0F\p{EMod}]*[\u{E0020}-\u{E007F}]*(?:\u200D[\p{Extended_Pictographic}\u2640\u2642][\uFE0F\p{EMod}]*)*)$/u;

/**
 * The emoji a path segment names, already percent-decoded: `👍`, `blob:817…`, `<a:blob:817…>`. Refuses
 * with 10014 what is none.
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
