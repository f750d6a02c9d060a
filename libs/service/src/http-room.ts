import type { AddressInfo } from 'node:net';
import { assert } from '@guildhall/fault';
import type { FastifyInstance } from 'fastify';
import type { Room, ServiceLog } from './room.js';

export interface HttpRoomOptions {
  host: string;
  /** 0 asks the system for a free one; see {@link HttpRoom.port}. */
  port: number;
  logger?: ServiceLog;
}

/** A room that listens. */
export interface HttpRoom extends Room {
  /** The port it is bound to. Throws a Bug before the room has started. */
  readonly port: number;
}

/**
 * A Fastify instance as a room, the last one as a rule. Draining, every answer asks the client to
 * connect anew elsewhere, and it waits for the requests in hand. Stopping, it lets go of idle
 * connections and waits for the others; whoever upgraded a socket closes it before.
 */
export function httpRoom(server: FastifyInstance, options: HttpRoomOptions): HttpRoom {
  let inHandCount = 0;
  let isDraining = false;
  let idle: (() => void) | undefined;
  let boundPort: number | undefined;

  // On the listener itself, not as a hook of Fastify's: hooks miss the scopes opened before them.
  // `close` comes once for every request, answered or abandoned.
  server.server.prependListener('request', (_request, response) => {
    inHandCount++;
    response.once('close', () => {
      inHandCount--;
      if (inHandCount === 0) idle?.();
    });
    if (isDraining) response.setHeader('connection', 'close');
  });

  return {
    name: 'http',
    get port() {
      assert(boundPort !== undefined, 'the http room has started');
      return boundPort;
    },
    async start() {
      await server.listen({ host: options.host, port: options.port });
      boundPort = (server.server.address() as AddressInfo).port;
      options.logger?.info('listening', { host: options.host, port: boundPort });
    },
    async drain(signal) {
      isDraining = true;
      if (inHandCount === 0) return;
      await new Promise<void>((resolve) => {
        idle = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    },
    async stop() {
      await server.close();
    },
  };
}
