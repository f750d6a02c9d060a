/**
 * What one recipient of an event costs, by encoding, beside the plain way of encoding each frame; and
 * what a payload costs a `zlib-stream` by each of the ways to make one. Prints ns of wall and CPU time.
 */
import { performance } from 'node:perf_hooks';
import {
  codecOf,
  createCompressor,
  EncodedDispatch,
  intentsFor,
  writeDispatchHead,
  ZlibChunks,
} from '../src/index.js';

const data = {
  id: '1399999999999999999',
  channel_id: '1399999999999999998',
  guild_id: '1399999999999999997',
  author: { id: '1399999999999999996', username: 'someone', discriminator: '0', avatar: null },
  member: { roles: ['1399999999999999995'], joined_at: '2026-08-01T00:00:00.000Z', mute: false },
  content: 'How much does it cost to say this to one more person?',
  timestamp: '2026-08-01T12:00:00.000Z',
  edited_timestamp: null,
  mentions: [],
  mention_roles: [],
  attachments: [],
  embeds: [],
  tts: false,
  mention_everyone: false,
  pinned: false,
  type: 0,
};
const event = new EncodedDispatch('MESSAGE_CREATE', Buffer.from(JSON.stringify(data)));
const target = Buffer.alloc(4096);
let sequence = 0;

function report(name: string, rounds: number, wallMs: number, cpu: NodeJS.CpuUsage): void {
  const wall = ((wallMs * 1e6) / rounds).toFixed(0).padStart(8);
  const used = (((cpu.user + cpu.system) * 1000) / rounds).toFixed(0).padStart(8);
  console.log(`${name.padEnd(44)}${wall} ns${used} ns CPU`);
}

function measure(name: string, rounds: number, once: () => unknown): void {
  for (let round = 0; round < rounds / 10; round += 1) once();
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let round = 0; round < rounds; round += 1) once();
  report(name, rounds, performance.now() - start, process.cpuUsage(cpu));
}

async function measureStream(kind: 'zlib-stream' | 'zstd-stream', rounds: number): Promise<void> {
  const compressor = createCompressor(kind);
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    await compressor.compress(event.frame('json', ++sequence));
  }
  report(`createCompressor('${kind}')`, rounds, performance.now() - start, process.cpuUsage(cpu));
  compressor.close();
}

async function run(): Promise<void> {
  console.log(`node ${process.version}, frame of ${event.frameSize('json', 1)} bytes as JSON`);
  for (const encoding of ['json', 'etf'] as const) {
    const codec = codecOf(encoding);
    measure(`${encoding} each frame encoded anew`, 200_000, () =>
      codec.encode({ op: 0, s: ++sequence, t: 'MESSAGE_CREATE', d: data }),
    );
    measure(`${encoding} frame`, 2_000_000, () => event.frame(encoding, ++sequence));
    measure(`${encoding} writeFrame`, 2_000_000, () =>
      event.writeFrame(target, 0, encoding, ++sequence),
    );
    measure(`${encoding} writeDispatchHead`, 2_000_000, () =>
      writeDispatchHead(target, 0, encoding, ++sequence),
    );
    measure(`${encoding} zlibFrame`, 1_000_000, () => event.zlibFrame(encoding, ++sequence));
  }
  measure('intentsFor', 5_000_000, () => intentsFor('MESSAGE_CREATE', false));
  for (const historySizeMax of [0, 1024, 4096, 32_768]) {
    const chunks = new ZlibChunks(historySizeMax);
    measure(`ZlibChunks compress, history ${historySizeMax}`, 10_000, () =>
      chunks.compress(event.frame('json', ++sequence)),
    );
  }
  await measureStream('zlib-stream', 10_000);
  await measureStream('zstd-stream', 10_000);
}

void run();
