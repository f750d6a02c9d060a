// How long each message took to its last recipient in this process. A message's recipients get it
// at about the same time, so a few places per channel are enough: a place is handed out when a
// later message needs it, or when nobody has got the message for a while.

const PLACES_PER_CHANNEL = 16;
/** Numbers per message in what {@link LastRecipients.drain} gives: channel, n, us, recipients. */
export const NUMBERS_PER_MESSAGE = 4;

/** See the top of the file. */
export class LastRecipients {
  readonly #numbers: Int32Array;
  readonly #latencies: Float64Array;
  readonly #counts: Int32Array;
  readonly #seenUs: Float64Array;
  #done: number[] = [];

  constructor(channelsCount: number) {
    const placesCount = channelsCount * PLACES_PER_CHANNEL;
    this.#numbers = new Int32Array(placesCount);
    this.#latencies = new Float64Array(placesCount);
    this.#counts = new Int32Array(placesCount);
    this.#seenUs = new Float64Array(placesCount);
  }

  /** Hot path. Somebody got the n-th message of the channel, so long after it was due. */
  add(channel: number, n: number, latencyUs: number, nowUs: number): void {
    const place = channel * PLACES_PER_CHANNEL + (n % PLACES_PER_CHANNEL);
    if (this.#numbers[place] !== n) {
      this.#handOut(place);
      this.#numbers[place] = n;
    }
    if (latencyUs > this.#latencies[place]!) this.#latencies[place] = latencyUs;
    this.#counts[place]! += 1;
    this.#seenUs[place] = nowUs;
  }

  /** What nobody has got since `beforeUs`, and what had to make room; four numbers each. */
  drain(beforeUs: number): Float64Array {
    for (let place = 0; place < this.#numbers.length; place += 1) {
      if (this.#counts[place]! > 0 && this.#seenUs[place]! < beforeUs) this.#handOut(place);
    }
    const taken = Float64Array.from(this.#done);
    this.#done = [];
    return taken;
  }

  #handOut(place: number): void {
    if (this.#counts[place] === 0) return;
    const channel = Math.floor(place / PLACES_PER_CHANNEL);
    this.#done.push(channel, this.#numbers[place]!, this.#latencies[place]!, this.#counts[place]!);
    this.#numbers[place] = 0;
    this.#latencies[place] = 0;
    this.#counts[place] = 0;
  }
}
