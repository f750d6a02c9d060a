import { duplexPair, type Duplex } from 'node:stream';
import { ManualClock } from '@guildhall/clock';
import { eventually } from '@guildhall/testkit';
import { ClientSocket, ReadyState, type ClientListener } from './client-socket.js';

/** A client's frame; a mask of zeros is a mask. */
function frame(opcode: number, payload: string): Buffer {
  const bytes = Buffer.from(payload, 'latin1');
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | bytes.length, 0, 0, 0, 0]), bytes]);
}

const holds = (check: () => void): Promise<boolean> =>
  eventually(
    () => {
      check();
      return true;
    },
    { label: 'what was said' },
  );

class Recorder implements ClientListener {
  readonly sessionId = undefined;
  readonly said: string[] = [];
  answers = false;

  message(bytes: Buffer): void {
    this.said.push(bytes.toString());
  }

  violated(code: number): boolean {
    this.said.push(`violated ${code}`);
    return this.answers;
  }

  closed(code: number): void {
    this.said.push(`closed ${code}`);
  }
}

function connected(): {
  clock: ManualClock;
  client: Duplex;
  heard: () => string;
  socket: ClientSocket;
  recorder: Recorder;
} {
  const [server, client] = duplexPair();
  const clock = new ManualClock();
  const socket = new ClientSocket(server, clock, 1_000);
  const recorder = new Recorder();
  socket.listener = recorder;
  const chunks: Buffer[] = [];
  client.on('data', (chunk: Buffer) => chunks.push(chunk));
  const heard = (): string => Buffer.concat(chunks).toString('latin1');
  return { clock, client, heard, socket, recorder };
}

describe('ClientSocket', () => {
  it('hands on messages and sends some, short and long', async () => {
    const { client, heard, socket, recorder } = connected();
    client.write(frame(1, 'hello'));
    await holds(() => expect(recorder.said).toEqual(['hello']));
    for (const size of [3, 200, 70_000]) {
      const gone = new Promise<void>((resolve) =>
        socket.send(Buffer.alloc(size, 'x'), { binary: false }, resolve),
      );
      await gone;
    }
    const sizes = ['\x81\x03', '\x81\x7e\x00\xc8', '\x81\x7f\x00\x00\x00\x00\x00\x01\x11\x70'];
    const whole = sizes.map((head, at) => head + 'x'.repeat([3, 200, 70_000][at]!)).join('');
    await holds(() => expect(heard()).toBe(whole));
  });

  it('answers a ping, and a goodbye with the same code', async () => {
    const { client, heard, recorder } = connected();
    client.write(Buffer.concat([frame(9, 'p'), frame(8, '\x03\xe8bye')]));
    client.on('end', () => client.end());
    await holds(() => expect(recorder.said).toEqual(['closed 1000']));
    expect(heard()).toBe('\x8a\x01p\x88\x02\x03\xe8');
  });

  it('says goodbye and hears no more but the goodbye of the client', async () => {
    const { client, heard, socket, recorder } = connected();
    socket.close(4000, 'away');
    socket.close(4001);
    socket.send(Buffer.from('late'), { binary: false });
    client.write(Buffer.concat([frame(1, 'late'), frame(9, 'late'), frame(8, '\x0f\xa0')]));
    client.on('end', () => client.end());
    await holds(() => expect(recorder.said).toEqual(['closed 4000']));
    expect(heard()).toBe('\x88\x06\x0f\xa0away');
    expect(socket.readyState).toBe(ReadyState.Closed);
  });

  it('does not wait for ever for a client that never says goodbye', async () => {
    const { clock, socket, recorder } = connected();
    socket.close(4000);
    expect(recorder.said).toEqual([]);
    clock.advance(30_000);
    await holds(() => expect(recorder.said).toEqual(['closed 1006']));
  });

  it('closes with the code of a violation, unless its owner has chosen another', async () => {
    const broken = Buffer.from('f18000000000', 'hex');
    const first = connected();
    first.client.write(broken);
    await holds(() => expect(first.heard()).toBe('\x88\x02\x03\xea'));
    const second = connected();
    second.recorder.answers = true;
    second.client.write(Buffer.concat([broken, frame(1, 'not read')]));
    await holds(() => expect(second.recorder.said).toEqual(['violated 1002']));
    expect(second.heard()).toBe('');
  });
});
