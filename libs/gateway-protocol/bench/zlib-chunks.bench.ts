/**
 * What a payload costs a compressed transport by each of the ways to make one, in ns of wall and
 * CPU time, and the size of a message that repeats most of the one before.
 */
import { performance } from 'node:perf_hooks';
import { createCompressor, EncodedDispatch, ZlibChunks } from '../src/index.js';
import { data, measure, report } from './measure.js';

const event = new EncodedDispatch('MESSAGE_CREATE', Buffer.from(JSON.stringify(data)));
let sequence = 0;

async function measureStream(kind: 'zlib-stream' | 'zstd-stream', rounds: number): Promise<void> {
  const compressor = createCompressor(kind);
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    await compressor.compress(event.frame('json', ++sequence));
  }
  report(`createCompressor('${kind}')`, rounds, performance.now() - start, process.cpuUsage(cpu));
  console.log(`  ${(await compressor.compress(event.frame('json', ++sequence))).length} bytes`);
  compressor.close();
}

async function run(): Promise<void> {
  console.log(`node ${process.version}, payloads of ${event.frameSize('json', 1)} bytes`);
  for (const historySizeMax of [0, 1024, 4096, 32_768]) {
    const chunks = new ZlibChunks(historySizeMax);
    const once = () => chunks.compress(event.frame('json', ++sequence));
    measure(`ZlibChunks compress, history ${historySizeMax}`, 10_000, once);
    console.log(`  ${once().length} bytes`);
  }
  await measureStream('zlib-stream', 10_000);
  await measureStream('zstd-stream', 10_000);
}

void run();
