import { eventually, shown } from './eventually.js';

describe('eventually', () => {
  it('gives the first value that is one', async () => {
    const answers = [undefined, null, false, 0];
    await expect(eventually(() => answers.shift(), { label: 'a number' })).resolves.toBe(0);
    expect(answers).toEqual([]);
  });

  it('takes an empty string for a value', async () => {
    await expect(eventually(() => '', { label: 'text' })).resolves.toBe('');
  });

  it('asks again while the check throws or rejects', async () => {
    let checks = 0;
    const check = async (): Promise<string> => {
      checks++;
      if (checks < 4) throw new Error(`too early (${checks})`);
      return 'ready';
    };
    await expect(eventually(check, { label: 'ready' })).resolves.toBe('ready');
    expect(checks).toBe(4);
  });

  it('checks once even with no time at all', async () => {
    await expect(eventually(() => 1, { label: 'at once', timeoutMs: 0 })).resolves.toBe(1);
    await expect(eventually(() => false, { label: 'at once', timeoutMs: 0 })).rejects.toThrow(
      'waited 0 ms for: at once (1 checks); the last value was: false',
    );
  });

  it('tells what it waited for and the last value', async () => {
    const waiting = eventually(() => null, { label: 'the message', timeoutMs: 20 });
    await expect(waiting).rejects.toThrow(
      /^waited 20 ms for: the message \(\d+ checks\); the last value was: null$/,
    );
  });

  it('tells the last error and keeps it as the cause', async () => {
    const cause = new Error('expected 3, saw 2');
    const waiting = eventually(
      (): true => {
        throw cause;
      },
      { label: 'three', timeoutMs: 20 },
    );
    await expect(waiting).rejects.toMatchObject({
      message: expect.stringMatching(/the last error was: expected 3, saw 2$/),
      cause,
    });
  });

  it('does not hang with a check that does', async () => {
    let checks = 0;
    const check = (): Promise<boolean> => {
      checks++;
      return new Promise<boolean>(() => {});
    };
    await expect(eventually(check, { label: 'an answer', timeoutMs: 30 })).rejects.toThrow(
      /^waited 30 ms for: an answer \(1 checks; the last check did not finish\)$/,
    );
    expect(checks).toBe(1);
  });

  it('never makes two checks at the same time', async () => {
    let running = 0;
    let most = 0;
    let checks = 0;
    await eventually(
      async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        return ++checks === 5;
      },
      { label: 'five checks' },
    );
    expect(most).toBe(1);
  });

  it('refuses, when compiled, a check that is only an assertion', async () => {
    const assertOnly = (): void => expect(1).toBe(1);
    // @ts-expect-error a check that only asserts must return true at its end
    const waiting = eventually(() => assertOnly(), { label: 'nothing', timeoutMs: 5 });
    await expect(waiting).rejects.toThrow('the last value was: undefined (return true');
  });
});

describe('shown', () => {
  it('cuts what is long and survives what is odd', () => {
    expect(shown({ id: 1n, list: [1, 2] })).toBe('{ id: 1n, list: [ 1, 2 ] }');
    expect(shown('x'.repeat(5000)).length).toBeLessThan(1100);
    expect(shown(Object.create(null))).toContain('null prototype');
  });
});
