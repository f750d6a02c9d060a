// The options a command was used with, held against how it was registered: a bot is told what it
// asked for, each value of its type, and of things only that they were named.
import {
  boolean,
  float,
  INVALID,
  integer,
  isRecord,
  snowflake,
  string,
  type Check,
  type Findings,
  type Path,
} from './validation.js';

/** Discord's numbers for kinds of option. */
const OptionType = {
  SubCommand: 1,
  SubCommandGroup: 2,
  Text: 3,
  Integer: 4,
  Boolean: 5,
  User: 6,
  Channel: 7,
  Role: 8,
  Mentionable: 9,
  Number: 10,
  Attachment: 11,
} as const;

const TEXT_LENGTH_MAX = 6000;
const OPTIONS_MAX = 25;

/** An option as it was registered. */
export interface OptionDefinition {
  readonly type: number;
  readonly name: string;
  readonly required?: boolean;
  readonly choices?: readonly { readonly value: string | number }[];
  readonly min_value?: number;
  readonly max_value?: number;
  readonly min_length?: number;
  readonly max_length?: number;
  readonly autocomplete?: boolean;
  readonly options?: readonly OptionDefinition[];
}

/** An option as the bot is told. */
export interface UsedOption {
  readonly type: number;
  readonly name: string;
  /** Of an attachment: the number of the file, until it has an id. */
  readonly value?: string | number | boolean;
  readonly focused?: true;
  readonly options?: readonly UsedOption[];
}

/** What options name by id. */
export interface NamedThings {
  readonly userIds: bigint[];
  readonly roleIds: bigint[];
  readonly channelIds: bigint[];
  readonly mentionableIds: bigint[];
}

/**
 * Checks the options of one use. While they are still typed (`isTyping`) required ones may be
 * missing, and the one in focus may say anything.
 */
export class OptionsCheck {
  readonly named: NamedThings = { userIds: [], roleIds: [], channelIds: [], mentionableIds: [] };
  focusedCount = 0;
  readonly #findings: Findings;
  readonly #isTyping: boolean;

  constructor(findings: Findings, isTyping: boolean) {
    this.#findings = findings;
    this.#isTyping = isTyping;
  }

  /** What the bot is told; what is wrong is among the findings. */
  run(definitions: readonly OptionDefinition[], given: unknown, path: Path): UsedOption[] {
    const list: unknown = given ?? [];
    if (!Array.isArray(list) || list.length > OPTIONS_MAX) {
      this.#wrong(path, 'LIST_TYPE_CONVERT', 'Only iterables may be used in a ListType');
      return [];
    }
    const used = list.flatMap((one: unknown, index) => {
      const option = this.#option(definitions, one, [...path, index]);
      return option === undefined ? [] : [option];
    });
    this.#checkPresent(definitions, used, path);
    return used;
  }

