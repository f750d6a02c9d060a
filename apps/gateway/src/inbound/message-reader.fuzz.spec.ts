// Bytes in any pieces, sound and broken, read here and by the receiver of `ws`: the same messages,
// the same verdict.
import type { Writable } from 'node:stream';
import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import * as ws from 'ws';
import { readMessages, WsClose, type MessageSink, type Unfinished } from './message-reader.js';

/** Exported by the package, and not by its types. */
const { Receiver } = ws as unknown as {
  Receiver: new (options: { isServer: boolean; maxPayload: number }) => Writable;
};

const SIZE_MAX = 2_000;
const CASES = 600;
const { ProtocolError } = WsClose;

/** Everything that was said, as text. */
class Record implements MessageSink {
  readonly said: string[] = [];
  isReading = true;

  message(bytes: Buffer): void {
    this.said.push(`message ${bytes.toString('hex')}`);
  }

  ping(bytes: Buffer): void {
    this.said.push(`ping ${bytes.toString('hex')}`);
  }

  goodbye(code: number): void {
    this.isReading = false;
    this.said.push(`goodbye ${code}`);
  }

  violated(code: number): void {
    this.isReading = false;
    this.said.push(`violated ${code}`);
  }
}

async function bothRead(pieces: readonly Buffer[]): Promise<[ours: string[], theirs: string[]]> {
  const record = new Record();
  let unfinished: Unfinished | undefined;
  for (const piece of pieces) {
    if (!record.isReading) break;
    unfinished = readMessages(Buffer.from(piece), unfinished, SIZE_MAX, record);
  }
  const theirs: string[] = [];
  const receiver = new Receiver({ isServer: true, maxPayload: SIZE_MAX });
  receiver.on('message', (data: Buffer) => theirs.push(`message ${data.toString('hex')}`));
  receiver.on('ping', (data: Buffer) => theirs.push(`ping ${data.toString('hex')}`));
  receiver.on('conclude', (code: number) => theirs.push(`goodbye ${code}`));
  const codeKey = (error: object): symbol =>
    Object.getOwnPropertySymbols(error).find(({ description }) => description === 'status-code')!;
  await new Promise<void>((resolve) => {
    receiver.on('error', (error: object) => {
      theirs.push(`violated ${String((error as { [key: symbol]: unknown })[codeKey(error)])}`);
      resolve();
    });
    receiver.on('close', resolve);
    receiver.on('conclude', () => resolve());
    for (const piece of pieces) receiver.write(Buffer.from(piece));
    receiver.end();
    receiver.on('finish', resolve);
  });
  return [record.said, theirs];
}

function between(random: SeededRandom, least: number, most: number): number {
  return least + random.int(Math.floor(most) - least + 1);
}

function frame(random: SeededRandom, opcode: number, isFinal: boolean, payload: Buffer): Buffer {
  const { length } = payload;
  const isWide = random.chance(0.1);
  const lengthSize = length > 65_535 || isWide ? 8 : length > 125 || random.chance(0.1) ? 2 : 0;
  const header = Buffer.alloc(2 + lengthSize + 4);
  header[0] = (isFinal ? 0x80 : 0) | opcode;
  header[1] = 0x80 | (lengthSize === 0 ? length : lengthSize === 2 ? 126 : 127);
  if (lengthSize === 2) header.writeUInt16BE(length, 2);
  if (lengthSize === 8) header.writeBigUInt64BE(BigInt(length), 2);
  const mask = Buffer.from(Array.from({ length: 4 }, () => between(random, 0, 255)));
  mask.copy(header, 2 + lengthSize);
  return Buffer.concat([header, payload.map((byte, at) => byte ^ mask[at % 4]!)]);
}

