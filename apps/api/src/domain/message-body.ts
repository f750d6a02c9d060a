// The bodies of messages: what a client may say, checked; see embed-body.ts for embeds.
import { refuse } from '@guildhall/contracts';
import { embeds } from './embed-body.js';
import type { ReceivedFile } from './ports.js';
import {
  anchorOf,
  boolean,
  INVALID,
  integer,
  isRecord,
  list,
  nullable,
  object,
  oneOf,
  optional,
  optionalOrNull,
  rawJson,
  refuseFields,
  snowflake,
  string,
  then,
  withDefault,
  type Check,
  type Checked,
} from './validation.js';

const CONTENT_LENGTH_MAX = 2000;
const NONCE_LENGTH_MAX = 25;
const ATTACHMENTS_MAX = 10;
const JSON_LENGTH_MAX = 64 * 1024;
const SUPPRESS_EMBEDS = 1 << 2;
const SUPPRESS_NOTIFICATIONS = 1 << 12;
/** Seen only by who asked a bot for something. */
export const EPHEMERAL = 1 << 6;

/** Who may be pinged by what the content mentions. */
export const allowedMentions = then(
  object({
    parse: withDefault(list(oneOf('everyone', 'users', 'roles'), { max: 3 }), []),
    users: withDefault(list(snowflake(), { max: 100 }), []),
    roles: withDefault(list(snowflake(), { max: 100 }), []),
    replied_user: withDefault(boolean(), false),
  }),
  (given, path, findings) => {
    for (const word of ['users', 'roles'] as const) {
      if (given.parse.includes(word) && given[word].length > 0) {
        const message = `parse:["${word}"] and ${word}: [ids...] are mutually exclusive.`;
        return findings.add(
          [...path, 'parse'],
          'MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE',
          message,
        );
      }
    }
    return given;
  },
);

/** A nonce comes back as what it was: text, or a number. */
const nonce: Check<{ text: string; isNumber: boolean }> = {
  absent: 'refuse',
  run(value, path, findings) {
    const isNumber = typeof value === 'number' && Number.isSafeInteger(value);
    const text = string({ max: NONCE_LENGTH_MAX }).run(value, path, findings);
    return text === INVALID ? INVALID : { text, isNumber };
  },
};

/** What a client says of its files. */
export const attachmentNotes = list(
  object({
    id: snowflake(),
    filename: optionalOrNull(string({ max: 1024 })),
    description: optionalOrNull(string({ max: 1024 })),
  }),
  { max: ATTACHMENTS_MAX },
);
export type AttachmentNote = Checked<typeof attachmentNotes>[number];

const reference = object({
  message_id: optionalOrNull(snowflake()),
  channel_id: optionalOrNull(snowflake()),
  guild_id: optionalOrNull(snowflake()),
  type: withDefault(oneOf(0), 0),
  fail_if_not_exists: withDefault(boolean(), true),
});

const createFields = {
  content: optionalOrNull(string({ max: CONTENT_LENGTH_MAX })),
  tts: withDefault(boolean(), false),
  nonce: optionalOrNull(nonce),
  enforce_nonce: withDefault(boolean(), false),
  embeds: optionalOrNull(embeds),
  /** The one embed of older versions; some clients still send it. */
  embed: optionalOrNull(singleEmbed()),
  allowed_mentions: optionalOrNull(allowedMentions),
  message_reference: optionalOrNull(reference),
  components: optionalOrNull(jsonList(5)),
  sticker_ids: optionalOrNull(list(snowflake(), { max: 3 })),
  attachments: optionalOrNull(attachmentNotes),
  flags: withDefault(then(integer({ min: 0 }), onlySettableFlags), 0),
};

/** POST …/messages. */
export const createMessageBody = object(createFields);
export type CreateMessageBody = Checked<typeof createMessageBody>;

/** What a bot answers an interaction with. */
export const responseBody = object({
  ...createFields,
  flags: withDefault(
    then(integer({ min: 0 }), (flags) => onlySettableFlags(flags) | (flags & EPHEMERAL)),
    0,
  ),
});

