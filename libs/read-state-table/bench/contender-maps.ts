// Maps of objects and strings, as one would write it first.
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

interface ReadState {
  type: number;
  lastMessageId: string;
  mentionCount: number;
  lastPinTimestampMs: number;
  flags: number;
  lastViewed: number;
  version: number;
}

interface User {
  version: number;
  readonly entriesByChannel: Map<string, ReadState>;
}

/** Ids as they come in JSON: decimal digits. */
const idOf = (hi: number, lo: number): string => String((hi >>> 0) * 2 ** 20 + (lo >>> 12));

class MapsContender implements Contender {
  readonly #users = new Map<string, User>();
  #usersCount = 0;

  get bytesOwn(): number {
    return 0;
  }

  load(usersCount: number): void {
    this.#usersCount = usersCount;
    for (let u = 0; u < usersCount; u++) {
      const user: User = { version: CHANNELS_PER_USER, entriesByChannel: new Map() };
      for (let i = 0; i < CHANNELS_PER_USER; i++) {
        const channel = channelOf(u, i);
        user.entriesByChannel.set(idOf(channelHi(channel), channelLo(channel)), {
          type: 0,
          lastMessageId: idOf(0x0f000000, i << 12),
          mentionCount: i & 7,
          lastPinTimestampMs: 0,
          flags: 1,
          lastViewed: 4_300,
          version: i + 1,
        });
      }
      this.#users.set(idOf(userHi(u), userLo(u)), user);
    }
  }

  gets(operations: number, round: number): number {
    let state = OPERATIONS_SEED + round;
    let sum = 0;
    for (let n = 0; n < operations; n++) {
      state = next(state);
      const u = (state >>> 0) % this.#usersCount;
      state = next(state);
      const channel = channelOf(u, (state >>> 0) % CHANNELS_PER_USER);
      const user = this.#users.get(idOf(userHi(u), userLo(u)))!;
      const entry = user.entriesByChannel.get(idOf(channelHi(channel), channelLo(channel)))!;
      sum = (sum + entry.lastMessageId.length + entry.mentionCount) | 0;
    }
    return sum;
  }

  acks(operations: number, round: number): number {
    let state = OPERATIONS_SEED + round;
    let moved = 0;
    for (let n = 0; n < operations; n++) {
      state = next(state);
      const u = (state >>> 0) % this.#usersCount;
      state = next(state);
      const channel = channelOf(u, (state >>> 0) % CHANNELS_PER_USER);
      const user = this.#users.get(idOf(userHi(u), userLo(u)))!;
      const entry = user.entriesByChannel.get(idOf(channelHi(channel), channelLo(channel)))!;
      const messageId = idOf(0x0f000001 + round, ((state >>> 0) % 100_000) << 12);
      const before = entry.lastMessageId;
      const isRead = before.length === messageId.length && messageId <= before;
      if (isRead) continue;
      user.version += 1;
      entry.lastMessageId = messageId;
      entry.mentionCount = state & 7;
      entry.lastViewed = 4_301;
      entry.version = user.version;
      moved += 1;
    }
    return moved;
  }

  walks(users: number, round: number): number {
    let state = OPERATIONS_SEED + round;
    let sum = 0;
    for (let n = 0; n < users; n++) {
      state = next(state);
      const u = (state >>> 0) % this.#usersCount;
      const user = this.#users.get(idOf(userHi(u), userLo(u)))!;
      for (const entry of user.entriesByChannel.values()) {
        sum = (sum + entry.lastMessageId.length + entry.mentionCount) | 0;
      }
    }
    return sum;
  }
}

/** Runs the maps through everything that is measured. */
export async function contendMaps(usersCount: number): Promise<void> {
  await contend('maps', new MapsContender(), usersCount);
}
