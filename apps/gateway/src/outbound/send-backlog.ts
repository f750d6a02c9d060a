// What waits for slow clients, in the whole process. Each socket has its own bound; this is the
// bound on their sum, lest many sockets that are each a little slow fill the memory. When it is
// passed, those for which the most waits are cut off first, and may resume.

/** One socket for which bytes wait. */
export interface Waiter {
  /** Ends the connection; what waits for it is free then. */
  cutOff(): void;
}

/** The bytes that wait, by socket. Whoever waits for nothing costs nothing. */
export class SendBacklog {
  readonly #bytesMax: number;
  readonly #waiting = new Map<Waiter, number>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes that wait, of all sockets. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Sockets for which something waits. */
  get waitersCount(): number {
    return this.#waiting.size;
  }

  /** So much waits for this socket now; 0 when nothing does, and when it is gone. */
  note(waiter: Waiter, bytes: number): void {
    this.#bytes += bytes - (this.#waiting.get(waiter) ?? 0);
    if (bytes === 0) this.#waiting.delete(waiter);
    else this.#waiting.set(waiter, bytes);
    if (this.#bytes > this.#bytesMax) this.#makeRoom();
  }

  #makeRoom(): void {
    const worstFirst = [...this.#waiting].sort(([, a], [, b]) => b - a);
    for (const [waiter] of worstFirst) {
      if (this.#bytes <= this.#bytesMax) return;
      this.note(waiter, 0);
      waiter.cutOff();
    }
  }
}
