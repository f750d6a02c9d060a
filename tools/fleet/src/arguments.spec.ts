import { parseArguments, UsageError } from './arguments.js';

const parse = (text: string) => parseArguments(text.split(' ').filter(Boolean), '/home/guild');

describe('parseArguments', () => {
  it('starts the usual fleet when nothing is said', () => {
    expect(parse('')).toEqual({
      command: 'start',
      dataDir: '/home/guild/.guildhall',
      instances: { gateway: 2, guilds: 2, api: 1, presence: 1, 'read-states': 1 },
      apiPort: undefined,
      gatewayPort: undefined,
      clean: false,
      seed: true,
    });
  });

  it('reads every option', () => {
    const words =
      'start --gateway 3 --guilds 1 --api=2 --presence 2 --read-states 4 --api-port 8080 ' +
      '--gateway-port 9000 --data /srv/data --clean --no-seed';
    expect(parse(words)).toEqual({
      command: 'start',
      dataDir: '/srv/data',
      instances: { gateway: 3, guilds: 1, api: 2, presence: 2, 'read-states': 4 },
      apiPort: 8080,
      gatewayPort: 9000,
      clean: true,
      seed: false,
    });
  });

  it('helps whatever else is said', () => {
    expect(parse('start --help').command).toBe('help');
    expect(parse('help').command).toBe('help');
  });

  it.each([
    ['--gateways 2', "Unknown option '--gateways'"],
    ['--gateway 0', '--gateway is a whole number from 1 to 64, not 0'],
    ['--gateway 65', '--gateway is a whole number from 1 to 64, not 65'],
    ['--gateway two', '--gateway is a whole number from 1 to 64, not two'],
    ['--api-port 65536', '--api-port is a whole number from 1 to 65535, not 65536'],
    ['begin', 'there is no command begin; there are start, status, stop, help'],
    ['start now', 'what is now?'],
  ])('complains about %s', (words, complaint) => {
    expect(() => parse(words)).toThrow(UsageError);
    expect(() => parse(words)).toThrow(complaint);
  });
});
