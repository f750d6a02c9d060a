// Finds the sessions whose lease has run out without looking at the others. A renewal only moves a
// number; the session stays where the wheel would look next, and is moved on when that comes. So a
// lease costs one look for its whole length, however often it is renewed.
import type { Session } from './session.js';

/** How fine the wheel looks; a lease that has run out is found at most so much later. */
export const LEASE_STEP_MS = 250;

/** Sessions whose slot has come. */
interface Due {
  readonly slot: number;
  readonly sessions: Session[];
}

/** See the top of the file. Times are monotonic ms and never go back. */
export class LeaseWheel {
  readonly #slots = new Map<number, Session[]>();
  /** What the last turn did not come to, the earliest last. */
  #due: Due[] = [];
  #turnedTo = -1;

  /** Looks at the session when its lease ends; to be called again when that comes earlier. */
  watch(session: Session): void {
    const slot = Math.max(Math.ceil(session.expiresAtMs / LEASE_STEP_MS), this.#turnedTo + 1);
    if (session.slot === slot) return;
    session.slot = slot;
    const sessions = this.#slots.get(slot);
    if (sessions === undefined) this.#slots.set(slot, [session]);
    else sessions.push(session);
  }

  /** The session is gone. May be called twice. */
  forget(session: Session): void {
    session.slot = -1;
  }

  /**
   * The sessions whose leases have ended by now, at most so many; they are watched no more. The
   * others come with the next turn.
   */
  turn(nowMs: number, endedMax: number): Session[] {
    this.#advance(Math.floor(nowMs / LEASE_STEP_MS));
    const ended: Session[] = [];
    while (this.#due.length > 0 && ended.length < endedMax) {
      const { slot, sessions } = this.#due.at(-1)!;
      const session = sessions.pop();
      if (session === undefined) {
        this.#due.pop();
        continue;
      }
      // It is gone, or looked at elsewhere.
      if (session.slot !== slot) continue;
      session.slot = -1;
      if (session.expiresAtMs > nowMs) this.watch(session);
      else ended.push(session);
    }
    return ended;
  }

  #advance(last: number): void {
    const passed: Due[] = [];
    for (const slot of this.#passed(last)) {
      const sessions = this.#slots.get(slot);
      if (sessions === undefined) continue;
      this.#slots.delete(slot);
      passed.push({ slot, sessions });
    }
    if (passed.length > 0) this.#due = [...passed.reverse(), ...this.#due];
  }

  /** Ascending. The slots that exist rather than those that have passed, if these are more. */
  #passed(last: number): number[] {
    const first = this.#turnedTo + 1;
    this.#turnedTo = Math.max(this.#turnedTo, last);
    if (last - first >= this.#slots.size) {
      return [...this.#slots.keys()].filter((slot) => slot <= last).sort((a, b) => a - b);
    }
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
  }
}
