// Passwords are what people think up, so they are kept behind scrypt: slow, and hungry for memory,
// by design. It runs in libuv's thread pool, and only so many at once: file writes and name
// look-ups need those threads too, and each run holds 128 * N * r bytes (32 MiB by default).
//
//   scrypt$15$8$1$<salt>$<key>     log2 N, r, p; base64url. A stored hash says how it was made.
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { Fault, FaultCode } from '@guildhall/fault';

const BLOCK_SIZE = 8;
const PARALLELIZATION = 1;
const SALT_BYTES = 16;
const KEY_BYTES = 32;
const STORED = /^scrypt\$(\d+)\$(\d+)\$(\d+)\$([\w-]+)\$([\w-]+)$/;

export interface PasswordsOptions {
  /** log2 of scrypt's N: each step doubles time and memory. */
  readonly cost: number;
  /** Runs at once. */
  readonly concurrencyMax: number;
  /** Runs that wait for their turn; more are refused as `overloaded`. */
  readonly waitingMax: number;
}

/** Hashes and checks passwords. Both reject with Fault `overloaded` when too many wait. */
export class Passwords {
  readonly #options: PasswordsOptions;
  readonly #waiting: (() => void)[] = [];
  #runningCount = 0;

  constructor(options: PasswordsOptions) {
    this.#options = options;
  }

  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    const { cost } = this.#options;
    const key = await this.#derive(password, salt, cost, BLOCK_SIZE, PARALLELIZATION);
    const parts = [cost, BLOCK_SIZE, PARALLELIZATION, salt.toString('base64url')];
    return `scrypt$${parts.join('$')}$${key.toString('base64url')}`;
  }

  /** Takes as long for a hash that does not exist (undefined, empty), and is then false. */
  async matches(password: string, stored: string | undefined): Promise<boolean> {
    const match = STORED.exec(stored ?? '');
    if (match === null) {
      const { cost } = this.#options;
      await this.#derive(password, randomBytes(SALT_BYTES), cost, BLOCK_SIZE, PARALLELIZATION);
      return false;
    }
    const [, cost, blockSize, parallelization, salt, key] = match;
    const derived = await this.#derive(
      password,
      Buffer.from(salt!, 'base64url'),
      Number(cost),
      Number(blockSize),
      Number(parallelization),
    );
    const expected = Buffer.from(key!, 'base64url');
    return expected.length === derived.length && timingSafeEqual(expected, derived);
  }

  async #derive(
    password: string,
    salt: Uint8Array,
    cost: number,
    blockSize: number,
    parallelization: number,
  ): Promise<Buffer> {
    await this.#turn();
    try {
      const N = 2 ** cost;
      const maxmem = 256 * N * blockSize;
      return await new Promise((resolve, reject) => {
        const options = { N, r: blockSize, p: parallelization, maxmem };
        scrypt(password.normalize('NFKC'), salt, KEY_BYTES, options, (error, key) =>
          error === null ? resolve(key) : reject(error),
        );
      });
    } finally {
      const next = this.#waiting.shift();
      // Whoever waits takes the place over; it never becomes free in between.
      if (next !== undefined) next();
      else this.#runningCount--;
    }
  }

  #turn(): Promise<void> {
    if (this.#runningCount < this.#options.concurrencyMax) {
      this.#runningCount++;
      return Promise.resolve();
    }
    if (this.#waiting.length >= this.#options.waitingMax) {
      return Promise.reject(
        new Fault(FaultCode.Overloaded, 'too many passwords are being checked'),
      );
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
