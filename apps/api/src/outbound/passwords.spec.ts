import { Passwords } from './passwords.js';

const make = (more = {}) => new Passwords({ cost: 4, concurrencyMax: 1, waitingMax: 1, ...more });

describe('Passwords', () => {
  it('are known again, and nothing else is', async () => {
    const passwords = make();
    const stored = await passwords.hash('correct horse');
    expect(stored).toMatch(/^scrypt\$4\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
    expect(await passwords.matches('correct horse', stored)).toBe(true);
    expect(await passwords.matches('correct horse ', stored)).toBe(false);
    expect(await passwords.hash('correct horse')).not.toBe(stored);
  });

  it('are the same however their accents were typed', async () => {
    const stored = await make().hash('caf\u00e9');
    expect(await make().matches('cafe\u0301', stored)).toBe(true);
  });

  it('stay valid when the cost is raised', async () => {
    const stored = await make().hash('x');
    expect(await make({ cost: 5 }).matches('x', stored)).toBe(true);
  });

  it('match nothing that is no hash, without saying so early', async () => {
    expect(await make().matches('', '')).toBe(false);
    expect(await make().matches('x', undefined)).toBe(false);
    expect(await make().matches('x', 'plain')).toBe(false);
  });

  it('are refused when too many wait, and go on afterwards', async () => {
    const passwords = make();
    const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((one) => passwords.hash(one)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(outcomes[2]).toMatchObject({ reason: { code: 'overloaded' } });
    expect(await passwords.hash('d')).toContain('scrypt');
  });
});
