// Hot path: ZlibChunks.compress, ZstdChunks.compress, SharedFrame.patch. What each way to compress
// costs a connection, side by side on the same traffic: bytes on the wire, CPU a message, memory.
//
//   npm run bench -- gateway-protocol compression
//
// The traffic is drawn from a fixed seed: what a member of some busy guilds is sent (messages of
// people who write like people, typing, presence, reactions), after a READY with ten guilds. CPU is
// of all threads; memory is the growth of the process with `CONNECTIONS` contexts that have each
// sent a READY and some messages. `shared` is per message for one more connection of many.
import { execFileSync } from 'node:child_process';
import process from 'node:process';
import { constants, createZstdCompress } from 'node:zlib';
import {
  compressPayload,
  createCompressor,
  EncodedDispatch,
  SharedForm,
  ZlibChunks,
  ZstdChunks,
  type Compressor,
} from '../src/index.js';

const MESSAGES_COUNT = 2_000;
const CONNECTIONS = 150;
const WARM_UP_MESSAGES = 10;
const WORDS =
  'the a to and of in is it you that for on with as this was be are have not we but they at one ' +
  'can all would there what so up out if about who get which go me when make like time just him ' +
  'know take people into year your good some could them see other than then now look only come ' +
  'its over think also back after use two how our work first well way even new want because any';

let state = 20_240_101;
function below(count: number): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  return Math.floor((state / 4_294_967_296) * count);
}

const words = WORDS.split(' ');
const text = (): string =>
  Array.from({ length: 1 + below(20) }, () => words[below(words.length)]).join(' ');
const id = (): string => `12582912${String(1e10 + below(1e9) * 9 + below(9))}`;
const channels = Array.from({ length: 12 }, id);
const guild = id();
const users = Array.from({ length: 60 }, () => ({
  id: id(),
  username: `${words[below(words.length)]}${below(1000)}`,
  discriminator: '0',
  global_name: words[below(words.length)],
  avatar: Buffer.from(text()).toString('hex').padEnd(32, '0').slice(0, 32),
  public_flags: 0,
}));

function event(): EncodedDispatch {
  const user = users[below(users.length)]!;
  const kind = below(100);
  const place = { channel_id: channels[below(channels.length)], guild_id: guild };
  if (kind < 45) {
    return dispatch('MESSAGE_CREATE', {
      id: id(),
      type: 0,
      ...place,
      author: user,
      member: { roles: [channels[below(4)]], joined_at: '2024-03-01T10:00:00.000000+00:00' },
      content: text(),
      timestamp: new Date(1.7e12 + below(1e9)).toISOString(),
      edited_timestamp: null,
      tts: false,
      mention_everyone: false,
      mentions: [],
      mention_roles: [],
      attachments: [],
      embeds: [],
      components: [],
      flags: 0,
      pinned: false,
      nonce: id(),
    });
  }
  if (kind < 70) {
    return dispatch('PRESENCE_UPDATE', {
      user: { id: user.id },
      guild_id: guild,
      status: ['online', 'idle', 'dnd'][below(3)],
      activities: below(2) === 0 ? [] : [{ name: text(), type: 0, created_at: 1.7e12 }],
      client_status: { desktop: 'online' },
    });
  }
  if (kind < 92) {
    const timestamp = Math.floor(1.7e9 + below(1e6));
    return dispatch('TYPING_START', { ...place, user_id: user.id, timestamp });
  }
  const emoji = { id: null, name: '\u{1F44D}' };
  return dispatch('MESSAGE_REACTION_ADD', { ...place, user_id: user.id, message_id: id(), emoji });
}

function ready(): EncodedDispatch {
  const guilds = Array.from({ length: 10 }, () => ({
    id: id(),
    name: text(),
    roles: Array.from({ length: 20 }, () => ({
      id: id(),
      name: text(),
      permissions: '2147483647',
    })),
    channels: channels.map((channel) => ({ id: channel, name: text(), type: 0, topic: text() })),
    members: users.map((user) => ({ user, roles: [channels[0]] })),
  }));
  return dispatch('READY', { v: 10, user: users[0], guilds, session_id: id() });
}

function dispatch(type: string, data: unknown): EncodedDispatch {
  return new EncodedDispatch(type, Buffer.from(JSON.stringify(data)));
}

const first = ready().frame('json', 1);
const events = Array.from({ length: MESSAGES_COUNT }, event);
const frames = events.map((one, at) => one.frame('json', at + 2));
const bytesOf = (all: readonly Buffer[]): number => all.reduce((sum, one) => sum + one.length, 0);

/** Makes the message of each frame, in order; one connection. */
interface Way {
  readonly name: string;
  readonly open: () => {
    one: (frame: Buffer, at: number) => Buffer | Promise<Buffer>;
    close: () => void;
  };
}

const nothing = (): void => undefined;
const stream = (make: () => Compressor) => () => {
  const compressor = make();
  return {
    one: (frame: Buffer) => compressor.compress(frame),
    close: () => compressor.close(),
  };
};
const history = (size: number): Way => ({
  name: `zlib-stream, history of ${size}`,
  open: () => {
    const chunks = new ZlibChunks(size);
    return { one: (frame) => chunks.compress(frame), close: nothing };
  },
});

