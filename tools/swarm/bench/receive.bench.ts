// What it costs a client process to take one message in, from the bytes of a read to the checks,
// without the kernel's part: by encoding and compression. CPU time of this process, best of five.

import { createCompressor, EncodedDispatch } from '@guildhall/gateway-protocol';

import { Checker } from '../src/checker.js';
import { DispatchScanner } from '../src/dispatch-scan.js';
import { FrameParser } from '../src/frame-parser.js';
import { Histogram } from '../src/histogram.js';
import { LastRecipients } from '../src/last-recipients.js';
import { MarkScanner, writeMark } from '../src/mark.js';
import { planFor } from '../src/plan.js';
import { readScenario } from '../src/scenario.js';
import { DecodedBytes, StreamDecoder } from '../src/stream-decoder.js';
import { Truth } from '../src/truth.js';
import { Violations } from '../src/violations.js';

const MESSAGES = 20_000;
const ROUNDS = 5;
const TYPE = Buffer.from('MESSAGE_CREATE');

const scenario = readScenario({ sessions: { bots: 1 }, guilds: [{ members: 1, channels: 1 }] });

function dataOf(n: number, previousId: string, id: string): Buffer {
  const mark = { channel: 0, n, epoch: 0, dueUs: 1e12 + n, previousId };
  const user = { id: '1327654321098765432', username: 'owner', discriminator: '0', avatar: null };
  return Buffer.from(
    JSON.stringify({
      id,
      type: 0,
      channel_id: '1327654321098760000',
      author: { ...user, global_name: null, public_flags: 0, bot: false },
      content: writeMark(mark, 80, Math.random),
      timestamp: '2026-01-01T00:00:00.000000+00:00',
      edited_timestamp: null,
      tts: false,
      mention_everyone: false,
      mention_roles: [],
      attachments: [],
      embeds: [],
      components: [],
      pinned: false,
      flags: 0,
      mentions: [],
      channel_type: 0,
      guild_id: '1327654321098750000',
      member: { roles: [], joined_at: '2026-01-01T00:00:00.000000+00:00', deaf: false },
    }),
  );
}

function framed(payload: Buffer): Buffer {
  const head = Buffer.from([0x82, 126, 0, 0]);
  head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

async function framesOf(kind: 'none' | 'zlib-stream' | 'zstd-stream'): Promise<Buffer[]> {
  const compressor = kind === 'none' ? undefined : createCompressor(kind);
  const frames: Buffer[] = [];
  let previousId = '0';
  for (let n = 1; n <= MESSAGES; n += 1) {
    const id = String(1_327_654_321_098_765_432n + BigInt(n) * 4_096n);
    const frame = new EncodedDispatch('MESSAGE_CREATE', dataOf(n, previousId, id)).frame('json', n);
    frames.push(framed(compressor === undefined ? frame : await compressor.compress(frame)));
    previousId = id;
  }
  compressor?.close();
  return frames;
}

/** Takes all of them in, as a session does; microseconds of CPU for one. */
function receive(frames: readonly Buffer[], kind: 'none' | 'zlib-stream' | 'zstd-stream'): number {
  const truth = new Truth(planFor(scenario));
  const violations = new Violations();
  const accounts = Uint32Array.of(0);
  const nameOf = String;
  const checker = new Checker({
    truth,
    violations,
    accounts,
    channelsCount: 1,
    guildsCount: 1,
    nameOf,
  });
  checker.begin(0);
  checker.snapshot(0, 0, 0, 0);
  const [dispatch, mark, latency] = [new DispatchScanner(), new MarkScanner(), new Histogram()];
  const last = new LastRecipients(1);
  const output = new DecodedBytes();
  const decoder = kind === 'none' ? undefined : new StreamDecoder(kind, output);
  let count = 0;
  const take = (bytes: Buffer, start: number, end: number): void => {
    if (!dispatch.scan(bytes, start, end) || !dispatch.is(bytes, TYPE)) return;
    checker.sequence(0, dispatch.s);
    if (!mark.scan(bytes, dispatch.dataAt, end)) return;
    checker.message(0, mark);
    latency.add(mark.n & 0xffff);
    last.add(mark.channel, mark.n, mark.n & 0xffff, mark.dueUs);
    count += 1;
  };
  const parser = new FrameParser((_, bytes, start, end) => {
    if (decoder === undefined) return take(bytes, start, end);
    take(output.bytes, 0, decoder.decode(bytes, start, end));
  });
  const before = process.cpuUsage();
  for (const frame of frames) parser.push(frame, 0, frame.length);
  const { user, system } = process.cpuUsage(before);
  decoder?.close();
  if (count !== frames.length || violations.total > 0) throw new Error('not all came as written');
  return (user + system) / frames.length;
}

for (const kind of ['none', 'zlib-stream', 'zstd-stream'] as const) {
  const frames = await framesOf(kind);
  const bytes = frames.reduce((sum, { length }) => sum + length, 0) / frames.length;
  const best = Math.min(...Array.from({ length: ROUNDS }, () => receive(frames, kind)));
  console.log(`${kind.padEnd(12)} ${best.toFixed(2)} us, ${Math.round(bytes)} bytes a message`);
}