/** What a client might say, mostly sound. */
function conversation(random: SeededRandom): Buffer {
  const frames: Buffer[] = [];
  const bytes = (sizeMax: number): Buffer =>
    random.chance(0.6)
      ? Buffer.from('aé€😀'.repeat(between(random, 0, sizeMax / 10)))
      : Buffer.from(
          Array.from({ length: between(random, 0, sizeMax) }, () => between(random, 0, 255)),
        );
  for (let count = between(random, 1, 8); count > 0; count -= 1) {
    const opcode = random.pick([1, 1, 2, 2]);
    const pieces = random.chance(0.4) ? between(random, 2, 5) : 1;
    for (let piece = 0; piece < pieces; piece += 1) {
      const isLast = piece === pieces - 1;
      const size = random.chance(0.03) ? SIZE_MAX * 1.2 : 300;
      frames.push(frame(random, piece === 0 ? opcode : 0, isLast, bytes(size)));
      if (random.chance(0.2)) frames.push(frame(random, random.pick([9, 10]), true, bytes(120)));
    }
  }
  if (random.chance(0.3)) {
    const code = Buffer.alloc(2);
    code.writeUInt16BE(random.pick([1000, 1001, 1005, 1006, 1015, 2999, 3000, 4000, 4999, 5000]));
    frames.push(frame(random, 8, true, random.chance(0.2) ? Buffer.alloc(0) : code));
  }
  const all = Buffer.concat(frames);
  if (random.chance(0.4)) {
    for (let count = between(random, 1, 4); count > 0; count -= 1) {
      all[between(random, 0, all.length - 1)]! ^= 1 << between(random, 0, 7);
    }
  }
  return all;
}

function inPieces(random: SeededRandom, all: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  const sizeMax = random.pick([1, 3, 20, 500, 10_000]);
  for (let at = 0; at < all.length;) {
    const size = between(random, 1, sizeMax);
    pieces.push(all.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

describe('what a client says, in any pieces', () => {
  it('is read as the receiver of ws reads it', async () => {
    const seed = seedFromEnv(process.env['SEED']);
    const random = new SeededRandom(seed);
    let violations = 0;
    let messages = 0;
    for (let index = 0; index < CASES; index += 1) {
      const [ours, theirs] = await bothRead(inPieces(random, conversation(random)));
      expect({ seed, index, said: ours }).toEqual({ seed, index, said: theirs });
      violations += ours.filter((line) => line.startsWith('violated')).length;
      messages += ours.filter((line) => line.startsWith('message')).length;
    }
    expect(violations).toBeGreaterThan(CASES / 20);
    expect(messages).toBeGreaterThan(CASES);
  });

  it('costs one buffer, however small the pieces of a message are', () => {
    const record = new Record();
    const mask = Buffer.from('00000000', 'hex');
    let unfinished: Unfinished | undefined;
    const say = (opening: number, payload: Buffer): void => {
      const bytes = Buffer.concat([Buffer.from([opening, 0x80 | payload.length]), mask, payload]);
      unfinished = readMessages(bytes, unfinished, SIZE_MAX, record);
    };
    say(0x01, Buffer.from('x'));
    for (let count = 2; count < SIZE_MAX; count += 1) say(0x00, Buffer.from('x'));
    expect(unfinished?.message?.bytes.length).toBeLessThanOrEqual(2_048);
    say(0x80, Buffer.from('x'));
    expect(unfinished).toBeUndefined();
    expect(record.said).toEqual([`message ${Buffer.from('x'.repeat(SIZE_MAX)).toString('hex')}`]);
  });

  it('is not read beyond a goodbye or a violation', () => {
    const record = new Record();
    const goodbye = Buffer.from('888000000000', 'hex');
    const broken = Buffer.from('8f8000000000', 'hex');
    expect(readMessages(Buffer.concat([goodbye, broken]), undefined, SIZE_MAX, record)).toBe(
      undefined,
    );
    expect(record.said).toEqual([`goodbye ${WsClose.NoStatus}`]);
    const other = new Record();
    readMessages(Buffer.concat([broken, goodbye]), undefined, SIZE_MAX, other);
    expect(other.said).toEqual([`violated ${ProtocolError}`]);
  });
});
