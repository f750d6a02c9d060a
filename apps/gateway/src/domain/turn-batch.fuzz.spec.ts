// TurnBatch and DeliveryLanes against the plain way: every delivery to each of its recipients, one
// after the other. What a session is written, and in which order, must be the same by every way.
import { SharedForm } from '@guildhall/gateway-protocol';
import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import { DeliveryLanes } from './delivery-lanes.js';
import { Dispatch } from './dispatch.js';
import type { Delivery } from './fan-out.js';
import type { GatewaySocket } from './gateway-socket.js';
import { Members } from './members.js';
import { TurnBatch, type Recipient } from './turn-batch.js';

/** Reads what it is written, as a client would. */
class ReadingSocket implements GatewaySocket {
  readonly form: SharedForm | undefined;
  readonly bufferedBytes = 0;
  readonly read: string[] = [];
  writesCount = 0;

  constructor(form: SharedForm | undefined) {
    this.form = form;
  }

  write(dispatch: Dispatch, s: number): number {
    this.writesCount += 1;
    this.read.push(`${s} ${dispatch.type}`);
    return dispatch.size;
  }

  put(bytes: Buffer, end: number): void {
    this.writesCount += 1;
    for (let at = 0; at < end;) {
      const length = bytes[at + 1]!;
      const [from, size] =
        length < 126
          ? [at + 2, length]
          : length === 126
            ? [at + 4, bytes.readUInt16BE(at + 2)]
            : [at + 10, Number(bytes.readBigUInt64BE(at + 2))];
      const text = bytes.subarray(from, from + size).toString();
      const { s, t } = JSON.parse(text) as { s: number; t: string };
      this.read.push(`${s} ${t}`);
      at = from + size;
    }
  }

  frame(): void {}
  compressPayloads(): void {}
  close(): void {}
  terminate(): void {}
  closed(): void {}
}

class Reader implements Recipient {
  readonly isOverfull = false;
  readonly socket: ReadingSocket | undefined;
  readonly isAway: boolean;
  chainFirst = -1;
  chainLast = -1;
  s = 0;

  constructor(form: SharedForm | undefined, kind: 'here' | 'detached' | 'away') {
    this.socket = kind === 'detached' ? undefined : new ReadingSocket(form);
    this.isAway = kind === 'away';
  }

  take(): number {
    return this.isAway ? 0 : (this.s += 1);
  }
}

interface Placed {
  at: number;
  readonly subscriber: Reader;
}

const seed = seedFromEnv(process.env['SEED']);
const TALLY = { atUs: 0, leftCount: 1, writtenCount: 0 };
const SIZES = [2, 40, 90, 300, 70_000, 300_000];

/** Some classes that no two share a member of, and deliveries to them and to single sessions. */
function story(random: SeededRandom) {
  const readers = Array.from({ length: 1 + random.int(40) }, () => {
    const form = random.int(4) === 0 ? undefined : SharedForm.Json;
    return new Reader(
      form,
      random.int(8) === 0 ? 'detached' : random.int(8) === 0 ? 'away' : 'here',
    );
  });
  const classes = [0, 1, 2].map(() => new Members<Reader, Placed>());
  const placedIn = readers.map((subscriber) => {
    const members = classes[random.int(3)]!;
    const placed = { at: -1, subscriber };
    members.add(placed);
    return { members, placed };
  });
  const wanted = new Map<Reader, string[]>(readers.map((reader) => [reader, []]));
  const deliveries: Delivery<Reader>[] = [];
  const some = (): Reader[] => readers.filter(() => random.int(4) === 0);
  for (let step = 0; step < 40; step += 1) {
    if (random.int(5) === 0) {
      // Somebody changes class in between.
      const place = placedIn[random.int(placedIn.length)]!;
      place.members.remove(place.placed);
      place.members = classes[random.int(3)]!;
      place.members.add(place.placed);
    }
    const size = SIZES[Math.min(random.int(30), random.int(SIZES.length))]!;
    const isOwn = random.int(10) === 0;
    const dispatch = new Dispatch(`E${step}`, Buffer.from(JSON.stringify('x'.repeat(size))), isOwn);
    const lender = random.int(4) === 0 ? undefined : classes[random.int(3)]!;
    const to = lender === undefined ? some() : lender.lend();
    const except = random.int(5) === 0 ? some() : [];
    deliveries.push({ dispatch, to, except, lender, tally: TALLY });
    for (const reader of to) {
      if (!except.includes(reader)) wanted.get(reader)!.push(dispatch.type);
    }
  }
  return { readers, classes, deliveries, wanted };
}

function check(reader: Reader, types: readonly string[], what: string): void {
  const { socket } = reader;
  if (socket === undefined) expect(reader.s).toBe(types.length);
  else {
    const read = reader.isAway ? [] : types.map((type, at) => `${at + 1} ${type}`);
    expect([what, ...socket.read]).toEqual([what, ...read]);
  }
}

