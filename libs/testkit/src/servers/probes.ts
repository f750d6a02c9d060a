// Is a server ready? Asked over its own wire, by connecting: a log line or a sleep is a guess.

import { get } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** How long between two attempts to reach a server that is starting. */
const PROBE_INTERVAL_MS = 20;
/** One attempt may take this long. */
const PROBE_TIMEOUT_MS = 2_000;
/** PostgreSQL's protocol 3.0, as its start-up packet writes it. */
const POSTGRES_PROTOCOL = 196_608;

/**
 * Asks `probe` again and again until it says true. Rejects after `timeoutMs`, or with the reason
 * of `signal` when that aborts first.
 */
export async function until(
  probe: () => Promise<boolean>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await probe())) {
    signal?.throwIfAborted();
    if (performance.now() > deadlineMs) throw new Error(`not ready after ${timeoutMs} ms`);
    await delay(PROBE_INTERVAL_MS);
  }
}

/** Whether a nats-server greets on `port` of 127.0.0.1. It listens only once JetStream is up. */
export function natsAnswers(port: number): Promise<boolean> {
  return firstBytes(port, undefined, (bytes) => bytes.toString('latin1').startsWith('INFO {'));
}

/**
 * Whether PostgreSQL on `port` of 127.0.0.1 takes connections. While it starts or recovers it
 * accepts the socket but answers the start-up packet with an error (`E`) instead of asking for a
 * password (`R`).
 */
export function postgresAnswers(port: number): Promise<boolean> {
  const parameters = Buffer.from('user\0postgres\0database\0postgres\0\0');
  const packet = Buffer.alloc(8 + parameters.length);
  packet.writeInt32BE(packet.length, 0);
  packet.writeInt32BE(POSTGRES_PROTOCOL, 4);
  parameters.copy(packet, 8);
  return firstBytes(port, packet, (bytes) => bytes[0] === 'R'.charCodeAt(0));
}

/** Whether a GET of `url` is answered with 200. */
export function httpAnswers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: PROBE_TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once('error', () => resolve(false));
    request.once('timeout', () => request.destroy(new Error('timeout')));
  });
}

function firstBytes(
  port: number,
  greeting: Buffer | undefined,
  judge: (bytes: Buffer) => boolean,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (ready: boolean): void => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(PROBE_TIMEOUT_MS, () => settle(false));
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
    socket.once('data', (bytes: Buffer) => settle(judge(bytes)));
    if (greeting !== undefined) socket.once('connect', () => socket.write(greeting));
  });
}
