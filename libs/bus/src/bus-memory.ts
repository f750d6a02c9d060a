// The nervous system in one process, for specs and simulations: the same bus over a hub that
// delivers in microtasks, in the order of sending, and does what a network does when told to. With
// a ManualClock a story has one possible course.
import type { Clock } from '@guildhall/clock';
import type { Bus } from './bus.js';
import type { BusOptions } from './bus-room.js';
import type { HeaderList, Link, LinkEvents, LinkSubscription, WireMessage } from './link.js';
import { LinkedBus } from './linked-bus.js';
import { SubjectTrie } from './subject-trie.js';

/** A message on its way from one connection to another. */
export interface Transit {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly payload: Uint8Array;
}

/**
 * What happens to a message: lost, twice, or later. What is sent after it from the same connection
 * to the same connection waits as well, since a server keeps that order. Undefined: nothing
 * special.
 */
export type Fate = 'drop' | 'duplicate' | { readonly delayMs: number } | undefined;

export interface MemoryHubOptions {
  /** As the server's `max_payload`. Default 1 MiB. */
  readonly maxPayloadBytes?: number;
}

/** One connection to the hub, and what may happen to it. */
export interface MemoryBus extends Bus {
  /**
   * As a lost connection: requests under way end, nothing is sent or heard. May be called twice.
   */
  disconnect(): void;
  /** As nats.js after it connected again: interest is back, what was published meanwhile is not. */
  reconnect(): void;
}

/** Where connections meet. */
export interface MemoryHub {
  /** Names must differ; the clock is the hub's unless told. */
  connect(options: Partial<BusOptions> & { readonly name: string }): MemoryBus;
  /**
   * Decides the fate of each message; the first rule with an opinion counts. Returns how to end it.
   */
  rule(fate: (transit: Transit) => Fate): () => void;
  /** How many messages have been handed over so far. */
  readonly deliveredCount: number;
}

const MEBIBYTE = 1024 * 1024;
const NO_RESPONDERS = 503;
/** A conversation that never ends must not keep the event loop from turning. */
const DELIVERIES_PER_TURN_MAX = 10_000;
const NOTHING = new Uint8Array(0);

/** A hub without connections. */
export function createMemoryBus(clock: Clock, options: MemoryHubOptions = {}): MemoryHub {
  return new Hub(clock, options.maxPayloadBytes ?? MEBIBYTE);
}

interface Interest {
  readonly link: MemoryLink;
  readonly queue: string | undefined;
  readonly onMessage: (message: WireMessage) => void;
  isActive: boolean;
}

interface Delivery {
  readonly interest: Interest;
  readonly message: WireMessage;
  /** The connection's life in which it was sent on: a reconnected client does not get old mail. */
  readonly life: number;
}

class Hub implements MemoryHub {
  readonly maxPayloadBytes: number;
  readonly #clock: Clock;
  readonly #interests = new SubjectTrie<Interest>();
  readonly #links = new Map<string, MemoryLink>();
  readonly #fates: ((transit: Transit) => Fate)[] = [];
  /** Per pair of connections, when the last delayed message will be through. */
  readonly #heldUntilMs = new Map<string, number>();
  readonly #turns = new Map<string, number>();
  #ready: (Delivery | (() => void))[] = [];
  #isScheduled = false;
  #deliveredCount = 0;

  constructor(clock: Clock, maxPayloadBytes: number) {
    this.#clock = clock;
    this.maxPayloadBytes = maxPayloadBytes;
  }

  get deliveredCount(): number {
    return this.#deliveredCount;
  }

