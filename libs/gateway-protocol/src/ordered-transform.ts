import type { Transform } from 'node:stream';

/**
 * Why a payload did not come through; the connection's stream is of no use any more, unless
 * refused.
 */
export class CompressionFailed extends Error {
  override readonly name = 'CompressionFailed';
  /** `overloaded`: this payload was not taken, those before it are safe. The others are final. */
  readonly reason: 'overloaded' | 'closed' | 'broken' | 'too_large';

  constructor(reason: CompressionFailed['reason'], cause?: unknown) {
    super(`compression failed: ${reason}`, { cause });
    this.reason = reason;
  }
}

interface Waiting {
  readonly input: Buffer;
  readonly resolve: (chunks: Buffer[]) => void;
  readonly reject: (error: CompressionFailed) => void;
}

/**
 * A Node transform stream as a function from one input to its output: one write at a time, and what
 * the stream gives out before it calls that write done belongs to it. That holds for zlib and zstd
 * streams made with a `flush`, which push everything before they call back.
 */
export class OrderedTransform {
  readonly #stream: Transform;
  readonly #pendingBytesMax: number;
  readonly #outputSizeMax: number;
  readonly #waiting: Waiting[] = [];
  #inHand: Waiting | undefined;
  #chunks: Buffer[] = [];
  #outputSize = 0;
  #pendingBytes = 0;
  #failure: CompressionFailed | undefined;

  constructor(stream: Transform, pendingBytesMax: number, outputSizeMax: number) {
    this.#stream = stream;
    this.#pendingBytesMax = pendingBytesMax;
    this.#outputSizeMax = outputSizeMax;
    stream.on('data', (chunk: Buffer) => this.#collect(chunk));
    stream.on('error', (error) => this.#fail(new CompressionFailed('broken', error)));
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** The output of one input, as the chunks it came in. */
  transform(input: Buffer): Promise<Buffer[]> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (input.length === 0) return Promise.reject(new RangeError('an empty payload'));
    if (this.#pendingBytes + input.length > this.#pendingBytesMax) {
      return Promise.reject(new CompressionFailed('overloaded'));
    }
    this.#pendingBytes += input.length;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ input, resolve, reject });
      if (this.#inHand === undefined) this.#next();
    });
  }

  close(): void {
    this.#fail(new CompressionFailed('closed'));
  }

  #next(): void {
    const next = this.#waiting.shift();
    this.#inHand = next;
    if (next === undefined) return;
    this.#stream.write(next.input, (error) => {
      // An error also arrives as an event, with its cause.
      if (error === null || error === undefined) this.#finish(next);
    });
  }

  #finish(done: Waiting): void {
    if (this.#failure !== undefined) return;
    while (this.#stream.read() !== null); // What flows no further by itself comes out as 'data'.
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#outputSize = 0;
    this.#pendingBytes -= done.input.length;
    done.resolve(chunks);
    this.#next();
  }

  #collect(chunk: Buffer): void {
    this.#outputSize += chunk.length;
    if (this.#outputSize > this.#outputSizeMax) {
      this.#fail(new CompressionFailed('too_large'));
    } else if (this.#failure === undefined) {
      this.#chunks.push(chunk);
    }
  }

  #fail(failure: CompressionFailed): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#stream.destroy();
    const lost = this.#inHand === undefined ? [] : [this.#inHand, ...this.#waiting];
    this.#waiting.length = 0;
    this.#inHand = undefined;
    this.#chunks = [];
    this.#pendingBytes = 0;
    for (const { reject } of lost) reject(failure);
  }
}
