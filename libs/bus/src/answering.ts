import { assert, Bug, Fault, FaultCode } from '@guildhall/fault';
import type { TraceContext } from '@guildhall/telemetry';
import type { Incoming } from './bus.js';
import { traceOf, type BusRoom } from './bus-room.js';
import type { InFlight } from './in-flight.js';
import type { HeaderList, WireMessage } from './link.js';
import { encodeBody, encodeFault } from './reply-codec.js';
import { PART_HEADER, partHeader, split } from './reply-parts.js';

/** Names an answer in parts; unique per connection. */
export interface AnswerNames {
  next(): string;
}

/** A request that was taken. */
export class IncomingRequest implements Incoming {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly trace: TraceContext | undefined;
  readonly arrivedAtMs: number;
  readonly #room: BusRoom;
  readonly #names: AnswerNames;
  readonly #inFlight: InFlight;
  readonly #replyTo: string | undefined;
  #isAnswered = false;

  constructor(room: BusRoom, names: AnswerNames, inFlight: InFlight, message: WireMessage) {
    this.#room = room;
    this.#names = names;
    this.#inFlight = inFlight;
    this.subject = message.subject;
    this.payload = message.data;
    this.trace = traceOf(message.headers);
    this.arrivedAtMs = room.clock.monotonicMs();
    this.#replyTo = message.reply === '' ? undefined : message.reply;
    room.counts.received += 1;
    room.counts.servedInFlight += 1;
    inFlight.begin();
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  ageMs(): number {
    return this.#room.clock.monotonicMs() - this.arrivedAtMs;
  }

  reply(body: Uint8Array): void {
    this.#answered();
    const { replyBytesMax } = this.#room.limits;
    if (body.length <= replyBytesMax) {
      this.#send(encodeBody(body));
      return;
    }
    this.#room.report('an answer was too large to send', {
      subject: this.subject,
      bytes: body.length,
    });
    const text = `answer of ${body.length} bytes, at most ${replyBytesMax}`;
    this.#send(encodeFault(new Fault(FaultCode.Overloaded, text)));
  }

  fail(fault: Fault): void {
    this.#answered();
    if (fault.code === FaultCode.Malformed) this.#room.setAside(this.subject, fault.cause ?? fault);
    this.#send(encodeFault(fault));
  }

  /** Deals with what the handler threw before it returned. */
  threw(reason: unknown): void {
    this.#room.callbackThrew(reason, this.subject);
    if (this.#isAnswered || reason instanceof Bug) return;
    this.fail(Fault.from(reason));
  }

  #answered(): void {
    assert(!this.#isAnswered, 'a request is answered once');
    this.#isAnswered = true;
    this.#room.counts.servedInFlight -= 1;
    // Ends in a microtask, after the answer is on its way: a drain that waits may close the bus.
    queueMicrotask(() => this.#inFlight.end());
  }

  #send(bytes: Uint8Array): void {
    if (this.#replyTo === undefined) return;
    const { limits, payloadBytesMax } = this.#room;
    const partBytesMax = Math.min(limits.partBytesMax, payloadBytesMax);
    if (bytes.length <= partBytesMax) {
      this.#publish(this.#replyTo, bytes, undefined);
      return;
    }
    const name = this.#names.next();
    const parts = split(bytes, partBytesMax);
    for (const [index, part] of parts.entries()) {
      const header = [PART_HEADER, partHeader(name, index, parts.length)] as const;
      this.#publish(this.#replyTo, part, [header]);
    }
  }

  #publish(subject: string, bytes: Uint8Array, headers: HeaderList | undefined): void {
    if (!this.#room.link.publish(subject, bytes, undefined, headers)) {
      this.#room.counts.dropped += 1;
    }
  }
}