  connect(options: Partial<BusOptions> & { readonly name: string }): MemoryBus {
    if (this.#links.get(options.name)?.isOpen === true) {
      throw new Error(`${options.name} is connected already`);
    }
    const link = new MemoryLink(this, options.name);
    this.#links.set(options.name, link);
    const inbox = `_INBOX.memory.${options.name}`;
    return new ConnectedBus(link, inbox, { clock: this.#clock, ...options });
  }

  rule(fate: (transit: Transit) => Fate): () => void {
    this.#fates.push(fate);
    return () => {
      const at = this.#fates.indexOf(fate);
      if (at >= 0) this.#fates.splice(at, 1);
    };
  }

  add(pattern: string, interest: Interest): void {
    this.#interests.add(pattern, interest);
  }

  delete(pattern: string, interest: Interest): void {
    this.#interests.delete(pattern, interest);
  }

  send(
    from: MemoryLink,
    subject: string,
    data: Uint8Array,
    reply = '',
    headers?: HeaderList,
  ): void {
    const message: WireMessage = {
      subject,
      // A copy, as the wire makes one: neither side sees what the other does to its bytes.
      data: data.slice(),
      reply,
      headers: headers === undefined ? undefined : wireHeaders(0, headers),
    };
    const interests = this.#chosen(subject);
    if (interests.length === 0 && reply !== '') {
      const status = { subject: reply, data: NOTHING, headers: wireHeaders(NO_RESPONDERS, []) };
      for (const interest of this.#chosen(reply)) this.#hand(interest, status);
    }
    for (const interest of interests) this.#dispatch(from, interest, message);
  }

  /** Resolves when everything that is ready now has been handed over. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#ready.push(resolve);
      this.#schedule();
    });
  }

  /** All who are interested, and of each queue one, in turn. */
  #chosen(subject: string): Interest[] {
    const chosen: Interest[] = [];
    const queues = new Map<string, Interest[]>();
    for (const interest of this.#interests.match(subject)) {
      if (!interest.link.isConnected) continue;
      if (interest.queue === undefined) chosen.push(interest);
      else queues.set(interest.queue, [...(queues.get(interest.queue) ?? []), interest]);
    }
    for (const [queue, members] of queues) {
      const turn = this.#turns.get(queue) ?? 0;
      this.#turns.set(queue, turn + 1);
      chosen.push(members[turn % members.length]!);
    }
    return chosen;
  }

  #dispatch(from: MemoryLink, interest: Interest, message: WireMessage): void {
    const to = interest.link.name;
    const { subject, data: payload } = message;
    const fate = this.#fateOf({ from: from.name, to, subject, payload });
    if (fate === 'drop') return;
    const pair = `${from.name} ${to}`;
    const nowMs = this.#clock.monotonicMs();
    const heldUntilMs = this.#heldUntilMs.get(pair) ?? 0;
    const dueMs = Math.max(heldUntilMs, nowMs + (typeof fate === 'object' ? fate.delayMs : 0));
    const times = fate === 'duplicate' ? 2 : 1;
    for (let time = 0; time < times; time += 1) {
      if (dueMs <= nowMs) {
        this.#hand(interest, message);
        continue;
      }
      this.#heldUntilMs.set(pair, dueMs);
      const { life } = interest.link;
      this.#clock.setTimer(dueMs - nowMs, () => this.#hand(interest, message, life));
    }
  }

  #fateOf(transit: Transit): Fate {
    for (const rule of this.#fates) {
      const fate = rule(transit);
      if (fate !== undefined) return fate;
    }
    return undefined;
  }

  #hand(interest: Interest, message: WireMessage, life = interest.link.life): void {
    this.#ready.push({ interest, message, life });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.#deliver());
  }

  #deliver(): void {
    let allowance = DELIVERIES_PER_TURN_MAX;
    while (this.#ready.length > 0 && allowance > 0) {
      const batch = this.#ready;
      this.#ready = [];
      for (const delivery of batch) this.#deliverOne(delivery);
      allowance -= batch.length;
    }
    if (this.#ready.length > 0) setImmediate(() => this.#deliver());
    else this.#isScheduled = false;
  }

  #deliverOne(delivery: Delivery | (() => void)): void {
    if (typeof delivery === 'function') {
      delivery();
      return;
    }
    const { interest, message, life } = delivery;
    if (!interest.isActive || !interest.link.isConnected || interest.link.life !== life) return;
    this.#deliveredCount += 1;
    interest.onMessage(message);
  }
}

class MemoryLink implements Link {
  readonly name: string;
  readonly #hub: Hub;
  #events: LinkEvents | undefined;
  isConnected = true;
  isOpen = true;
  life = 0;

  constructor(hub: Hub, name: string) {
    this.#hub = hub;
    this.name = name;
  }

  get payloadBytesMax(): number {
    return this.#hub.maxPayloadBytes;
  }

  listen(events: LinkEvents): void {
    this.#events = events;
  }

  publish(
    subject: string,
    payload: Uint8Array,
    reply: string | undefined,
    headers: HeaderList | undefined,
  ): boolean {
    if (!this.isConnected) return false;
    this.#hub.send(this, subject, payload, reply, headers);
    return true;
  }

  subscribe(
    subject: string,
    queue: string | undefined,
    onMessage: (message: WireMessage) => void,
  ): LinkSubscription {
    const interest: Interest = { link: this, queue, onMessage, isActive: true };
    this.#hub.add(subject, interest);
    return {
      unsubscribe: () => {
        interest.isActive = false;
        this.#hub.delete(subject, interest);
      },
      drain: async () => {
        this.#hub.delete(subject, interest);
        await this.#hub.settled();
        interest.isActive = false;
      },
    };
  }

  flush(): Promise<void> {
    return this.#hub.settled();
  }

  async close(): Promise<void> {
    this.isConnected = false;
    this.isOpen = false;
  }

  disconnect(): void {
    if (!this.isConnected) return;
    this.isConnected = false;
    this.life += 1;
    this.#events?.onDown();
  }

  reconnect(): void {
    if (this.isConnected || !this.isOpen) return;
    this.isConnected = true;
    this.#events?.onUp();
    this.#events?.onGap('reconnect');
  }
}

class ConnectedBus extends LinkedBus implements MemoryBus {
  readonly #link: MemoryLink;

  constructor(link: MemoryLink, inbox: string, options: BusOptions) {
    super(link, inbox, options);
    this.#link = link;
  }

  disconnect(): void {
    this.#link.disconnect();
  }

  reconnect(): void {
    this.#link.reconnect();
  }
}

function wireHeaders(code: number, headers: HeaderList): WireMessage['headers'] {
  return { code, get: (name) => headers.find(([known]) => known === name)?.[1] ?? '' };
}