/** Messages come with their WebSocket header of 4 bytes, as they are sent. */
function shared(name: string, form: SharedForm, make: () => Pick<ZlibChunks, 'compress'>): Way {
  return {
    name: `${name}, shared`,
    open: () => {
      const chunks = make();
      const one = (frame: Buffer, at: number): Buffer => {
        if (at === 0) return chunks.compress(frame);
        const event = events[at - 1]!.shared(form);
        event.patch(at + 1);
        return event.bytes.subarray(event.start, event.end);
      };
      return { one, close: nothing };
    },
  };
}

const WAYS: readonly Way[] = [
  { name: 'none', open: () => ({ one: (frame) => frame, close: nothing }) },
  { name: 'payload, each by itself', open: () => ({ one: compressPayload, close: nothing }) },
  shared('zlib-stream', SharedForm.JsonZlib, () => new ZlibChunks(0)),
  shared('zstd-stream', SharedForm.JsonZstd, () => new ZstdChunks()),
  history(1_024),
  history(4_096),
  history(32_768),
  {
    name: 'zlib-stream, context',
    open: stream(() => createCompressor('zlib-stream', { pendingBytesMax: 1e8 })),
  },
  {
    name: 'zstd-stream, 6/18/16/16',
    open: stream(() => createCompressor('zstd-stream', { pendingBytesMax: 1e8 })),
  },
];

async function say(way: ReturnType<Way['open']>, count: number): Promise<Buffer[]> {
  const out: Buffer[] = [await way.one(first, 0)];
  for (let at = 0; at < count; at += 1) out.push(await way.one(frames[at]!, at + 1));
  return out;
}

async function measure(way: Way): Promise<void> {
  // Of `shared` the first connection pays for all; what counts is another one.
  for (let round = 0; round < 2; round += 1) {
    const warm = way.open();
    await say(warm, way.name.includes('shared') ? MESSAGES_COUNT : 200);
    warm.close();
  }
  const connection = way.open();
  const opened = await connection.one(first, 0);
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  const out: Buffer[] = [];
  for (const [at, frame] of frames.entries()) out.push(await connection.one(frame, at + 1));
  const tookUs = ((performance.now() - startedMs) * 1_000) / MESSAGES_COUNT;
  const { user, system } = process.cpuUsage(cpu);
  connection.close();
  const kib = Number(execFileSync(process.execPath, memoryArguments(way), { encoding: 'utf8' }));
  console.log(
    [
      way.name.padEnd(26),
      `${(bytesOf(out) / MESSAGES_COUNT).toFixed(0)} bytes`.padStart(10),
      `READY ${(opened.length / 1_024).toFixed(1)} KiB`.padStart(16),
      `${((user + system) / MESSAGES_COUNT).toFixed(1)} us CPU`.padStart(14),
      `${tookUs.toFixed(0)} us`.padStart(8),
      `${kib.toFixed(0)} KiB a connection`.padStart(22),
    ].join(' '),
  );
}

const memoryArguments = ({ name }: Way): string[] => [
  '--expose-gc',
  process.argv[1]!,
  'memory',
  name,
];

/** In a process of its own: what the way before it left behind would be taken for memory. */
async function measureMemory(way: Way): Promise<void> {
  const held: ReturnType<Way['open']>[] = [];
  const open = async (count: number): Promise<number> => {
    for (let more = 0; more < count; more += 1) {
      const one = way.open();
      held.push(one);
      await say(one, WARM_UP_MESSAGES);
    }
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 100));
    return process.memoryUsage().rss;
  };
  // As many before, for what is there once and for what garbage there is at any time.
  const before = await open(CONNECTIONS);
  const after = await open(CONNECTIONS);
  console.log((after - before) / CONNECTIONS / 1_024);
  for (const one of held) one.close();
}

// What the compressor was made with is what it is: another setting of it gives other bytes.
async function zstdSettingsMatter(): Promise<void> {
  const sized = (params: Record<number, number>): Promise<number> =>
    new Promise((resolve, reject) => {
      const zstd = createZstdCompress({ flush: constants.ZSTD_e_flush, params });
      let size = 0;
      zstd.on('data', (chunk: Buffer) => (size += chunk.length));
      zstd.on('error', reject);
      zstd.on('end', () => resolve(size));
      zstd.write(first);
      for (const frame of frames) zstd.write(frame);
      zstd.end();
    });
  const { ZSTD_c_compressionLevel, ZSTD_c_windowLog, ZSTD_c_chainLog, ZSTD_c_hashLog } = constants;
  const field = { [ZSTD_c_windowLog]: 18, [ZSTD_c_chainLog]: 16, [ZSTD_c_hashLog]: 16 };
  const level = (value: number) => ({ [ZSTD_c_compressionLevel]: value });
  console.log(`zstd, all bytes: level 6 18/16/16 ${await sized({ ...level(6), ...field })}`);
  console.log(`                 level 1 18/16/16 ${await sized({ ...level(1), ...field })}`);
  console.log(`                 level 6 alone    ${await sized(level(6))}`);
}

async function run(): Promise<void> {
  if (process.argv[2] === 'memory') {
    await measureMemory(WAYS.find(({ name }) => name === process.argv[3])!);
    return;
  }
  const size = bytesOf(frames) / MESSAGES_COUNT;
  console.log(`${MESSAGES_COUNT} messages of ${size.toFixed(0)} bytes`);
  for (const way of WAYS) await measure(way);
  await zstdSettingsMatter();
}

void run();
