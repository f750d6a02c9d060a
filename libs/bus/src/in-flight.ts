import type { Clock } from '@guildhall/clock';

/** Counts work that has begun and not ended, and tells when none is left. */
export class InFlight {
  #count = 0;
  #onIdle: (() => void)[] = [];

  get count(): number {
    return this.#count;
  }

  begin(): void {
    this.#count += 1;
  }

  end(): void {
    this.#count -= 1;
    if (this.#count > 0 || this.#onIdle.length === 0) return;
    const waiting = this.#onIdle;
    this.#onIdle = [];
    for (const settle of waiting) settle();
  }

  /** Resolves when nothing is in flight, or after `timeoutMs`; says which. */
  whenIdle(clock: Clock, timeoutMs: number): Promise<boolean> {
    if (this.#count === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = clock.setTimer(timeoutMs, () => resolve(false));
      this.#onIdle.push(() => {
        timer.cancel();
        resolve(true);
      });
    });
  }
}
