// Slash commands and their options, checked and kept as Discord shows them.
// https://discord.com/developers/docs/interactions/application-commands#application-command-object
import {
  boolean,
  float,
  INVALID,
  integer,
  isRecord,
  list,
  nullable,
  object,
  oneOf,
  optional,
  optionalOrNull,
  permissionBits,
  string,
  withDefault,
  type Check,
  type Checked,
  type Findings,
  type Path,
} from './validation.js';

const CHAT_INPUT = 1;
const COMMANDS_MAX = 100;
const OPTIONS_MAX = 25;
const SUB_COMMAND = 1;
const SUB_COMMAND_GROUP = 2;
const NAME = /^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$/u;
const LOCALES = [
  ...['id', 'da', 'de', 'en-GB', 'en-US', 'es-ES', 'es-419', 'fr', 'hr', 'it', 'lt', 'hu', 'nl'],
  ...['no', 'pl', 'pt-BR', 'ro', 'fi', 'sv-SE', 'vi', 'tr', 'cs', 'el', 'bg', 'ru', 'uk', 'hi'],
  ...['th', 'zh-CN', 'ja', 'zh-TW', 'ko'],
] as const;

const localizations = (max: number): Check<Record<string, string> | null> =>
  nullable(
    object(
      Object.fromEntries(LOCALES.map((locale) => [locale, optional(string({ min: 1, max }))])),
    ) as Check<Record<string, string>>,
  );

const choice = object({
  name: string({ min: 1, max: 100 }),
  name_localizations: optional(localizations(100)),
  value: scalar(),
});

const optionFields = {
  type: integer({ min: 1, max: 11 }),
  name: string({ min: 1, max: 32 }),
  name_localizations: optional(localizations(32)),
  description: string({ min: 1, max: 100 }),
  description_localizations: optional(localizations(100)),
  required: optionalOrNull(boolean()),
  choices: optionalOrNull(list(choice, { max: OPTIONS_MAX })),
  channel_types: optionalOrNull(list(integer({ min: 0, max: 20 }), { max: 20 })),
  min_value: optionalOrNull(float()),
  max_value: optionalOrNull(float()),
  min_length: optionalOrNull(integer({ min: 0, max: 6000 })),
  max_length: optionalOrNull(integer({ min: 1, max: 6000 })),
  autocomplete: optionalOrNull(boolean()),
};

const parameter = named(object(optionFields));
const subCommand = named(
  object({ ...optionFields, options: optionalOrNull(list(parameter, { max: OPTIONS_MAX })) }),
);
const option = named(
  object({ ...optionFields, options: optionalOrNull(list(subCommand, { max: OPTIONS_MAX })) }),
);

const commandFields = {
  name: string({ min: 1, max: 32 }),
  name_localizations: optional(localizations(32)),
  description: optionalOrNull(string({ max: 100 })),
  description_localizations: optional(localizations(100)),
  options: optionalOrNull(list(option, { max: OPTIONS_MAX })),
  default_member_permissions: optional(nullable(permissionBits())),
  dm_permission: optionalOrNull(boolean()),
  default_permission: optionalOrNull(boolean()),
  contexts: optional(nullable(list(integer({ min: 0, max: 2 }), { max: 3 }))),
  integration_types: optionalOrNull(list(integer({ min: 0, max: 1 }), { max: 2 })),
  nsfw: optionalOrNull(boolean()),
};

const anyCommand = object({ ...commandFields, type: withDefault(oneOf(1, 2, 3), CHAT_INPUT) });
export type CommandBody = Checked<typeof anyCommand>;
/** One command of POST and PUT. */
export const commandBody: Check<CommandBody> = wellFormed(anyCommand);

/** All commands of PUT. Names are unique for each type. */
export const commandsBody: Check<CommandBody[]> = {
  absent: 'refuse',
  run(value, path, findings) {
    const commands = list(commandBody, { max: COMMANDS_MAX }).run(value, path, findings);
    if (commands === INVALID) return INVALID;
    const seen = new Set<string>();
    for (const [index, { type, name }] of commands.entries()) {
      const key = `${type}:${name}`;
      if (seen.has(key)) {
        const message = 'Application command names must be unique';
        return findings.add(
          [...path, index, 'name'],
          'APPLICATION_COMMANDS_DUPLICATE_NAME',
          message,
        );
      }
      seen.add(key);
    }
    return commands;
  },
};

/** PATCH: what is absent stays as it was. */
export const changeCommandBody = object({
  ...commandFields,
  name: optionalOrNull(string({ min: 1, max: 32 })),
});
export type ChangeCommandBody = Checked<typeof changeCommandBody>;

