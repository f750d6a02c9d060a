/**
 * Tells users' sessions of changes, through the users' topics, once the changes are durable. Never
 * waits; what is lost, the next READY has.
 *
 * The messages are `fleet.topics.v1.EventBatch`, written by hand in the turn in which the change is
 * made, since the entry may be another one when it is durable:
 *
 *   batch   0a [length] event ...
 *   event   09 [topic u64] · 1a [length] type · 22 [length] data · 58 [at in us, varint]
 */
import type { Bus } from '@guildhall/bus';
import {
  TOPIC_EPHEMERAL_TEMPLATE,
  topicEphemeral,
  type OperationReader,
} from '@guildhall/contracts';
import { SPAN, type TraceContext, type Tracer } from '@guildhall/telemetry';
import { dispatchName, writeDispatch } from '../domain/dispatches.js';
import { JsonBytes } from '../domain/json-bytes.js';
import type { ReadStates } from '../domain/read-states.js';

const PUBLISH = SPAN.publish(TOPIC_EPHEMERAL_TEMPLATE);
const US_PER_MS = 1_000;

const EVENTS_TAG = 0x0a;
const TOPIC_TAG = 0x09;
const TYPE_TAG = 0x1a;
const DATA_TAG = 0x22;
const AT_TAG = 0x58;
/** What is in front of a dispatch's name and data, and between them, at most. */
const AROUND_BYTES_MAX = 64;

const PARTITIONS_MASK = 1_023;

/** Where news go. */
export class Broadcast {
  readonly #bus: Bus;
  readonly #tracer: Tracer;
  readonly #scratch = new JsonBytes();

  constructor(bus: Bus, tracer: Tracer) {
    this.#bus = bus;
    this.#tracer = tracer;
  }

  /** News that are gathered while operations are carried out. */
  news(): News {
    return new News(this.#scratch, this.#bus.clock.nowMs() * US_PER_MS);
  }

  /** Publishes news in their order: what follows each other about one user is one message. */
  publish(news: News, trace: TraceContext | undefined): void {
    for (let at = 0; at < news.messagesCount; at += 1) {
      const userId = news.userIdOf(at);
      const span = trace && this.#tracer.child(trace, PUBLISH);
      this.#bus.publish(topicEphemeral(userId), news.payloadOf(at), span?.context);
      span
        ?.set('guildhall.topic.id', String(userId))
        .set('guildhall.batch.count', news.eventsCountOf(at))
        .end();
    }
  }
}

/** Messages about users, made in the turn in which these changed, to be published later. */
export class News {
  readonly #scratch: JsonBytes;
  readonly #out = new JsonBytes();
  readonly #atUs: number;
  /** Of each message: user hi, user lo, where it begins, how many events it has. */
  readonly #messages: number[] = [];

  constructor(scratch: JsonBytes, atUs: number) {
    this.#scratch = scratch;
    this.#atUs = atUs;
  }

  get messagesCount(): number {
    return this.#messages.length / 4;
  }

  userIdOf(message: number): bigint {
    const at = message * 4;
    return (BigInt(this.#messages[at]!) << 32n) | BigInt(this.#messages[at + 1]!);
  }

  eventsCountOf(message: number): number {
    return this.#messages[message * 4 + 3]!;
  }

  payloadOf(message: number): Uint8Array {
    const end = this.#messages[message * 4 + 6] ?? this.#out.end;
    return this.#out.bytes.subarray(this.#messages[message * 4 + 2]!, end);
  }

  /** Hot path. Adds what is to be said of the operation that was carried out last. */
  add(states: ReadStates, operations: OperationReader, at: number): void {
    const json = this.#scratch;
    json.end = 0;
    writeDispatch(json, states, operations, at);
    const userHi = operations.userHi(at);
    const userLo = operations.userLo(at);
    this.#begin(userHi, userLo);
    this.#event(dispatchName(operations, at), json, userHi, userLo);
  }

  /** Forgets what was said of users of some partitions. */
  forget(partitions: ReadonlySet<number>): void {
    const messages = this.#messages;
    const kept: number[] = [];
    const out = new JsonBytes();
    for (let at = 0; at < messages.length; at += 4) {
      if (partitions.has((messages[at + 1]! >>> 12) & PARTITIONS_MASK)) continue;
      kept.push(messages[at]!, messages[at + 1]!, out.end, messages[at + 3]!);
      out.put(this.payloadOf(at / 4));
    }
    messages.splice(0, messages.length, ...kept);
    this.#out.bytes = out.bytes;
    this.#out.end = out.end;
  }

  #begin(userHi: number, userLo: number): void {
    const messages = this.#messages;
    const last = messages.length - 4;
    if (last >= 0 && messages[last] === userHi && messages[last + 1] === userLo) {
      messages[last + 3]! += 1;
    } else {
      messages.push(userHi, userLo, this.#out.end, 1);
    }
  }

  #event(name: Uint8Array, json: JsonBytes, userHi: number, userLo: number): void {
    const out = this.#out;
    out.reserve(AROUND_BYTES_MAX + name.length + json.end);
    const bytes =
      9 + 2 + name.length + 1 + varintBytes(json.end) + json.end + 1 + varintBytes(this.#atUs);
    const to = out.bytes;
    to[out.end++] = EVENTS_TAG;
    this.#varint(bytes);
    to[out.end++] = TOPIC_TAG;
    for (let shift = 0; shift < 32; shift += 8) to[out.end++] = userLo >>> shift;
    for (let shift = 0; shift < 32; shift += 8) to[out.end++] = userHi >>> shift;
    to[out.end++] = TYPE_TAG;
    to[out.end++] = name.length;
    to.set(name, out.end);
    out.end += name.length;
    to[out.end++] = DATA_TAG;
    this.#varint(json.end);
    to.set(json.bytes.subarray(0, json.end), out.end);
    out.end += json.end;
    to[out.end++] = AT_TAG;
    this.#varint(this.#atUs);
  }

  #varint(value: number): void {
    const out = this.#out;
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80))
      out.bytes[out.end++] = (rest % 0x80) | 0x80;
    out.bytes[out.end++] = rest;
  }
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
}