describe(`TurnBatch and DeliveryLanes (SEED=${seed})`, () => {
  it('write what the plain way writes, in one turn', () => {
    for (let round = 0; round < 60; round += 1) {
      const { readers, deliveries, wanted } = story(new SeededRandom(seed + round));
      const batch = new TurnBatch<Reader>(() => undefined);
      // Two turns with one batch: nothing is left over from the first.
      const half = deliveries.length >> 1;
      batch.many(deliveries.slice(0, half));
      batch.many(deliveries.slice(half));
      for (const reader of readers) check(reader, wanted.get(reader)!, `SEED=${seed + round}`);
    }
  });

  it('writes to each session once in a turn', () => {
    const members = new Members<Reader, Placed>();
    const readers = Array.from({ length: 100 }, () => new Reader(SharedForm.Json, 'here'));
    for (const subscriber of readers) members.add({ at: -1, subscriber });
    const deliveries = Array.from({ length: 8 }, (_, at) => ({
      dispatch: new Dispatch(`E${at}`, Buffer.from('{}')),
      to: members.lend(),
      except: [],
      lender: members,
      tally: TALLY,
    }));
    const batch = new TurnBatch<Reader>(() => undefined);
    batch.many(deliveries);
    for (const { socket } of readers)
      expect([socket!.writesCount, socket!.read.length]).toEqual([1, 8]);
    expect(Array.from({ length: 8 }, (_, at) => batch.countOf(at))).toEqual(Array(8).fill(100));
  });

  it('write the same in slices, through lanes', () => {
    for (let round = 0; round < 60; round += 1) {
      const random = new SeededRandom(seed + round);
      const batch = new TurnBatch<Reader>(() => undefined);
      const lanes = new DeliveryLanes<Reader>(batch, 1 + random.int(20));
      const stories = [story(random), story(random), story(random)];
      const left = stories.map(({ deliveries }) => [...deliveries]);
      let doneCount = 0;
      while (left.some((deliveries) => deliveries.length > 0) || !lanes.isEmpty) {
        const topic = random.int(3);
        const delivery = random.int(2) === 0 ? left[topic]!.shift() : undefined;
        if (delivery !== undefined) {
          const onDone = (): void => void (doneCount += 1);
          lanes.add(BigInt(topic), { delivery, onDone });
        } else if (random.int(20) === 0) {
          lanes.flush(BigInt(topic));
          expect(lanes.leftCount(BigInt(topic))).toBe(0);
        } else {
          lanes.step();
        }
      }
      expect(doneCount).toBe(120);
      for (const { readers, wanted } of stories) {
        for (const reader of readers) check(reader, wanted.get(reader)!, `SEED=${seed + round}`);
      }
    }
  });
});

describe('DeliveryLanes', () => {
  const crowd = (count: number): { members: Members<Reader, Placed>; readers: Reader[] } => {
    const members = new Members<Reader, Placed>();
    const readers = Array.from({ length: count }, () => new Reader(SharedForm.Json, 'here'));
    for (const subscriber of readers) members.add({ at: -1, subscriber });
    return { members, readers };
  };
  const deliveryTo = (members: Members<Reader, Placed>, type: string): Delivery<Reader> => ({
    dispatch: new Dispatch(type, Buffer.from('{}')),
    to: members.lend(),
    except: [],
    lender: members,
    tally: TALLY,
  });

  it('lets a small topic wait for no more than one step of a large one', () => {
    const lanes = new DeliveryLanes<Reader>(new TurnBatch<Reader>(() => undefined), 128);
    const large = crowd(10_000);
    const small = crowd(50);
    lanes.add(1n, { delivery: deliveryTo(large.members, 'A') });
    lanes.step();
    lanes.add(2n, { delivery: deliveryTo(small.members, 'B') });
    lanes.step();
    lanes.step();
    expect(small.readers.every(({ socket }) => socket!.read.length === 1)).toBe(true);
    expect(large.readers.filter(({ socket }) => socket!.read.length === 1)).toHaveLength(256);
    let stepsCount = 3;
    while (lanes.step() !== undefined) stepsCount += 1;
    expect(stepsCount).toBe(1 + Math.ceil(10_000 / 128));
  });

  it('writes events that wait for the same list together', () => {
    const lanes = new DeliveryLanes<Reader>(new TurnBatch<Reader>(() => undefined), 128);
    const [one, other] = [crowd(500), crowd(300)];
    for (const type of ['A', 'B', 'C']) {
      lanes.add(1n, { delivery: deliveryTo(one.members, type) });
      lanes.add(1n, { delivery: deliveryTo(other.members, type) });
    }
    expect(lanes.leftCount(1n)).toBe(2_400);
    while (lanes.step() !== undefined);
    for (const { socket } of [...one.readers, ...other.readers]) {
      expect(socket!.read).toEqual(['1 A', '2 B', '3 C']);
      expect(socket!.writesCount).toBe(1);
    }
  });

  it('is silent to whoever has left, about what was decided before', () => {
    const lanes = new DeliveryLanes<Reader>(new TurnBatch<Reader>(() => undefined), 10);
    const { members, readers } = crowd(30);
    const leaver = readers[25]!;
    lanes.add(1n, { delivery: deliveryTo(members, 'A') });
    lanes.add(1n, { delivery: deliveryTo(members, 'B') });
    lanes.step();
    lanes.mute(1n, leaver);
    lanes.add(1n, { delivery: deliveryTo(members, 'C') });
    while (lanes.step() !== undefined);
    expect(leaver.socket!.read).toEqual(['1 C']);
    expect(readers[0]!.socket!.read).toEqual(['1 A', '2 B', '3 C']);
  });
});
