// A steady stream of messages, and the question whether all of it arrived.
//
// Each lane is one writer in one channel: it says something, waits for the answer, says the next
// thing. What was answered with 200 is a fact; what was not may have happened or not, and is never
// said again. So afterwards, whatever became of the fleet meanwhile, it holds for each channel:
//
//   answered  is in  history  =  what each session heard, once and in order

import { eventually, shown } from '@guildhall/testkit';
import type { GatewayPayload, TestApi, TestGatewayClient } from '@guildhall/testkit';

import { ok } from './world.js';
import type { Message } from './world.js';

/** Who talks where: `api` is the API as the writer, and through the instance it is to use. */
export interface Lane {
  readonly api: TestApi;
  readonly channelId: string;
}

/** A message that was answered with 200. Times are of `performance.now()`. */
export interface Said {
  readonly id: string;
  readonly channelId: string;
  /** The index of its lane. */
  readonly lane: number;
  readonly sentAtMs: number;
  readonly answeredAtMs: number;
}

/** One that was answered otherwise, or not at all. */
export interface Unsaid {
  readonly channelId: string;
  readonly sentAtMs: number;
  readonly answeredAtMs: number;
  /** 0: the connection failed, or no answer came in time. */
  readonly status: number;
  readonly reason: string;
}

/** A session; or the connections of one that was resumed, in order. */
export type Listener = TestGatewayClient | readonly TestGatewayClient[];

/** Between an answer and the next message of a lane: people who talk fast. */
const PAUSE_MS = 25;
const ANSWER_TIMEOUT_MS = 15_000;
const HISTORY_PAGE = 100;

/** Runs from its making until {@link MessageStream.stop}. */
export class MessageStream {
  readonly said: Said[] = [];
  readonly unsaid: Unsaid[] = [];
  readonly channelIds: readonly string[];
  readonly #lanes: readonly Lane[];
  readonly #saidCounts: number[];
  readonly #running: readonly Promise<void>[];
  #isStopping = false;

  constructor(lanes: readonly Lane[]) {
    this.#lanes = lanes;
    this.#saidCounts = lanes.map(() => 0);
    this.channelIds = [...new Set(lanes.map(({ channelId }) => channelId))];
    this.#running = lanes.map((lane, at) => this.#talk(lane, at));
  }

  /** No more messages; resolves when the last is answered. May be called twice. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#running);
  }

  /** Resolves when every lane has had `count` more answers of 200 than now. */
  async flows(count = 5, timeoutMs = 30_000): Promise<void> {
    const wanted = this.#saidCounts.map((already) => already + count);
    await eventually(() => wanted.every((enough, lane) => this.#saidCounts[lane]! >= enough), {
      label: `every lane has said ${count} more`,
      timeoutMs,
    });
  }

