import { isUsable } from './components.js';

const BUTTON = 2;
const TEXT_SELECT = 3;
const USER_SELECT = 5;
const ROWS = [
  {
    type: 1,
    components: [
      { type: BUTTON, custom_id: 'ok', style: 1 },
      { type: BUTTON, custom_id: 'off', disabled: true },
    ],
  },
  {
    type: 17,
    components: [
      { type: 9, components: [], accessory: { type: BUTTON, custom_id: 'beside' } },
      {
        type: 1,
        components: [
          {
            type: TEXT_SELECT,
            custom_id: 'colour',
            options: [{ value: 'red' }, { value: 'blue' }, { value: 'green' }],
            min_values: 1,
            max_values: 2,
          },
        ],
      },
      { type: USER_SELECT, custom_id: 'who' },
    ],
  },
];

const press = (customId: string, type = BUTTON): boolean =>
  isUsable(ROWS, { customId, type, values: undefined });
const choose = (values: unknown[], customId = 'colour', type = TEXT_SELECT): boolean =>
  isUsable(ROWS, { customId, type, values });

describe('A component', () => {
  it('is found in rows, containers and beside sections', () => {
    expect(press('ok')).toBe(true);
    expect(press('beside')).toBe(true);
    expect(choose(['red'])).toBe(true);
  });

  it('cannot be used when there is none such, of another kind, or disabled', () => {
    expect(press('nothing')).toBe(false);
    expect(press('ok', TEXT_SELECT)).toBe(false);
    expect(press('off')).toBe(false);
    expect(choose(['red'], 'ok', BUTTON)).toBe(false);
    expect(isUsable([], { customId: 'ok', type: BUTTON, values: undefined })).toBe(false);
  });

  it('takes as many of its own choices as it says, each once', () => {
    expect(choose(['red', 'blue'])).toBe(true);
    expect(choose([])).toBe(false);
    expect(choose(['red', 'blue', 'green'])).toBe(false);
    expect(choose(['red', 'red'])).toBe(false);
    expect(choose(['black'])).toBe(false);
    expect(choose(['12'], 'who', USER_SELECT)).toBe(true);
    expect(choose(['12', '13'], 'who', USER_SELECT)).toBe(false);
  });

  it('is not confused by what a bot may have sent instead', () => {
    const odd = [{ components: 'no' }, { components: [null, 7], accessory: null }, {}];
    expect(isUsable(odd, { customId: 'ok', type: BUTTON, values: undefined })).toBe(false);
    const noOptions = [{ type: TEXT_SELECT, custom_id: 'x', options: 'none' }];
    expect(isUsable(noOptions, { customId: 'x', type: TEXT_SELECT, values: ['a'] })).toBe(false);
  });
});
