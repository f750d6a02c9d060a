// nats-server's own WebSocket listener: subscribers over WebSocket, one publisher over TCP.
import { createConnection, type Socket } from 'node:net';
import { freePort, startNats, tempDir } from '@guildhall/testkit';
import type { Stage } from './target.js';

const SUBJECT = 'fan';
const CONNECT = '{"verbose":false,"pedantic":false,"headers":false,"protocol":1}';

/** Starts a server with just this to do. */
export async function startNatsListener(
  connectionsCount: number,
  payloadBytes: number,
): Promise<Stage> {
  const folder = tempDir('guildhall-fan-out-nats-');
  const port = await freePort();
  const server = await startNats({
    dir: folder.path,
    // A stage may last longer than the two pings after which a silent client is cut off.
    extraConfig: [
      'ping_interval: "1h"',
      `websocket { listen: "127.0.0.1:${port}", no_tls: true, compression: false }`,
    ].join('\n'),
  });
  const publisher = await connectPublisher(server.port);
  // `MSG fan 1 275\r\n` + payload + `\r\n` fill the frame.
  const overhead = (bytes: number): number => `MSG ${SUBJECT} 1 ${bytes}\r\n\r\n`.length;
  const body = payloadBytes - overhead(payloadBytes);
  const publication = Buffer.from(`PUB ${SUBJECT} ${body}\r\n${'x'.repeat(body)}\r\n`);
  const eventBytes = body + overhead(body);
  const target = {
    name: 'nats',
    pids: [server.pid],
    sinks: [
      {
        dialect: { name: 'nats' as const, subject: SUBJECT, eventBytes },
        port,
        connectionsCount,
        identities: [],
      },
    ],
    publish: (count: number) => {
      publisher.write(Buffer.concat(Array.from({ length: count }, () => publication)));
      return Promise.resolve();
    },
  };
  return {
    targets: [target],
    stop: async () => {
      publisher.destroy();
      await server.stop();
      folder.remove();
    },
  };
}

/** Says hello, and answers pings. */
async function connectPublisher(port: number): Promise<Socket> {
  const socket = createConnection({ host: '127.0.0.1', port, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.write(`CONNECT ${CONNECT}\r\nPING\r\n`);
    socket.on('data', (data) => {
      const text = data.toString('latin1');
      if (text.includes('PING\r\n')) socket.write('PONG\r\n');
      if (text.includes('PONG\r\n')) resolve();
    });
  });
  // Whoever needs it again will notice that nothing comes.
  socket.on('error', () => undefined);
  return socket;
}