  /**
   * The longest time, ms, from then on that any lane was without an answer of 200.
   */
  longestPauseMs(sinceMs: number): number {
    const pauses = this.#lanes.map((_lane, at) => {
      const times = this.said
        .filter(({ lane, answeredAtMs }) => lane === at && answeredAtMs >= sinceMs)
        .map(({ answeredAtMs }) => answeredAtMs);
      return Math.max(...times.map((atMs, index) => atMs - (times[index - 1] ?? sinceMs)));
    });
    return Math.round(Math.max(...pauses));
  }

  /** The first in the channel that was sent at or after this time and answered with 200. */
  firstSaidSince(channelId: string, atMs: number): Said | undefined {
    return this.said.find((one) => one.channelId === channelId && one.sentAtMs >= atMs);
  }

  /**
   * Checks what is promised at the top of this file; to be called when the stream has stopped.
   * Waits for what is on its way. A session is held to what came after the channels as its READY
   * (or GUILD_CREATE) showed them. `reader` is the API as someone who may read all channels.
   */
  async expectDelivered(
    reader: TestApi,
    listeners: Readonly<Record<string, Listener>>,
    timeoutMs = 15_000,
  ): Promise<void> {
    for (const channelId of this.channelIds) {
      const history = await historyOf(reader, channelId);
      const known = new Set(history);
      const lost = this.said.filter((one) => one.channelId === channelId && !known.has(one.id));
      if (lost.length > 0) {
        throw new Error(`answered with 200 and not in the history: ${shown(lost)}`);
      }
      for (const [name, listener] of Object.entries(listeners)) {
        const payloads = () => payloadsOf(listener);
        const from = BigInt(lastMessageAtStart(payloads(), channelId) ?? 0);
        const expected = history.filter((id) => BigInt(id) > from);
        const label = `${name} has heard ${expected.length} messages of ${channelId}`;
        await eventually(() => heardOf(payloads(), channelId).length >= expected.length, {
          label,
          timeoutMs,
        });
        expectSame(name, heardOf(payloads(), channelId), expected);
      }
    }
  }

  async #talk({ api, channelId }: Lane, lane: number): Promise<void> {
    for (let count = 1; !this.#isStopping; count += 1) {
      const content = `lane ${lane}, message ${count}`;
      const sentAtMs = performance.now();
      const outcome = await say(api, channelId, content);
      const answeredAtMs = performance.now();
      if (typeof outcome === 'string') {
        this.said.push({ id: outcome, channelId, lane, sentAtMs, answeredAtMs });
        this.#saidCounts[lane]! += 1;
      } else {
        this.unsaid.push({ channelId, sentAtMs, answeredAtMs, ...outcome });
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

/** The ids of all messages of a channel, oldest first. */
export async function historyOf(reader: TestApi, channelId: string): Promise<string[]> {
  const newestFirst: string[] = [];
  for (;;) {
    const before = newestFirst.at(-1);
    const query = { limit: HISTORY_PAGE, ...(before === undefined ? {} : { before }) };
    const page = await ok<Message[]>(reader.get(`/channels/${channelId}/messages`, { query }));
    newestFirst.push(...page.map(({ id }) => id));
    if (page.length < HISTORY_PAGE) return newestFirst.toReversed();
  }
}

/** When each message of the channel came, by id, by the clock of {@link Said}. */
export function arrivalsOf(listener: Listener, channelId: string): Map<string, number> {
  const creates = payloadsOf(listener).filter((payload) => isMessageIn(payload, channelId));
  return new Map(creates.map(({ d, atMs }) => [(d as Message).id, atMs]));
}

async function say(
  api: TestApi,
  channelId: string,
  content: string,
): Promise<string | Pick<Unsaid, 'status' | 'reason'>> {
  try {
    const path = `/channels/${channelId}/messages`;
    const timeoutMs = ANSWER_TIMEOUT_MS;
    const { status, body } = await api.post<Message>(path, { content }, { timeoutMs });
    return status === 200 ? body.id : { status, reason: shown(body) };
  } catch (error) {
    return { status: 0, reason: shown(error) };
  }
}

function payloadsOf(listener: Listener): GatewayPayload[] {
  const connections = [listener].flat() as TestGatewayClient[];
  return connections.flatMap(({ payloads }) => payloads);
}

function isMessageIn({ t, d }: GatewayPayload, channelId: string): boolean {
  return t === 'MESSAGE_CREATE' && (d as Message).channel_id === channelId;
}

function heardOf(payloads: readonly GatewayPayload[], channelId: string): string[] {
  return payloads
    .filter((payload) => isMessageIn(payload, channelId))
    .map(({ d }) => (d as Message).id);
}

interface Channels {
  readonly channels?: readonly { readonly id: string; readonly last_message_id?: string | null }[];
}

/** What the session was told was the newest message of the channel when it began to listen. */
function lastMessageAtStart(
  payloads: readonly GatewayPayload[],
  channelId: string,
): string | null | undefined {
  const guilds = payloads.flatMap(({ t, d }) => {
    if (t === 'READY') return (d as { guilds: Channels[] }).guilds;
    return t === 'GUILD_CREATE' ? [d as Channels] : [];
  });
  const channels = guilds.flatMap((guild) => guild.channels ?? []);
  return channels.find(({ id }) => id === channelId)?.last_message_id;
}

function expectSame(name: string, heard: readonly string[], expected: readonly string[]): void {
  const at = heard.findIndex((id, index) => id !== expected[index]);
  if (at < 0 && heard.length === expected.length) return;
  const from = Math.max(0, at - 2);
  const [said, was] = [heard, expected].map((ids) => shown(ids.slice(from, from + 6)));
  throw new Error(`${name} heard something else than was said, at ${at}: ${said} and not ${was}`);
}
