import type { Fault } from '@guildhall/fault';
import {
  changeCommandBody,
  commandBody,
  commandsBody,
  commandText,
  merged,
} from './command-body.js';
import { checked, Findings, INVALID } from './validation.js';

const ping = { name: 'ping', description: 'Pong' };
const option = (more: object) => ({ type: 3, name: 'word', description: 'a word', ...more });

function codesOf(value: unknown): string {
  try {
    checked(commandBody, value);
  } catch (reason) {
    return (reason as Fault).refusal!.errorsJson!;
  }
  return '';
}

describe('A slash command', () => {
  it('is kept as it was sent, with permissions as text', () => {
    const body = checked(commandBody, { ...ping, default_member_permissions: '8', x: 1 });
    expect(JSON.parse(commandText(body))).toMatchObject({
      name: 'ping',
      description: 'Pong',
      default_member_permissions: '8',
    });
    expect(body.type).toBe(1);
  });

  it('has a name that can be typed, and says what it does', () => {
    expect(codesOf({ ...ping, name: 'Ping' })).toContain('APPLICATION_COMMAND_INVALID_NAME');
    expect(codesOf({ ...ping, name: 'two words' })).toContain('APPLICATION_COMMAND_INVALID_NAME');
    expect(codesOf({ name: 'ping' })).toContain('BASE_TYPE_REQUIRED');
    expect(codesOf({ ...ping, name: 'größe' })).toBe('');
    expect(codesOf({ name: 'Look Up', type: 2 })).toBe('');
    expect(codesOf({ ...ping, type: 2 })).toContain('CONTEXT_MENU');
  });

  it('has options in order, each once, and holding options only where that means something', () => {
    expect(codesOf({ ...ping, options: [option({ required: true }), option({ name: 'b' })] })).toBe(
      '',
    );
    expect(
      codesOf({ ...ping, options: [option({}), option({ name: 'b', required: true })] }),
    ).toContain('OPTIONS_REQUIRED_INVALID');
    expect(codesOf({ ...ping, options: [option({}), option({})] })).toContain('NAME_DUPLICATE');
    const nested = { type: 1, name: 'sub', description: 'x', options: [option({})] };
    expect(codesOf({ ...ping, options: [{ ...nested, type: 2, options: [nested] }] })).toBe('');
    expect(codesOf({ ...ping, options: [option({ options: [option({})] })] })).toContain(
      'TYPE_INVALID',
    );
    expect(
      codesOf({ ...ping, options: [option({ choices: [{ name: 'a', value: {} }] })] }),
    ).toContain('BASE_TYPE_BAD_TYPE');
  });

  it('is one of at most a hundred, by its name and type', () => {
    expect(checked(commandsBody, [ping, { name: 'ping', type: 3 }])).toHaveLength(2);
    expect(() => checked(commandsBody, [ping, ping])).toThrow();
    const many = Array.from({ length: 101 }, (_, index) => ({ ...ping, name: `c${index}` }));
    expect(() => checked(commandsBody, many)).toThrow();
  });

  it('is changed in part, and checked as a whole', () => {
    const stored = { type: 1, name: 'ping', bodyJson: commandText(checked(commandBody, ping)) };
    const findings = new Findings();
    const changed = merged(stored, checked(changeCommandBody, { name: 'pong' }), findings);
    expect(changed).toMatchObject({ name: 'pong', description: 'Pong', type: 1 });
    const bits = { default_member_permissions: '16' };
    expect(merged(stored, checked(changeCommandBody, bits), findings)).toMatchObject({
      default_member_permissions: 16n,
    });
    const bad = merged(stored, checked(changeCommandBody, { name: 'NO' }), findings);
    expect(bad).toBe(INVALID);
  });
});
