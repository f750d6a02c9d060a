// What people do with applications, and what those answer, as it comes over HTTP.
// https://discord.com/developers/docs/interactions/receiving-and-responding
import {
  attachmentNotes,
  editMessageBody,
  EPHEMERAL,
  jsonList,
  responseBody,
  type CreateMessageBody,
  type EditMessageBody,
} from './message-body.js';
import {
  INVALID,
  integer,
  isRecord,
  list,
  object,
  oneOf,
  optionalOrNull,
  rawJson,
  snowflake,
  string,
  withDefault,
  type Check,
  type Checked,
} from './validation.js';

/** Discord's numbers for kinds of interaction. */
export const InteractionType = { Command: 2, Component: 3, Autocomplete: 4, Modal: 5 } as const;

/** Discord's numbers for kinds of answer; 0 is ours. */
export const AnswerType = {
  None: 0,
  Pong: 1,
  Message: 4,
  DeferredMessage: 5,
  DeferredUpdate: 6,
  Update: 7,
  Choices: 8,
  Modal: 9,
} as const;

const JSON_LENGTH_MAX = 64 * 1024;
const customId = string({ min: 1, max: 100 });

const record: Check<Record<string, unknown>> = {
  absent: 'refuse',
  run(value, path, findings) {
    if (!isRecord(value)) {
      const message = 'Only dictionaries may be used in a ModelType';
      return findings.add(path, 'MODEL_TYPE_CONVERT', message);
    }
    return rawJson({ max: JSON_LENGTH_MAX }).run(value, path, findings) === INVALID
      ? INVALID
      : value;
  },
};

/** POST /interactions; `data` is checked by its type. */
export const interactionBody = object({
  type: oneOf(...Object.values(InteractionType)),
  application_id: snowflake(),
  guild_id: optionalOrNull(snowflake()),
  channel_id: snowflake(),
  message_id: optionalOrNull(snowflake()),
  nonce: optionalOrNull(string({ max: 25 })),
  data: record,
});
export type InteractionBody = Checked<typeof interactionBody>;

/** `data` of a command and of one that is being typed. */
export const commandData = object({
  id: snowflake(),
  name: string({ min: 1, max: 32 }),
  type: withDefault(oneOf(1, 2, 3), 1),
  version: optionalOrNull(snowflake()),
  guild_id: optionalOrNull(snowflake()),
  options: optionalOrNull(list(record, { max: 25 })),
  target_id: optionalOrNull(snowflake()),
  attachments: optionalOrNull(attachmentNotes),
});

/** `data` of a component. */
export const componentData = object({
  component_type: integer({ min: 2, max: 8 }),
  custom_id: customId,
  values: optionalOrNull(list(string({ max: 100 }), { max: 25 })),
});

/** `data` of a modal; `id` is the interaction that was answered with it. */
export const modalData = object({
  id: snowflake(),
  custom_id: customId,
  components: jsonList(5),
});

const choice = object({
  name: string({ min: 1, max: 100 }),
  name_localizations: optionalOrNull(record),
  value: choiceValue(),
});
const choices = object({ choices: list(choice, { max: 25 }) });

const modal = object({
  custom_id: customId,
  title: string({ min: 1, max: 45 }),
  components: jsonList(5),
});

const deferral = object({ flags: withDefault(integer({ min: 0 }), 0) });

/** What a bot answers. */
export type Callback =
  | { readonly type: typeof AnswerType.Pong | typeof AnswerType.DeferredUpdate }
  | { readonly type: typeof AnswerType.Message; readonly data: CreateMessageBody }
  | { readonly type: typeof AnswerType.DeferredMessage; readonly isEphemeral: boolean }
  | { readonly type: typeof AnswerType.Update; readonly data: EditMessageBody }
  | { readonly type: typeof AnswerType.Choices; readonly data: Checked<typeof choices> }
  | { readonly type: typeof AnswerType.Modal; readonly data: Checked<typeof modal> };

const head = object({ type: oneOf(1, 4, 5, 6, 7, 8, 9) });

/** POST /interactions/{id}/{token}/callback. */
export const callbackBody: Check<Callback> = {
  absent: 'refuse',
  run(value, path, findings) {
    const given = head.run(value, path, findings);
    if (given === INVALID) return INVALID;
    const { type } = given;
    const data = (value as Record<string, unknown>)['data'] ?? {};
    const checkData = <T>(check: Check<T>): T | typeof INVALID =>
      check.run(data, [...path, 'data'], findings);
    switch (type) {
      case AnswerType.Pong:
      case AnswerType.DeferredUpdate:
        return { type };
      case AnswerType.DeferredMessage: {
        const deferred = checkData(deferral);
        if (deferred === INVALID) return INVALID;
        return { type, isEphemeral: (deferred.flags & EPHEMERAL) !== 0 };
      }
      case AnswerType.Message:
        return withData(type, checkData(responseBody));
      case AnswerType.Update:
        return withData(type, checkData(editMessageBody));
      case AnswerType.Choices:
        return withData(type, checkData(choices));
      case AnswerType.Modal:
        return withData(type, checkData(modal));
    }
  },
};

function withData<K, T>(type: K, data: T | typeof INVALID): { type: K; data: T } | typeof INVALID {
  return data === INVALID ? INVALID : { type, data };
}

/** The kinds of answer that there are to an interaction. `hasSource`: it belongs to a message. */
export function answersTo(type: number, hasSource: boolean): readonly number[] {
  if (type === InteractionType.Autocomplete) return [AnswerType.Choices];
  return [
    AnswerType.Pong,
    AnswerType.Message,
    AnswerType.DeferredMessage,
    ...(hasSource ? [AnswerType.DeferredUpdate, AnswerType.Update] : []),
    ...(type === InteractionType.Modal ? [] : [AnswerType.Modal]),
  ];
}

function choiceValue(): Check<string | number> {
  const text = string({ max: 100 });
  return {
    absent: 'refuse',
    run: (value, path, findings) =>
      typeof value === 'number' && Number.isFinite(value) ? value : text.run(value, path, findings),
  };
}
