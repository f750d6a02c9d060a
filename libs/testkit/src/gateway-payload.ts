// What one WebSocket message from the gateway must be, read as strictly as the strictest small
// client would: whoever is lenient here lets a server ship what some library refuses.
import { inflateSync } from 'node:zlib';
import {
  codecOf,
  createDecompressor,
  isDispatchEvent,
  Opcode,
  ZLIB_SUFFIX,
} from '@guildhall/gateway-protocol';
import type {
  Codec,
  Decompressor,
  Encoding,
  TransportCompression,
} from '@guildhall/gateway-protocol';

/** A payload as the client got it. */
export interface GatewayPayload {
  readonly op: number;
  /** Whatever the event says it is; a test that reads it knows. */
  readonly d: unknown;
  readonly s: number | null;
  readonly t: string | null;
  /** When it had been decoded, by `performance.now()`. */
  readonly atMs: number;
  /** Of the WebSocket message, as it was on the wire. */
  readonly wireSize: number;
}

/** The gateway broke the protocol. The connection is of no use to a test any more. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation';
}

/** Reads the messages of one connection, in order. */
export class PayloadReader {
  readonly #encoding: Encoding;
  readonly #compression: TransportCompression;
  readonly #codec: Codec;
  readonly #decompressor: Decompressor | undefined;
  /** Set once IDENTIFY asked for it: single payloads may then come compressed. */
  acceptsCompressedPayloads = false;

  constructor(encoding: Encoding, compression: TransportCompression) {
    this.#encoding = encoding;
    this.#compression = compression;
    this.#codec = codecOf(encoding);
    this.#decompressor = compression === 'none' ? undefined : createDecompressor(compression);
  }

  /**
   * The payload of one message. Call it for one after the other. Rejects with `ProtocolViolation`
   * and nothing else.
   */
  async read(message: Buffer, isBinary: boolean): Promise<GatewayPayload> {
    try {
      const bytes = await this.#inflated(message, isBinary);
      return checked(this.#codec.decode(bytes), message.length);
    } catch (error) {
      if (error instanceof ProtocolViolation) throw error;
      const words = error instanceof Error ? error.message : String(error);
      throw new ProtocolViolation(`a message that cannot be read: ${words}`, { cause: error });
    }
  }

  /** Frees what decompression holds. May be called twice. */
  close(): void {
    this.#decompressor?.close();
  }

  async #inflated(message: Buffer, isBinary: boolean): Promise<Buffer> {
    if (this.#decompressor !== undefined) {
      demand(isBinary, `${this.#compression} in a text message`);
      if (this.#compression === 'zlib-stream') {
        demand(
          endsWithOneSuffix(message),
          'a zlib message that does not end with one flush suffix',
        );
      }
      return this.#decompressor.decompress(message);
    }
    if (this.#encoding === 'etf') {
      demand(isBinary, 'ETF in a text message');
      return message;
    }
    if (!isBinary) return message;
    demand(this.acceptsCompressedPayloads, 'a binary message on a plain JSON connection');
    return inflateSync(message);
  }
}

function endsWithOneSuffix(message: Buffer): boolean {
  const size = ZLIB_SUFFIX.length;
  // A second flush appends an empty block, 00 and the suffix again without its first byte.
  return (
    message.subarray(-size).equals(ZLIB_SUFFIX) &&
    !message.subarray(-size - 5, -5).equals(ZLIB_SUFFIX)
  );
}

function checked(value: unknown, wireSize: number): GatewayPayload {
  demand(
    typeof value === 'object' && value !== null && !Array.isArray(value),
    'a payload that is not an object',
  );
  const { op, d, s, t, ...rest } = value as Record<string, unknown>;
  const strangers = Object.keys(rest);
  demand(strangers.length === 0, `a payload with ${strangers.join(', ')}`);
  demand(Number.isInteger(op) && (op as number) >= 0, 'a payload whose op is not a whole number');
  demand(d !== undefined && s !== undefined && t !== undefined, `op ${op} without all of d, s, t`);
  if (op === Opcode.Dispatch) {
    demand(typeof t === 'string' && isDispatchEvent(t), `a dispatch named ${String(t)}`);
    demand(Number.isInteger(s) && (s as number) >= 1, `${t} with s ${String(s)}`);
  } else {
    demand(s === null && t === null, `op ${op} with s ${String(s)} and t ${String(t)}`);
  }
  return {
    op: op as number,
    d,
    s: s as number | null,
    t: t as string | null,
    atMs: performance.now(),
    wireSize,
  };
}

/** Throws a `ProtocolViolation` unless the condition holds; `words` say what came. */
export function demand(condition: boolean, words: string): asserts condition {
  if (!condition) throw new ProtocolViolation(`the gateway sent ${words}`);
}
