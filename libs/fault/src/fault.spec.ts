import { Bug } from './bug.js';
import { Fault, FaultCode, isFaultCode, isRetryable, type Refusal } from './fault.js';

const missingAccess: Refusal = { discordCode: 50001, httpStatus: 403, message: 'Missing Access' };

describe('Fault', () => {
  it('says its code in front and keeps the words after it', () => {
    const fault = new Fault(FaultCode.NotFound, 'no such guild');

    expect(fault.message).toBe('[not_found] no such guild');
    expect(fault.detail).toBe('no such guild');
    expect(fault.code).toBe('not_found');
    expect(fault).toBeInstanceOf(Error);
    expect(fault.name).toBe('Fault');
  });

  it('does not say the code twice when its words come over the bus', () => {
    const there = new Fault(FaultCode.Overloaded, 'queue full');
    const here = new Fault(there.code, there.message);

    expect(here.message).toBe(there.message);
    expect(here.detail).toBe('queue full');
  });

  it('keeps the code of others in its words', () => {
    expect(new Fault(FaultCode.Internal, '[timeout] behind us').message).toBe(
      '[internal] [timeout] behind us',
    );
  });

  it('has a cause and a refusal only when given', () => {
    const bare = new Fault(FaultCode.Internal, 'x');
    expect('cause' in bare).toBe(false);
    expect(bare.refusal).toBeUndefined();

    const cause = new Error('below');
    expect(new Fault(FaultCode.Internal, 'x', { cause }).cause).toBe(cause);
  });

  it('carries a Discord error as it stands', () => {
    const fault = Fault.refused(missingAccess);

    expect(fault.code).toBe(FaultCode.Refused);
    expect(fault.refusal).toEqual(missingAccess);
    expect(fault.message).toBe('[refused] 50001: Missing Access');
  });
});

describe('Fault.from', () => {
  it('leaves a fault alone, subclasses too', () => {
    class Special extends Fault {}
    const fault = new Special(FaultCode.Timeout, 'late');
    expect(Fault.from(fault)).toBe(fault);
  });

  it('throws a bug onward', () => {
    const bug = new Bug('broken');
    expect(() => Fault.from(bug)).toThrow(bug);
  });

  it('takes the timeout of a signal for a timeout', () => {
    const reason = new DOMException('took too long', 'TimeoutError');
    const fault = Fault.from(reason);
    expect(fault.code).toBe(FaultCode.Timeout);
    expect(fault.cause).toBe(reason);
  });

  it('keeps the words of a foreign error to itself', () => {
    const reason = new TypeError('secret is undefined');
    const fault = Fault.from(reason);

    expect(fault.code).toBe(FaultCode.Internal);
    expect(fault.cause).toBe(reason);
    expect(fault.message).toBe('[internal] unexpected TypeError');
  });

  it.each([undefined, null, 'text', 7, { any: 'thing' }, { name: 7 }])(
    'takes %p, which is no error',
    (reason) => {
      expect(Fault.from(reason).code).toBe(FaultCode.Internal);
    },
  );
});

describe('isFaultCode', () => {
  it('knows the codes and nothing else', () => {
    for (const code of Object.values(FaultCode)) expect(isFaultCode(code)).toBe(true);
    for (const other of ['Invalid', '', 'toString', undefined, 3]) {
      expect(isFaultCode(other)).toBe(false);
    }
  });
});

describe('isRetryable', () => {
  it('lets a caller ask again after wrong_owner, unavailable and timeout only', () => {
    const retryable = Object.values(FaultCode).filter(isRetryable);
    expect(retryable.sort()).toEqual(['timeout', 'unavailable', 'wrong_owner']);
  });
});
