// Who may identify when: so many a second in all, one per account and interval, and not more at
// once than a fleet that is slow can take. In the order in which they came.

/** Identifying at the same time: more would only wait inside the fleet. */
const PENDING_MAX = 64;

interface Waiting<S> {
  readonly session: S;
  readonly account: number;
}

/** See the top of the file. */
export class IdentifyQueue<S> {
  readonly #perS: number;
  readonly #intervalMs: number;
  #waiting: Waiting<S>[] = [];
  readonly #pending = new Set<S>();
  readonly #lastMs = new Map<number, number>();
  #allowance = 1;
  #turnedMs: number | undefined;

  constructor(perS: number, intervalMs: number) {
    this.#perS = perS;
    this.#intervalMs = intervalMs;
  }

  /** It waits from now on. */
  add(session: S, account: number): void {
    this.#waiting.push({ session, account });
  }

  /** It is in, or has given up; nothing if it was not let in. */
  done(session: S): void {
    this.#pending.delete(session);
  }

  /** Lets in whose turn it is. */
  turn(nowMs: number, admit: (session: S) => void): void {
    const passedMs = nowMs - (this.#turnedMs ?? nowMs);
    this.#turnedMs = nowMs;
    this.#allowance = Math.min(this.#allowance + (passedMs * this.#perS) / 1_000, this.#perS + 1);
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    const admitted: S[] = [];
    for (let at = 0; at < waiting.length; at += 1) {
      if (this.#allowance < 1 || this.#pending.size >= PENDING_MAX) {
        this.#waiting = this.#waiting.concat(waiting.slice(at));
        break;
      }
      const entry = waiting[at]!;
      if (!this.#isDue(entry.account, nowMs)) {
        this.#waiting.push(entry);
        continue;
      }
      this.#allowance -= 1;
      this.#pending.add(entry.session);
      if (this.#intervalMs > 0) this.#lastMs.set(entry.account, nowMs);
      admitted.push(entry.session);
    }
    for (const session of admitted) admit(session);
  }

  #isDue(account: number, nowMs: number): boolean {
    const lastMs = this.#lastMs.get(account);
    return lastMs === undefined || nowMs - lastMs >= this.#intervalMs;
  }
}
