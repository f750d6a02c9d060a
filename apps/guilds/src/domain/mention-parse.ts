/** What a text says that mentions somebody, whether or not it may. */
export interface NamedMentions {
  /** @everyone or @here. */
  readonly everyone: boolean;
  /** In the order in which they are named, each once. */
  readonly userIds: readonly bigint[];
  readonly roleIds: readonly bigint[];
}

/** The most that one message can name of each kind. */
const NAMED_MAX = 100;
const ID_MAX = 2n ** 63n - 1n;
/** Code is shown as it stands, so nothing in it mentions anybody. */
const CODE = /```[\s\S]*?```|``[\s\S]*?``|`[^`\n]*`/g;
const MENTION = /<@(!|&)?(\d{1,19})>|@(?:everyone|here)\b/g;

/** The users (`<@id>`, `<@!id>`), roles (`<@&id>`), @everyone and @here in a text. */
export function namedMentions(content: string): NamedMentions {
  const userIds = new Set<bigint>();
  const roleIds = new Set<bigint>();
  let everyone = false;
  if (content.includes('@')) {
    for (const [, mark, digits] of content.replace(CODE, ' ').matchAll(MENTION)) {
      if (digits === undefined) {
        everyone = true;
        continue;
      }
      const id = BigInt(digits);
      const ids = mark === '&' ? roleIds : userIds;
      if (id <= ID_MAX && ids.size < NAMED_MAX) ids.add(id);
    }
  }
  return { everyone, userIds: [...userIds], roleIds: [...roleIds] };
}
