import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

import { readOtlpSpans, type CollectedSpan } from './otlp-reader.js';

/** A collector in memory, for tests: point a fleet at `url` and look at what arrived. */
export interface OtlpCollector {
  /** Base address, to be used as `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string;
  /** Everything received since the start or the last `clear`, in order of arrival. */
  spans(): readonly CollectedSpan[];
  clear(): void;
  /** How many requests could not be read; a test should find zero. */
  malformedCount(): number;
  /** Stops listening and drops open connections. */
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 64 * 1024 * 1024;

/** Starts a collector of OTLP/HTTP protobuf traces on a free port of the loopback interface. */
export async function startOtlpCollector(): Promise<OtlpCollector> {
  let spans: CollectedSpan[] = [];
  let malformedCount = 0;
  const server = createServer((request, response) => {
    receive(request, response).then(
      (received) => void spans.push(...received),
      () => {
        malformedCount += 1;
        response.writeHead(400).end();
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => spans,
    clear: () => void (spans = []),
    malformedCount: () => malformedCount,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function receive(
  request: IncomingMessage,
  response: ServerResponse,
): Promise<CollectedSpan[]> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > BODY_BYTES_MAX) throw new RangeError('too large');
    chunks.push(chunk);
  }
  if (request.method !== 'POST' || request.url !== '/v1/traces') {
    response.writeHead(404).end();
    return [];
  }
  const body = Buffer.concat(chunks);
  const isZipped = request.headers['content-encoding'] === 'gzip';
  const received = readOtlpSpans(
    isZipped ? gunzipSync(body, { maxOutputLength: BODY_BYTES_MAX }) : body,
  );
  response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  return received;
}
