import { freePort, isPortFree } from '@guildhall/testkit';

/** Hands out ports, never one twice: none is bound yet when the next is asked for. */
export class Ports {
  readonly #given = new Set<number>();

  /** Any free port. */
  async any(): Promise<number> {
    for (;;) {
      const port = await freePort();
      if (this.#take(port)) return port;
    }
  }

  /** `port` itself. Throws when something else has it. */
  async exactly(port: number): Promise<number> {
    if (!(await isPortFree(port)) || !this.#take(port)) throw new Error(`port ${port} is taken`);
    return port;
  }

  /** `port` when it is free, else any. */
  async preferably(port: number): Promise<number> {
    return (await isPortFree(port)) && this.#take(port) ? port : this.any();
  }

  #take(port: number): boolean {
    if (this.#given.has(port)) return false;
    this.#given.add(port);
    return true;
  }
}
