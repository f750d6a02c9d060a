import { parseArguments, UsageError } from './arguments.js';

describe('parseArguments', () => {
  it('starts a fleet of its own unless told', () => {
    expect(parseArguments(['chat'])).toEqual({
      isHelp: false,
      scenario: 'chat',
      seed: undefined,
      durationS: undefined,
      jsonFile: undefined,
      build: true,
      running: undefined,
    });
  });

  it('takes a fleet that runs', () => {
    const words =
      'chat --seed 4 --duration 10 --json out --url ws://a:1,ws://b:2/ --api http://c:3/api ' +
      '--nats nats://operator:x@d:4 --data .guildhall';
    expect(parseArguments(words.split(' '))).toMatchObject({
      seed: 4,
      durationS: 10,
      jsonFile: 'out',
      running: {
        gateways: ['ws://a:1', 'ws://b:2'],
        api: 'http://c:3/api',
        natsUrl: 'nats://operator:x@d:4',
        dataDir: '.guildhall',
      },
    });
  });

  it.each([
    ['', 'which scenario?'],
    ['chat and more', 'what is and more?'],
    ['chat --seed x', '--seed is a whole number from 0 to 4294967295, not x'],
    ['chat --url ws://a', '--url and --api go together: one fleet, both its doors'],
    [
      'chat --url http://a --api http://a',
      '--url is an address that begins with ws://, not http://a',
    ],
    ['chat --nats nats://a', '--nats and --data are about a fleet that --url and --api name'],
    ['chat --sessions 4', "Unknown option '--sessions'"],
  ])('complains about %j', (words, complaint) => {
    const parse = (): unknown => parseArguments(words.split(' ').filter((word) => word !== ''));
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(complaint);
  });

  it('needs no scenario to help', () => {
    expect(parseArguments(['--help']).isHelp).toBe(true);
  });
});
