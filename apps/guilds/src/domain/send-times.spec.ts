import { SEND_TIMES_MAX, SendTimes } from './send-times.js';

describe('SendTimes', () => {
  it('knows the last time, by channel and user', () => {
    const times = new SendTimes();
    expect(times.get(1n, 2n)).toBeUndefined();
    times.note(1n, 2n, 5);
    times.note(1n, 2n, 9);
    expect(times.get(1n, 2n)).toBe(9);
    expect(times.get(2n, 2n)).toBeUndefined();
  });

  it('forgets those who wrote longest ago at its bound', () => {
    const times = new SendTimes();
    for (let user = 1; user <= SEND_TIMES_MAX; user += 1) times.note(1n, BigInt(user), user);
    times.note(1n, 1n, 99);
    times.note(1n, 0n, 100);
    expect(times.get(1n, 1n)).toBe(99);
    expect(times.get(1n, 2n)).toBeUndefined();
  });
});
