/** So many in a window that starts with the first of them. Costs two numbers, no timer. */
export class SendLimiter {
  readonly #countMax: number;
  readonly #windowMs: number;
  #windowEndsMs = -Infinity;
  #count = 0;

  constructor(countMax: number, windowMs: number) {
    this.#countMax = countMax;
    this.#windowMs = windowMs;
  }

  /** Counts one and says whether it is within the limit. */
  admit(nowMs: number): boolean {
    if (nowMs >= this.#windowEndsMs) {
      this.#windowEndsMs = nowMs + this.#windowMs;
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count <= this.#countMax;
  }
}
