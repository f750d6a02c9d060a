import { LastRecipients, NUMBERS_PER_MESSAGE } from './last-recipients.js';

function messages(numbers: Float64Array): number[][] {
  const rows: number[][] = [];
  for (let at = 0; at < numbers.length; at += NUMBERS_PER_MESSAGE) {
    rows.push([...numbers.subarray(at, at + NUMBERS_PER_MESSAGE)]);
  }
  return rows;
}

describe('LastRecipients', () => {
  it('keeps the latest of a message, and hands it out when it is over', () => {
    const last = new LastRecipients(2);
    last.add(0, 1, 50, 1_000);
    last.add(0, 1, 90, 1_040);
    last.add(0, 1, 70, 1_045);
    last.add(1, 1, 10, 5_000);
    expect(messages(last.drain(2_000))).toEqual([[0, 1, 90, 3]]);
    expect(messages(last.drain(Infinity))).toEqual([[1, 1, 10, 1]]);
    expect(last.drain(Infinity)).toHaveLength(0);
  });

  it('makes room for later ones of the channel', () => {
    const last = new LastRecipients(1);
    for (let n = 1; n <= 40; n += 1) last.add(0, n, n, n);
    expect(messages(last.drain(0)).map(([, n]) => n)).toEqual(
      [...Array(24).keys()].map((n) => n + 1),
    );
    expect(messages(last.drain(Infinity))).toHaveLength(16);
  });
});
