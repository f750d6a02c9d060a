// What a Node process does with its time, sampled while something is measured.
import { WebSocket } from 'ws';

/** A function, and how long it was on top of the stack. */
export interface SelfTime {
  readonly name: string;
  /** `file:line`, as far as known. */
  readonly place: string;
  readonly selfMs: number;
  /** Of all samples that were not idle. */
  readonly share: number;
}

/** As the inspector gives it. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  readonly samples?: readonly number[];
  readonly timeDeltas?: readonly number[];
}

const SAMPLE_EVERY_US = 200;
const IDLE = '(idle)';
const US_PER_MS = 1000;

/** A process that was started with `--inspect`, by the address it says it listens on. */
export class Profiler {
  readonly #socket: WebSocket;
  #nextId = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Connects, and begins to sample. */
  static async start(url: string): Promise<Profiler> {
    const socket = new WebSocket(url, { maxPayload: 1 << 28, perMessageDeflate: false });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const profiler = new Profiler(socket);
    await profiler.#call('Profiler.enable', {});
    await profiler.#call('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_US });
    await profiler.#call('Profiler.start', {});
    return profiler;
  }

  /** Ends it. To be called once. */
  async stop(): Promise<CpuProfile> {
    const { profile } = (await this.#call('Profiler.stop', {})) as { profile: CpuProfile };
    this.#socket.close();
    return profile;
  }

  #call(method: string, params: object): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const onMessage = (data: Buffer): void => {
        const message = JSON.parse(data.toString()) as { id?: number; result?: unknown };
        if (message.id !== id) return;
        this.#socket.off('message', onMessage);
        resolve(message.result);
      };
      this.#socket.on('message', onMessage);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }
}

/** The functions that took longest by themselves, longest first. Pure. */
export function selfTimes(profile: CpuProfile, count: number): SelfTime[] {
  const { nodes, samples = [], timeDeltas = [] } = profile;
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map<string, { name: string; place: string; us: number }>();
  let busyUs = 0;
  samples.forEach((id, index) => {
    const { functionName, url, lineNumber } = frames.get(id)!;
    if (functionName === IDLE) return;
    const us = timeDeltas[index] ?? 0;
    busyUs += us;
    const name = functionName === '' ? '(anonymous)' : functionName;
    const place = url === '' ? '' : `${url.split('/').slice(-3).join('/')}:${lineNumber + 1}`;
    const known = times.get(`${name} ${place}`);
    if (known === undefined) times.set(`${name} ${place}`, { name, place, us });
    else known.us += us;
  });
  return [...times.values()]
    .sort((a, b) => b.us - a.us)
    .slice(0, count)
    .map(({ name, place, us }) => ({ name, place, selfMs: us / US_PER_MS, share: us / busyUs }));
}
