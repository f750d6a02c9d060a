import {
  calledName,
  filesNamed,
  OptionsCheck,
  withFiles,
  type OptionDefinition,
  type UsedOption,
} from './command-options.js';
import { Findings } from './validation.js';

const DEFINITIONS: OptionDefinition[] = [
  { type: 3, name: 'text', required: true, min_length: 2, max_length: 5 },
  { type: 4, name: 'count', min_value: 1, max_value: 9 },
  { type: 5, name: 'loud' },
  { type: 10, name: 'ratio' },
  { type: 3, name: 'colour', choices: [{ value: 'red' }, { value: 'blue' }] },
  { type: 3, name: 'city', autocomplete: true },
  { type: 6, name: 'who' },
  { type: 7, name: 'where' },
  { type: 8, name: 'role' },
  { type: 9, name: 'any' },
  { type: 11, name: 'file' },
];
const TEXT = { type: 3, name: 'text', value: 'abc' };

function run(given: unknown, definitions = DEFINITIONS, isTyping = false) {
  const findings = new Findings();
  const check = new OptionsCheck(findings, isTyping);
  const used = check.run(definitions, given, ['data', 'options']);
  const errors = findings.errors.map(({ path, code }) => `${path.slice(2).join('.')} ${code}`);
  return { used, named: check.named, focusedCount: check.focusedCount, errors };
}

describe('The options of a command', () => {
  it('are told as what they are', () => {
    const { used, errors, named } = run([
      TEXT,
      { type: 4, name: 'count', value: 3, stray: 1 },
      { type: 5, name: 'loud', value: false },
      { type: 10, name: 'ratio', value: 0.5 },
      { type: 3, name: 'colour', value: 'red' },
      { type: 6, name: 'who', value: '12' },
      { type: 7, name: 'where', value: '13' },
      { type: 8, name: 'role', value: '14' },
      { type: 9, name: 'any', value: '15' },
    ]);
    expect(errors).toEqual([]);
    expect(used).toEqual([
      TEXT,
      { type: 4, name: 'count', value: 3 },
      { type: 5, name: 'loud', value: false },
      { type: 10, name: 'ratio', value: 0.5 },
      { type: 3, name: 'colour', value: 'red' },
      { type: 6, name: 'who', value: '12' },
      { type: 7, name: 'where', value: '13' },
      { type: 8, name: 'role', value: '14' },
      { type: 9, name: 'any', value: '15' },
    ]);
    expect(named).toEqual({
      userIds: [12n],
      channelIds: [13n],
      roleIds: [14n],
      mentionableIds: [15n],
    });
  });

  it.each([
    ['missing though required', [], ['text BASE_TYPE_REQUIRED']],
    [
      'unknown',
      [TEXT, { type: 3, name: 'x', value: 'y' }],
      ['1 APPLICATION_COMMAND_INVALID_OPTION'],
    ],
    [
      'of another type',
      [TEXT, { type: 3, name: 'count', value: '1' }],
      ['1 APPLICATION_COMMAND_INVALID_OPTION'],
    ],
    [
      'no number',
      [TEXT, { type: 4, name: 'count', value: 'many' }],
      ['1.value NUMBER_TYPE_COERCE'],
    ],
    ['too large', [TEXT, { type: 4, name: 'count', value: 10 }], ['1.value NUMBER_TYPE_MAX']],
    [
      'too long',
      [{ ...TEXT, value: 'abcdef' }],
      ['0.value BASE_TYPE_BAD_LENGTH', 'text BASE_TYPE_REQUIRED'],
    ],
    [
      'no choice',
      [TEXT, { type: 3, name: 'colour', value: 'green' }],
      ['1.value APPLICATION_COMMAND_OPTION_CHOICE_INVALID'],
    ],
    ['no id', [TEXT, { type: 6, name: 'who', value: 'me' }], ['1.value NUMBER_TYPE_COERCE']],
    ['without a value', [TEXT, { type: 6, name: 'who' }], ['1.value NUMBER_TYPE_COERCE']],
    ['given twice', [TEXT, TEXT], [' APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATE']],
    ['nothing', [TEXT, null], ['1 APPLICATION_COMMAND_INVALID_OPTION']],
    ['no list', 'text', [' LIST_TYPE_CONVERT']],
  ])('are refused when one is %s', (_what, given, errors) => {
    expect(run(given).errors).toEqual(errors);
  });

  it('may be unfinished while they are typed', () => {
    const typing = (given: unknown) => run(given, DEFINITIONS, true);
    const focused = { type: 3, name: 'city', value: 'Ber', focused: true };
    expect(typing([focused])).toMatchObject({ used: [focused], focusedCount: 1, errors: [] });
    expect(typing([{ type: 3, name: 'city', value: '', focused: true }]).errors).toEqual([]);
    expect(typing([{ ...TEXT, focused: true }]).errors).toEqual([
      '0.value APPLICATION_COMMAND_OPTION_NO_AUTOCOMPLETE',
    ]);
    expect(run([{ ...TEXT, focused: true }]).used).toEqual([TEXT]);
  });
});

describe('A command with sub-commands', () => {
  const definitions: OptionDefinition[] = [
    { type: 1, name: 'list' },
    { type: 2, name: 'role', options: [{ type: 1, name: 'add', options: [DEFINITIONS[0]!] }] },
  ];
  const given = [{ type: 2, name: 'role', options: [{ type: 1, name: 'add', options: [TEXT] }] }];

  it('is called by all of its names', () => {
    const { used, errors } = run(given, definitions);
    expect([used, errors]).toEqual([given, []]);
    expect(calledName('admin', used)).toBe('admin role add');
    expect(calledName('say', run([TEXT]).used)).toBe('say');
  });

  it('is called with exactly one, whose options are held to it', () => {
    expect(run([], definitions).errors).toEqual([' BASE_TYPE_REQUIRED']);
    const both = [...given, { type: 1, name: 'list' }];
    expect(run(both, definitions).errors).toEqual([' BASE_TYPE_REQUIRED']);
    const bare = [{ type: 2, name: 'role', options: [{ type: 1, name: 'add' }] }];
    expect(run(bare, definitions).errors).toEqual(['0.options.0.options.text BASE_TYPE_REQUIRED']);
  });
});

describe('Files among options', () => {
  const used: UsedOption[] = [
    { type: 1, name: 'send', options: [{ type: 11, name: 'file', value: 1 }] },
  ];

  it('are numbers until they have ids', () => {
    expect(run([TEXT, { type: 11, name: 'file', value: '1' }]).used[1]).toEqual({
      type: 11,
      name: 'file',
      value: 1,
    });
    expect(filesNamed(used)).toEqual([1]);
    expect(withFiles(used, [7n, 8n])[0]!.options).toEqual([{ type: 11, name: 'file', value: '8' }]);
    expect(run([TEXT, { type: 11, name: 'file', value: 99 }]).errors).toEqual([
      '1.value NUMBER_TYPE_MAX',
    ]);
  });
});
