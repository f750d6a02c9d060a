// Our own table as a contender.
import { ReadStateTable } from '../src/index.js';
import { contend, type Contender } from './contender.js';
import {
  CHANNELS_PER_USER,
  channelHi,
  channelLo,
  channelOf,
  next,
  OPERATIONS_SEED,
  userHi,
  userLo,
} from './sequence.js';

class TableContender implements Contender {
  readonly table: ReadStateTable;
  #usersCount = 0;

  constructor(bytesMax: number) {
    this.table = new ReadStateTable({ bytesMax, hashSeed: 0x5eed });
  }

  get bytesOwn(): number {
    return this.table.bytesUsed;
  }

  load(usersCount: number): void {
    const { table } = this;
    this.#usersCount = usersCount;
    for (let u = 0; u < usersCount; u++) {
      const user = table.add(userHi(u), userLo(u), CHANNELS_PER_USER);
      for (let i = 0; i < CHANNELS_PER_USER; i++) {
        const channel = channelOf(u, i);
        const entry = table.addEntry(user, 0, channelHi(channel), channelLo(channel));
        table.put(user, entry, 0x0f000000, i, i & 7, 1, 4_300, 0, 0, 0, i + 1);
      }
    }
  }

  gets(operations: number, round: number): number {
    const { table } = this;
    let state = OPERATIONS_SEED + round;
    let sum = 0;
    for (let n = 0; n < operations; n++) {
      state = next(state);
      const u = (state >>> 0) % this.#usersCount;
      state = next(state);
      const channel = channelOf(u, (state >>> 0) % CHANNELS_PER_USER);
      const user = table.find(userHi(u), userLo(u));
      const entry = table.findEntry(user, 0, channelHi(channel), channelLo(channel));
      sum = (sum + table.messageLo(entry) + table.mentionsOf(entry)) | 0;
    }
    return sum;
  }

  acks(operations: number, round: number): number {
    const { table } = this;
    let state = OPERATIONS_SEED + round;
    let moved = 0;
    for (let n = 0; n < operations; n++) {
      state = next(state);
      const u = (state >>> 0) % this.#usersCount;
      state = next(state);
      const channel = channelOf(u, (state >>> 0) % CHANNELS_PER_USER);
      const user = table.find(userHi(u), userLo(u));
      const entry = table.findEntry(user, 0, channelHi(channel), channelLo(channel));
      const messageHi = 0x0f000001 + round;
      const messageLo = (state >>> 0) % 100_000;
      if (table.isRead(entry, messageHi, messageLo)) continue;
      table.write(user, entry, messageHi, messageLo, state & 7, 1, 4_301, 0, 0);
      moved += 1;
    }
    return moved;
  }

  walks(users: number, round: number): number {
    const { table } = this;
    let state = OPERATIONS_SEED + round;
    let sum = 0;
    for (let n = 0; n < users; n++) {
      state = next(state);
      const u = (state >>> 0) % this.#usersCount;
      const user = table.find(userHi(u), userLo(u));
      const count = table.entriesCountOf(user);
      for (let i = 0; i < count; i++) {
        const entry = table.entryAt(user, i);
        sum = (sum + table.messageLo(entry) + table.mentionsOf(entry)) | 0;
      }
    }
    return sum;
  }
}

/** Runs the table through everything that is measured. */
export async function contendTable(usersCount: number): Promise<void> {
  const bytesMax = Math.max(64 << 20, usersCount * CHANNELS_PER_USER * 64);
  await contend('table', new TableContender(bytesMax), usersCount);
}
