// Whether each session is sent what it should be, once and in order; from its own dispatches and
// the marks in them. Numbers in typed arrays, one place per session and channel: nothing is
// allocated for a message that is as it should be.
//
// A session that began anew knows from its snapshot (`last_message_id`) where it starts. If the
// guild's permissions changed while it did, the first message of a channel cannot be judged and is
// taken as the start; every message after it is.

import { LOW_COUNT } from './mark.js';
import type { MarkScanner } from './mark.js';
import type { Truth } from './truth.js';
import type { Violations } from './violations.js';

const UNKNOWN = -1;

export interface CheckerOptions {
  readonly truth: Truth;
  readonly violations: Violations;
  /** By session, its account. */
  readonly accounts: Uint32Array;
  readonly channelsCount: number;
  readonly guildsCount: number;
  /** How an example names a session. */
  readonly nameOf: (session: number) => string;
}

/** The state of all sessions of one process. Sessions are known by their place in it. */
export class Checker {
  readonly #options: CheckerOptions;
  readonly #channelsCount: number;
  readonly #guildsCount: number;
  /** By session: the last `s`. */
  readonly #sequences: Int32Array;
  /** By session and channel: the last `n`. */
  readonly #positions: Int32Array;
  /** By session and channel: the newest message as of the snapshot; high part negative if none. */
  readonly #snapshotHighs: Float64Array;
  readonly #snapshotLows: Float64Array;
  /** By session and guild: the newest id that came. */
  readonly #newestHighs: Float64Array;
  readonly #newestLows: Float64Array;
  /** By session: the changes there had been when it began. */
  readonly #beganAt: Int32Array;
  /** Firsts that could not be judged. */
  unjudgedCount = 0;

  constructor(options: CheckerOptions) {
    const { accounts, channelsCount, guildsCount } = options;
    this.#options = options;
    this.#channelsCount = channelsCount;
    this.#guildsCount = guildsCount;
    const positionsCount = accounts.length * channelsCount;
    this.#sequences = new Int32Array(accounts.length);
    this.#positions = new Int32Array(positionsCount).fill(UNKNOWN);
    this.#snapshotHighs = new Float64Array(positionsCount).fill(-1);
    this.#snapshotLows = new Float64Array(positionsCount);
    this.#newestHighs = new Float64Array(accounts.length * guildsCount);
    this.#newestLows = new Float64Array(accounts.length * guildsCount);
    this.#beganAt = new Int32Array(accounts.length);
  }

  /** The session identifies: whatever it had is forgotten. */
  begin(session: number): void {
    this.#sequences[session] = 0;
    this.#beganAt[session] = this.#options.truth.changesCount;
    const from = session * this.#channelsCount;
    this.#positions.fill(UNKNOWN, from, from + this.#channelsCount);
    this.#snapshotHighs.fill(-1, from, from + this.#channelsCount);
    const guildsFrom = session * this.#guildsCount;
    this.#newestHighs.fill(0, guildsFrom, guildsFrom + this.#guildsCount);
    this.#newestLows.fill(0, guildsFrom, guildsFrom + this.#guildsCount);
  }

  /** What a snapshot says is the newest message of a channel; 0 for none. */
  snapshot(session: number, channel: number, high: number, low: number): void {
    const at = session * this.#channelsCount + channel;
    this.#snapshotHighs[at] = high;
    this.#snapshotLows[at] = low;
  }

  /** The last `s` of a session. */
  sequenceOf(session: number): number {
    return this.#sequences[session]!;
  }

  /** Hot path. A dispatch came. */
  sequence(session: number, s: number): void {
    const expected = this.#sequences[session]! + 1;
    if (s !== expected) this.#wrongSequence(session, s, expected);
    if (s >= expected) this.#sequences[session] = s;
  }

