import { MarkScanner, splitId, writeMark } from './mark.js';

const MARK = {
  channel: 17,
  n: 4_211,
  epoch: 3,
  dueUs: 1_234_567_890_123,
  previousId: '1327654321098765432',
};
const ID = '1327654321098765999';

function payload(content: string): Buffer {
  const author = { id: '99', username: 'somebody' };
  return Buffer.from(
    `..{"id":"${ID}","type":0,"author":${JSON.stringify(author)},` +
      `"content":${JSON.stringify(content)},"tts":false}`,
  );
}

describe('MarkScanner', () => {
  const content = writeMark(MARK, 200, () => 0.5);

  it.each([
    ['from bytes', (scanner: MarkScanner) => scanner.scan(payload(content), 2, 10_000)],
    ['from a message', (scanner: MarkScanner) => scanner.read({ id: ID, content })],
  ])('finds what was written, %s', (_, scan) => {
    const scanner = new MarkScanner();
    expect(scan(scanner)).toBe(true);
    expect(scanner).toMatchObject({ channel: 17, n: 4_211, epoch: 3, dueUs: 1_234_567_890_123 });
    expect([scanner.idHigh, scanner.idLow]).toEqual([1_327_654_321, 98_765_999]);
    expect([scanner.previousHigh, scanner.previousLow]).toEqual([1_327_654_321, 98_765_432]);
  });

  it('knows a channel without a message before', () => {
    const scanner = new MarkScanner();
    scanner.scan(payload(writeMark({ ...MARK, previousId: '0' }, 0, Math.random)), 0, 10_000);
    expect([scanner.previousHigh, scanner.previousLow]).toEqual([0, 0]);
  });

  it.each(['', 'hello', '~gh:1:2', '~gh:x:2:3:4:5~', `says ${content}`])(
    'takes nothing else for a mark: %j',
    (other) => {
      expect(new MarkScanner().scan(payload(other), 0, 10_000)).toBe(false);
      expect(new MarkScanner().read({ id: ID, content: other })).toBe(false);
    },
  );

  it('does not look behind the end', () => {
    const bytes = payload(content);
    expect(new MarkScanner().scan(bytes, 0, bytes.indexOf('content') + 5)).toBe(false);
  });
});

describe('writeMark', () => {
  it('is as long as it is asked to be, but never shorter than the mark', () => {
    expect(writeMark(MARK, 300, () => 0.1)).toHaveLength(300);
    expect(writeMark(MARK, 5, () => 0.1)).toMatch(/^~gh:.*~$/);
  });
});

describe('splitId', () => {
  it.each([
    ['0', 0, 0],
    ['123', 0, 123],
    ['1000000000', 1, 0],
    ['18446744073709551615', 18_446_744_073, 709_551_615],
  ])('%s', (id, high, low) => expect(splitId(id)).toEqual({ high, low }));
});
