import { parseArguments, SUBJECTS, USAGE, UsageError } from './arguments.js';

describe('parseArguments', () => {
  it('measures everything unless told', () => {
    const request = parseArguments([]);
    expect([...request.subjects]).toEqual([...SUBJECTS]);
    expect(request.sessions).toEqual([100, 1_000, 10_000, 18_000]);
    expect(request).toMatchObject({ roundsCount: 4, payloadBytes: 300, isProfiled: false });
  });

  it('takes single parts, smallest first', () => {
    const request = parseArguments(['--only', 'floor, nats', '--sessions=1000,100']);
    expect([...request.subjects]).toEqual(['floor', 'nats']);
    expect(request.sessions).toEqual([100, 1_000]);
  });

  it('says what makes no sense', () => {
    expect(() => parseArguments(['--only', 'kafka'])).toThrow(UsageError);
    expect(() => parseArguments(['--rounds', '0'])).toThrow('--rounds is a whole number from 1');
    expect(() => parseArguments(['--sessions', 'many'])).toThrow(/not many/);
    expect(() => parseArguments(['--nonsense'])).toThrow("Unknown option '--nonsense'");
  });

  it('has a help text that names every option', () => {
    expect(parseArguments(['--help']).isHelp).toBe(true);
    for (const option of ['only', 'sessions', 'rounds', 'bytes', 'profile', 'json', 'latency']) {
      expect(USAGE).toContain(`--${option}`);
    }
  });
});
