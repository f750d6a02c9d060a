import { createLogger, type Logger, type LogLevel } from './logger.js';
import { redactedFields, redactedText } from './redaction.js';

const TOKEN = 'MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs';

function openLog(level: LogLevel = 'debug'): { log: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as never) };
  return { log: createLogger({ service: 'api', instance: 'api-0', level, destination }), lines };
}

describe('Logger', () => {
  it('writes one line of JSON that says when, who, how bad and what', () => {
    const { log, lines } = openLog();
    log.warn('a session was closed', { sessionId: 's1', closeCode: 4009, seq: 12n });
    expect(lines).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        service: 'api',
        instance: 'api-0',
        sessionId: 's1',
        closeCode: 4009,
        seq: '12',
        message: 'a session was closed',
      },
    ]);
  });

  it('names the trace of lines that belong to one, and of no other', () => {
    const { log, lines } = openLog();
    const context = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
    log.with(context).info('inside');
    log.info('outside');
    expect(log.with(undefined)).toBe(log);
    expect(lines[0]).toMatchObject({ trace_id: context.traceId, span_id: context.spanId });
    expect(lines[1]).not.toHaveProperty('trace_id');
  });

  it('keeps the fields of a child on every line', () => {
    const { log, lines } = openLog();
    log.child({ partition: 17, token: TOKEN }).error('lost');
    expect(lines[0]).toMatchObject({ partition: 17, token: '[redacted]', level: 'error' });
  });

  it('writes from its level up', () => {
    const { log, lines } = openLog('error');
    log.debug('no');
    log.info('no');
    log.warn('no');
    log.error('yes');
    log.fatal('yes');
    expect(lines).toHaveLength(2);
    expect([log.isEnabled('warn'), log.isEnabled('error')]).toEqual([false, true]);
    const silent = openLog('silent');
    silent.log.fatal('no');
    expect(silent.lines).toEqual([]);
    expect(silent.log.isEnabled('silent')).toBe(false);
  });

  it('spells errors out with their causes, and survives what cannot be written', () => {
    const { log, lines } = openLog();
    const cause = new Error('connect to postgres://app:hunter22@db:5432 failed');
    log.error('commit failed', { error: Object.assign(new Error('x', { cause }), { code: 'io' }) });
    const circular: { self?: unknown } = {};
    circular.self = circular;
    log.info('odd', { circular, bytes: new Uint8Array(9), at: new Date(0) });
    expect(lines[0]).toMatchObject({
      error: { type: 'Error', message: 'x', code: 'io', cause: { type: 'Error' } },
    });
    expect(JSON.stringify(lines)).not.toContain('hunter22');
    expect(lines[1]).toMatchObject({ bytes: '[9 bytes]', at: '1970-01-01T00:00:00.000Z' });
  });
});

describe('redaction', () => {
  it.each([
    ['token', TOKEN],
    ['Authorization', `Bot ${TOKEN}`],
    ['password', 'correct horse'],
    ['access_token', 'abc'],
    ['clientSecret', 'abc'],
    ['tokenHash', 'abc'],
    ['cookie', 'a=b'],
  ])('hides the value of %s at any depth', (name, secret) => {
    const text = JSON.stringify(redactedFields({ a: [{ b: { [name]: secret } }], [name]: secret }));
    expect(text).not.toContain(secret);
    expect(text.match(/\[redacted\]/g)).toHaveLength(2);
  });

  it('hides credentials inside texts', () => {
    expect(redactedText(`sent "Bearer abcdefgh1234" twice`)).toBe('sent "[redacted]" twice');
    expect(redactedText(`bad token ${TOKEN}`)).toBe('bad token [redacted]');
    expect(redactedText('nats://user:pw@127.0.0.1:4222')).toBe('nats://[redacted]@127.0.0.1:4222');
    expect(redactedText('nats://t0ken@127.0.0.1')).toBe('nats://[redacted]@127.0.0.1');
  });

  it('takes no longer over a hostile text', () => {
    const texts = ['a-', '//a:', 'Bot ', 'x.', '//'].map((part) => part.repeat(4_096));
    const startMs = performance.now();
    for (const text of texts) redactedText(text);
    expect(performance.now() - startMs).toBeLessThan(500);
  });

  it('leaves what is no secret alone', () => {
    const fields = { sessionId: 's1', tokensCount: 3, url: 'https://example.org/a@b', isOn: true };
    expect(redactedFields(fields)).toEqual(fields);
    expect(redactedFields({ password: null })).toEqual({ password: null });
  });

  it('bounds what one line can hold', () => {
    const fields = { list: Array.from({ length: 500 }, () => 1), text: 'x'.repeat(100_000) };
    expect(JSON.stringify(redactedFields(fields)).length).toBeLessThan(10_000);
  });
});
