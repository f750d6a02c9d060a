/** So much work at once; the rest waits its turn. A storm of logins must not bury owners. */
export class Permits {
  readonly #max: number;
  readonly #waiting: ((release: () => void) => void)[] = [];
  #takenCount = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Starts the work, now or later; it must call `release` exactly once. */
  run(work: (release: () => void) => void): void {
    if (this.#takenCount >= this.#max) {
      this.#waiting.push(work);
      return;
    }
    this.#takenCount += 1;
    work(() => this.#release());
  }

  #release(): void {
    this.#takenCount -= 1;
    const next = this.#waiting.shift();
    if (next !== undefined) this.run(next);
  }
}
