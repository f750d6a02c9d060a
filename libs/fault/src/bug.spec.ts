import { Bug, assert, unreachable } from './bug.js';
import { Fault } from './fault.js';

describe('assert', () => {
  it('passes what holds', () => {
    expect(() => assert(true, 'holds')).not.toThrow();
  });

  it('throws a bug that says what should have been true, and is no fault', () => {
    let thrown: unknown;
    try {
      assert(false, 'row is live');
    } catch (reason) {
      thrown = reason;
    }
    expect(thrown).toBeInstanceOf(Bug);
    expect(thrown).not.toBeInstanceOf(Fault);
    expect((thrown as Bug).message).toBe('broken invariant: row is live');
  });
});

describe('unreachable', () => {
  it('throws a bug that names the value', () => {
    expect(() => unreachable('purple' as never)).toThrow(new Bug('unreachable: purple'));
  });

  it('names an object by its kind, whatever is in it', () => {
    expect(() => unreachable({ toString: 1 } as never)).toThrow('unreachable: [object Object]');
  });
});
