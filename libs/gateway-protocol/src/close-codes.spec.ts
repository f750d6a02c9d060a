import {
  CLOSE_BEHAVIOURS,
  closeBehaviour,
  CloseCode,
  doesClientCloseEndSession,
} from './close-codes.js';

describe('close codes', () => {
  it('stop a library for good only where the documentation says so', () => {
    const final = Object.values(CloseCode).filter((code) => !CLOSE_BEHAVIOURS[code].mayReconnect);
    expect(final.sort()).toEqual([4004, 4010, 4011, 4012, 4013, 4014, 4015]);
  });

  it('ask for a new session after 4003, 4007 and 4009', () => {
    const fresh = Object.values(CloseCode).filter((code) => {
      const { mayReconnect, mayResume } = CLOSE_BEHAVIOURS[code];
      return mayReconnect && !mayResume;
    });
    expect(fresh.sort()).toEqual([4003, 4007, 4009]);
  });

  it('carry a reason that fits a close frame', () => {
    for (const code of Object.values(CloseCode)) {
      const { meaning, mayResume, mayReconnect } = CLOSE_BEHAVIOURS[code];
      expect(Buffer.byteLength(meaning)).toBeLessThanOrEqual(123);
      expect(meaning).not.toBe('');
      expect(mayResume && !mayReconnect).toBe(false);
    }
  });

  it('are resumable when nobody knows them', () => {
    for (const code of [1001, 1006, 4006, 4999]) {
      expect(closeBehaviour(code)).toMatchObject({ mayResume: true, mayReconnect: true });
    }
    expect(closeBehaviour(CloseCode.InvalidIntents).mayReconnect).toBe(false);
  });

  it('end the session only when the client says goodbye', () => {
    expect([1000, 1001].every(doesClientCloseEndSession)).toBe(true);
    expect([1005, 1006, 4000, 4200, 4901, 4999].some(doesClientCloseEndSession)).toBe(false);
  });
});