  /** Hot path. A message with a mark came. */
  message(session: number, mark: MarkScanner): void {
    const { channel, n } = mark;
    if (channel >= this.#channelsCount) return this.#strange(session, mark);
    const { truth } = this.#options;
    const account = this.#options.accounts[session]!;
    if (!truth.mayView(account, channel, mark.epoch)) return this.#leak(session, mark);
    const newestAt = session * this.#guildsCount + truth.guildOfChannel[channel]!;
    const order =
      mark.idHigh - this.#newestHighs[newestAt]! || mark.idLow - this.#newestLows[newestAt]!;
    const at = session * this.#channelsCount + channel;
    const last = this.#positions[at]!;
    if (last === UNKNOWN) this.#first(session, mark, at);
    else if (n !== last + 1 && !this.#jump(session, mark, last, account)) return;
    if (order <= 0) this.#reorder(session, mark);
    this.#newestHighs[newestAt] = mark.idHigh;
    this.#newestLows[newestAt] = mark.idLow;
    this.#positions[at] = n;
  }

  /**
   * How many messages have not come that should have. `lastN` and the newest ids (in two parts) are
   * by channel. With `report`, each session that misses any is a violation.
   */
  missing(
    final: { lastN: Int32Array; idHighs: Float64Array; idLows: Float64Array },
    report: boolean,
  ): number {
    const { truth, accounts } = this.#options;
    let total = 0;
    for (let session = 0; session < accounts.length; session += 1) {
      for (let channel = 0; channel < this.#channelsCount; channel += 1) {
        const count = this.#missingIn(session, channel, final, truth);
        if (count === 0) continue;
        total += count;
        if (!report) continue;
        const last = this.#positions[session * this.#channelsCount + channel];
        const what = `channel ${channel} ends at ${final.lastN[channel]}, the last was ${last}`;
        this.#add('missing', session, what, count);
      }
    }
    return total;
  }

  #missingIn(
    session: number,
    channel: number,
    final: { lastN: Int32Array; idHighs: Float64Array; idLows: Float64Array },
    truth: Truth,
  ): number {
    const account = this.#options.accounts[session]!;
    const guild = truth.guildOfChannel[channel]!;
    const lastN = final.lastN[channel]!;
    if (lastN === 0 || !truth.isMember(guild, account)) return 0;
    const at = session * this.#channelsCount + channel;
    const last = this.#positions[at]!;
    if (last !== UNKNOWN) return truth.visibleCount(account, channel, last + 1, lastN);
    const isJudged =
      truth.isSameSince(guild, this.#beganAt[session]!) &&
      truth.mayView(account, channel, truth.epoch(guild));
    if (!isJudged) return 0;
    const isCurrent =
      this.#snapshotHighs[at] === final.idHighs[channel] &&
      this.#snapshotLows[at] === final.idLows[channel];
    return isCurrent ? 0 : 1;
  }

  /** The first message of a channel since the session began. */
  #first(session: number, mark: MarkScanner, at: number): void {
    const { truth } = this.#options;
    const high = this.#snapshotHighs[at]!;
    const low = this.#snapshotLows[at]!;
    const guild = truth.guildOfChannel[mark.channel]!;
    const isJudged = high >= 0 && truth.isSameSince(guild, this.#beganAt[session]!);
    if (!isJudged) {
      this.unjudgedCount += 1;
      return;
    }
    if (high === mark.previousHigh && low === mark.previousLow) return;
    const isInSnapshot = (mark.idHigh - high || mark.idLow - low) <= 0;
    const which = `message ${mark.n} of channel ${mark.channel}`;
    const snapshot = `its snapshot ended with ${high * LOW_COUNT + low}`;
    if (isInSnapshot) this.#add('duplicate', session, `${which}, but ${snapshot}`);
    else this.#add('gap', session, `${which} came first, and ${snapshot}`);
  }

  /** Not the message after the last one. Whether it is to be taken as the last from now on. */
  #jump(session: number, mark: MarkScanner, last: number, account: number): boolean {
    const { channel, n } = mark;
    const what = `${n} of channel ${channel} after ${last}`;
    if (n === last) {
      this.#add('duplicate', session, what);
      return false;
    }
    if (n < last) {
      this.#add('reorder', session, what);
      return false;
    }
    const lost = this.#options.truth.visibleCount(account, channel, last + 1, n - 1);
    if (lost > 0) this.#add('gap', session, what, lost);
    return true;
  }

  #wrongSequence(session: number, s: number, expected: number): void {
    const what = `s ${s} after ${expected - 1}`;
    this.#add(s > expected ? 'sequenceGap' : 'sequenceRepeat', session, what);
  }

  #leak(session: number, { channel, n, epoch }: MarkScanner): void {
    this.#add('leak', session, `message ${n} of channel ${channel}, epoch ${epoch}`);
  }

  #reorder(session: number, { channel, n }: MarkScanner): void {
    this.#add('reorder', session, `message ${n} of channel ${channel} has an id of the past`);
  }

  #strange(session: number, { channel }: MarkScanner): void {
    this.#add('malformed', session, `a message of channel ${channel}, which there is not`);
  }

  #add(
    kind: Parameters<Violations['add']>[0],
    session: number,
    what: string,
    count?: number,
  ): void {
    this.#options.violations.add(kind, () => `${this.#options.nameOf(session)}: ${what}`, count);
  }
}