/** What is stored of a command: JSON text that `commandJson` completes. */
export function commandText(body: Omit<CommandBody, 'type'>): string {
  const bits = body.default_member_permissions;
  return JSON.stringify({
    ...body,
    description: body.description ?? '',
    ...(bits === undefined || bits === null ? {} : { default_member_permissions: String(bits) }),
  });
}

/** A changed command, checked as a whole. */
export function merged(
  stored: { type: number; name: string; bodyJson: string },
  change: ChangeCommandBody,
  findings: Findings,
): CommandBody | typeof INVALID {
  const given = Object.entries(change).filter(([, value]) => value !== undefined);
  const bits = change.default_member_permissions;
  const whole = {
    ...(JSON.parse(stored.bodyJson) as object),
    name: stored.name,
    type: stored.type,
    ...Object.fromEntries(given),
    ...(typeof bits === 'bigint' ? { default_member_permissions: String(bits) } : {}),
  };
  return commandBody.run(whole, [], findings);
}

/** Names as typed after the slash; the menu commands of users and messages are named freely. */
function wellFormed(check: Check<CommandBody>): Check<CommandBody> {
  return {
    absent: 'refuse',
    run(value, path, findings) {
      const command = check.run(value, path, findings);
      if (command === INVALID) return INVALID;
      if (command.type === CHAT_INPUT) {
        if (!checkName(command.name, path, findings)) return INVALID;
        if ((command.description ?? '') === '') {
          const message = 'This field is required';
          return findings.add([...path, 'description'], 'BASE_TYPE_REQUIRED', message);
        }
        return checkOptions(command, path, findings) ? command : INVALID;
      }
      const extra = (command.description ?? '') !== '' || (command.options ?? []).length > 0;
      if (!extra) return command;
      const message = 'Context menu commands cannot have description or options';
      return findings.add(path, 'APPLICATION_COMMAND_CONTEXT_MENU_FIELDS', message);
    },
  };
}

function named<T extends { name: string }>(check: Check<T>): Check<T> {
  return {
    absent: 'refuse',
    run(value, path, findings) {
      const given = check.run(value, path, findings);
      if (given === INVALID) return INVALID;
      return checkName(given.name, path, findings) ? given : INVALID;
    },
  };
}

function checkName(name: string, path: Path, findings: Findings): boolean {
  if (NAME.test(name) && name === name.toLowerCase()) return true;
  findings.add([...path, 'name'], 'APPLICATION_COMMAND_INVALID_NAME', 'Command name is invalid');
  return false;
}

interface OptionShape {
  type: number;
  name: string;
  required?: boolean | undefined;
  options?: OptionShape[] | undefined;
}

/** Required options come first, names are unique, and only sub-commands hold options. */
function checkOptions(holder: { options?: unknown }, path: Path, findings: Findings): boolean {
  const options = (holder.options ?? []) as OptionShape[];
  const names = new Set<string>();
  let sawOptional = false;
  let isValid = true;
  const wrong = (at: Path, code: string, message: string): void => {
    findings.add(at, code, message);
    isValid = false;
  };
  for (const [index, one] of options.entries()) {
    const at = [...path, 'options', index];
    if (names.has(one.name)) {
      const message = 'Option names must be unique in a command';
      wrong([...at, 'name'], 'APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATE', message);
    }
    names.add(one.name);
    const holdsOptions = one.type === SUB_COMMAND || one.type === SUB_COMMAND_GROUP;
    if (!holdsOptions && (one.options ?? []).length > 0) {
      const message = 'Only sub-commands and groups hold options';
      wrong([...at, 'options'], 'APPLICATION_COMMAND_OPTIONS_TYPE_INVALID', message);
    }
    if (one.required === true && sawOptional) {
      const message = 'Required options must be placed before non-required options';
      wrong(at, 'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID', message);
    }
    if (one.required !== true) sawOptional = true;
    if (!checkOptions(one, at, findings)) isValid = false;
  }
  return isValid;
}

function scalar(): Check<string | number> {
  return {
    absent: 'refuse',
    run(value, path, findings) {
      if (typeof value === 'number' && Number.isFinite(value)) return value;
      if (!isRecord(value) && !Array.isArray(value)) {
        return string({ max: 100 }).run(value, path, findings);
      }
      return findings.add(path, 'BASE_TYPE_BAD_TYPE', 'Must be a string, an integer or a number.');
    },
  };
}
