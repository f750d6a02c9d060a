/**
 * Counts the frames of a WebSocket's server side in a stream of bytes, reading nothing but their
 * heads:
 *
 *   | fin, opcode | length 0..125 | payload                        |
 *   | fin, opcode | 126 | length in 2 bytes, big-endian | payload  |
 *   | fin, opcode | 127 | length in 8 bytes, big-endian | payload  |
 *
 * A head may be cut anywhere by the edge of a chunk. Ten thousand of these live in one process, so
 * one is four numbers and no buffer.
 */

/** Told of each frame when its last byte has come; `endAt` is where it ends in the chunk. */
export type OnFrame = (opcode: number, payloadBytes: number, endAt: number) => void;

const OPCODE = 0x0f;
const LENGTH = 0x7f;

/** What remains to be read of a head. */
const Stage = { Opcode: 0, Length: 1, LongLength: 2, Payload: 3 } as const;
type Stage = (typeof Stage)[keyof typeof Stage];

/** The reading half of one connection. */
export class FrameCounter {
  #stage: Stage = Stage.Opcode;
  #opcode = 0;
  #length = 0;
  /** Bytes still to come: of the long length, or of the payload. */
  #left = 0;

  /** Reads `chunk` from `start` up to `end`, and calls `onFrame` in order. */
  read(chunk: Uint8Array, start: number, end: number, onFrame: OnFrame): void {
    let at = start;
    while (at < end) {
      if (this.#stage === Stage.Payload) {
        const taken = Math.min(this.#left, end - at);
        at += taken;
        this.#left -= taken;
        if (this.#left === 0) this.#finish(onFrame, at);
        continue;
      }
      at += 1;
      this.#readHead(chunk[at - 1]!, onFrame, at);
    }
  }

  #readHead(byte: number, onFrame: OnFrame, endAt: number): void {
    if (this.#stage === Stage.Opcode) {
      this.#opcode = byte & OPCODE;
      this.#stage = Stage.Length;
      return;
    }
    if (this.#stage === Stage.Length) {
      const length = byte & LENGTH;
      if (length < 126) {
        this.#begin(length, onFrame, endAt);
        return;
      }
      this.#length = 0;
      this.#left = length === 126 ? 2 : 8;
      this.#stage = Stage.LongLength;
      return;
    }
    this.#length = this.#length * 256 + byte;
    this.#left -= 1;
    if (this.#left === 0) this.#begin(this.#length, onFrame, endAt);
  }

  #begin(length: number, onFrame: OnFrame, endAt: number): void {
    this.#length = length;
    this.#left = length;
    this.#stage = Stage.Payload;
    if (length === 0) this.#finish(onFrame, endAt);
  }

  #finish(onFrame: OnFrame, endAt: number): void {
    this.#stage = Stage.Opcode;
    onFrame(this.#opcode, this.#length, endAt);
  }
}
