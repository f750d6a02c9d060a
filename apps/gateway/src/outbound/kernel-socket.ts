// A TCP socket written to past its stream: straight to the kernel, from memory that is shared.
//
//   nothing waits in the stream      write(2) on its descriptor: the kernel copies the bytes, and
//                                    the same ones may be changed for the next socket at once
//   the kernel takes only a part     a copy of the rest goes to the stream, and so does all after
//   something waits in the stream    a copy goes to the stream: order is kept
//
// The descriptor is known only through the handle that Node keeps on the socket, which is not part
// of Node's promises: where it is missing or not what is expected (TLS, another Node), everything
// goes through the stream. A descriptor is a number that the system gives out again, so it is used
// only while the socket still has the handle it was read from: Node lets go of the handle in the
// turn in which it closes it. Decision 0013 has the figures.
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

interface Handle {
  readonly fd?: unknown;
}

type WithHandle = Duplex & { readonly _handle?: Handle | null };

/** The way to one client. Errors of the socket come as the socket's own events. */
export class KernelSocket {
  readonly #socket: WithHandle;
  readonly #handle: Handle | undefined;
  readonly #descriptor: number;

  constructor(socket: Duplex) {
    this.#socket = socket;
    const handle = handleOf(socket);
    const fd = handle?.fd;
    const isKnown = typeof fd === 'number' && fd >= 0;
    this.#handle = isKnown ? handle : undefined;
    this.#descriptor = isKnown ? fd : -1;
  }

  /** Whether it is written to past its stream at all. */
  get isDirect(): boolean {
    return this.#handle !== undefined;
  }

  /** Bytes that the kernel has not taken yet. */
  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  /**
   * Hot path. Sends what the kernel takes of `bytes` from `start` to `end`, which may be written to
   * again when this returns. Returns where it stopped: the rest is to be appended, before anything
   * else is sent.
   */
  write(bytes: Buffer, start: number, end: number): number {
    const socket = this.#socket;
    if (this.#handle === undefined || socket._handle !== this.#handle) return start;
    if (socket.writableLength !== 0) return start;
    try {
      return start + writeSync(this.#descriptor, bytes, start, end - start);
    } catch {
      // Full, or broken: the stream will meet it again, and say so as it says it.
      return start;
    }
  }

  /** Sends bytes in their turn, from a copy; calls back when they are gone, or never will be. */
  append(bytes: Buffer, start: number, end: number, onGone: () => void): void {
    if (this.#socket.writable) {
      this.#socket.write(Buffer.from(bytes.subarray(start, end)), onGone);
    } else {
      onGone();
    }
  }
}

/** A plain TCP socket's handle; a TLS socket's leads past its encryption. */
function handleOf(socket: Duplex): Handle | undefined {
  if (Object.getPrototypeOf(socket) !== Socket.prototype) return undefined;
  return (socket as WithHandle)._handle ?? undefined;
}