  #option(
    definitions: readonly OptionDefinition[],
    given: unknown,
    path: Path,
  ): UsedOption | undefined {
    const definition = isRecord(given)
      ? definitions.find(({ name, type }) => name === given['name'] && type === given['type'])
      : undefined;
    if (definition === undefined || !isRecord(given)) {
      this.#wrong(path, 'APPLICATION_COMMAND_INVALID_OPTION', 'The command has no such option');
      return undefined;
    }
    const { type, name } = definition;
    if (type === OptionType.SubCommand || type === OptionType.SubCommandGroup) {
      const inner = this.run(definition.options ?? [], given['options'], [...path, 'options']);
      return { type, name, options: inner };
    }
    const isFocused = this.#isTyping && given['focused'] === true;
    if (isFocused) this.focusedCount++;
    const check = isFocused ? typed(definition) : valueCheck(definition);
    const at = [...path, 'value'];
    const value = check.run(given['value'] ?? '', at, this.#findings);
    if (value === INVALID) return undefined;
    if (!isFocused && !this.#isOffered(definition, value, at)) return undefined;
    return {
      type,
      name,
      value: this.#noted(type, value),
      ...(isFocused ? { focused: true as const } : {}),
    };
  }

  /** Ids travel as text, and are to be looked up. */
  #noted(type: number, value: string | number | boolean | bigint): string | number | boolean {
    if (typeof value !== 'bigint') return value;
    const ids = {
      [OptionType.User]: this.named.userIds,
      [OptionType.Role]: this.named.roleIds,
      [OptionType.Channel]: this.named.channelIds,
      [OptionType.Mentionable]: this.named.mentionableIds,
    }[type];
    ids?.push(value);
    return String(value);
  }

  #isOffered({ choices, autocomplete }: OptionDefinition, value: unknown, path: Path): boolean {
    if (choices === undefined || choices.length === 0 || autocomplete === true) return true;
    if (choices.some((choice) => choice.value === value)) return true;
    this.#wrong(path, 'APPLICATION_COMMAND_OPTION_CHOICE_INVALID', 'Not one of the choices');
    return false;
  }

  #checkPresent(
    definitions: readonly OptionDefinition[],
    used: readonly UsedOption[],
    path: Path,
  ): void {
    const names = used.map(({ name }) => name);
    if (new Set(names).size < names.length) {
      const message = 'Option names must be unique in a command';
      this.#wrong(path, 'APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATE', message);
    }
    const isBranch = definitions.some(
      ({ type }) => type === OptionType.SubCommand || type === OptionType.SubCommandGroup,
    );
    if (isBranch && used.length !== 1) {
      this.#wrong(path, 'BASE_TYPE_REQUIRED', 'Exactly one sub-command must be chosen');
    }
    if (this.#isTyping) return;
    for (const { name, required } of definitions) {
      if (required !== true || names.includes(name)) continue;
      this.#wrong([...path, name], 'BASE_TYPE_REQUIRED', 'This field is required');
    }
  }

  #wrong(path: Path, code: string, message: string): void {
    this.#findings.add(path, code, message);
  }
}

/** What is typed of an option so far; only some are completed by the bot. */
function typed({ autocomplete }: OptionDefinition): Check<string> {
  const text = string({ max: TEXT_LENGTH_MAX });
  if (autocomplete === true) return text;
  return {
    absent: 'refuse',
    run: (_value, path, findings) =>
      findings.add(path, 'APPLICATION_COMMAND_OPTION_NO_AUTOCOMPLETE', 'It is not autocompleted'),
  };
}

function valueCheck(definition: OptionDefinition): Check<string | number | boolean | bigint> {
  const { min_value: min, max_value: max } = definition;
  const bounds = { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
  switch (definition.type) {
    case OptionType.Text:
      return string({
        min: definition.min_length ?? 0,
        max: definition.max_length ?? TEXT_LENGTH_MAX,
      });
    case OptionType.Integer:
      return integer(bounds);
    case OptionType.Number:
      return float(bounds);
    case OptionType.Boolean:
      return boolean();
    case OptionType.Attachment:
      return integer({ min: 0, max: 9 });
    default:
      return snowflake();
  }
}

/** Options with the ids of their files in place of their numbers. */
export function withFiles(options: readonly UsedOption[], ids: readonly bigint[]): UsedOption[] {
  return options.map((option) => {
    if (option.options !== undefined) return { ...option, options: withFiles(option.options, ids) };
    if (option.type !== OptionType.Attachment) return option;
    return { ...option, value: String(ids[option.value as number]) };
  });
}

/** The numbers of the files that options name. */
export function filesNamed(options: readonly UsedOption[]): number[] {
  return options.flatMap(({ type, value, options: inner }) =>
    inner === undefined
      ? type === OptionType.Attachment
        ? [value as number]
        : []
      : filesNamed(inner),
  );
}

/** The command as it was called: its name, and the names of group and sub-command. */
export function calledName(name: string, options: readonly UsedOption[]): string {
  const [first] = options;
  const isBranch =
    first?.type === OptionType.SubCommand || first?.type === OptionType.SubCommandGroup;
  return isBranch ? `${name} ${calledName(first.name, first.options ?? [])}` : name;
}