/** PATCH …/messages/{m}. Null empties; absent leaves as it is. */
export const editMessageBody = object({
  content: optional(nullable(string({ max: CONTENT_LENGTH_MAX }))),
  embeds: optional(nullable(embeds)),
  embed: optional(nullable(singleEmbed())),
  allowed_mentions: optionalOrNull(allowedMentions),
  flags: optionalOrNull(then(integer({ min: 0 }), onlySettableFlags)),
  attachments: optional(nullable(attachmentNotes)),
  components: optional(nullable(jsonList(5))),
});
export type EditMessageBody = Checked<typeof editMessageBody>;

/** GET …/messages. */
export const listMessagesQuery = then(
  object({
    limit: withDefault(integer({ min: 1, max: 100 }), 50),
    before: optionalOrNull(snowflake()),
    after: optionalOrNull(snowflake()),
    around: optionalOrNull(snowflake()),
  }),
  ({ limit, before, after, around }) => {
    const page = { limit, before: 0n, after: 0n, around: 0n };
    // Discord takes the first that is given and ignores the others.
    if (around !== undefined) return { ...page, around: anchorOf(around) };
    if (before !== undefined) return { ...page, before: anchorOf(before) };
    return { ...page, after: anchorOf(after) };
  },
);

/** Refuses a message that says nothing at all (50006). */
export function refuseEmpty(body: CreateMessageBody, files: readonly ReceivedFile[]): void {
  const isEmpty =
    (body.content ?? '').trim() === '' &&
    (body.embeds ?? body.embed ?? '[]') === '[]' &&
    (body.sticker_ids ?? []).length === 0 &&
    (body.components ?? '[]') === '[]' &&
    files.length === 0;
  if (isEmpty) throw refuse('EmptyMessage');
}

/** What the client says of one of its files. */
export interface NotedFile {
  readonly file: ReceivedFile;
  readonly filename: string | undefined;
  readonly description: string;
}

/**
 * Each file with what `attachments` says of it: `files[n]` belongs to the note whose id is n. A
 * note whose id is no file's is of an attachment the message has already; those come back as
 * `keepIds`.
 */
export function matchNotes(
  files: readonly ReceivedFile[],
  notes: readonly AttachmentNote[] | undefined,
): { noted: NotedFile[]; keepIds: bigint[] } {
  const byId = new Map((notes ?? []).map((note) => [note.id, note]));
  const noted = files.map((file, index) => {
    const field = /^files?\[(\d{1,4})\]$/.exec(file.field);
    const id = BigInt(field?.[1] ?? index);
    const note = byId.get(id);
    byId.delete(id);
    return { file, filename: note?.filename, description: note?.description ?? '' };
  });
  // Ids below this are indexes of files, not of anything stored.
  const keepIds = [...byId.keys()].filter((id) => id >= BigInt(ATTACHMENTS_MAX));
  return { noted, keepIds };
}

/** Refuses attachments (of a new message) that name a file which was not sent. */
export function refuseUnsent(keepIds: readonly bigint[]): void {
  if (keepIds.length === 0) return;
  const message = 'Attachment was not uploaded with this message.';
  throw refuseFields([{ path: ['attachments'], code: 'ATTACHMENT_NOT_FOUND', message }]);
}

function singleEmbed(): Check<string> {
  return {
    absent: 'refuse',
    run: (value, path, findings) =>
      isRecord(value)
        ? embeds.run([value], path, findings)
        : findings.add(path, 'MODEL_TYPE_CONVERT', 'Only dictionaries may be used in a ModelType'),
  };
}

/** Up to `max` objects that are kept as they are, as JSON text. */
export function jsonList(max: number): Check<string> {
  const text = rawJson({ max: JSON_LENGTH_MAX });
  return {
    absent: 'refuse',
    run(value, path, findings) {
      if (!Array.isArray(value) || !value.every(isRecord)) {
        return findings.add(path, 'LIST_TYPE_CONVERT', 'Only iterables may be used in a ListType');
      }
      if (value.length > max) {
        const message = `Must be ${max} or fewer in length.`;
        return findings.add(path, 'BASE_TYPE_MAX_LENGTH', message);
      }
      return text.run(value, path, findings);
    },
  };
}

/** The others are Discord's to set; clients that send back what they got are not refused for it. */
function onlySettableFlags(flags: number): number {
  return flags & (SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS);
}
