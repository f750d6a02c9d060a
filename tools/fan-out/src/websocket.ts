// As much of WebSocket as a sink and a floor need: the upgrade, and frames in one piece.

const FIN = 0x80;
const MASKED = 0x80;
const MASK_BYTES = 4;
/** Any 16 bytes will do: nobody here checks what the server makes of them. */
const KEY = Buffer.alloc(16, 7).toString('base64');

/** Opcodes of frames. */
export const FrameType = { Text: 1, Binary: 2, Close: 8, Ping: 9 } as const;

/** The request that opens a WebSocket at `path`. */
export function upgradeRequest(path: string): Buffer {
  return Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n` +
      `Connection: Upgrade\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
}

/** A whole frame as servers send it. */
export function serverFrame(payload: Uint8Array, opcode: number): Buffer {
  return Buffer.concat([head(payload.length, opcode, 0), payload]);
}

/** A whole frame as clients send it; the mask is zero, so the payload stays as it is. */
export function clientFrame(payload: Uint8Array | string, opcode: number): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  return Buffer.concat([head(bytes.length, opcode, MASKED), Buffer.alloc(MASK_BYTES), bytes]);
}

/** Closes for good (1000): a Discord session does not outlive it. */
export const CLOSE_FRAME = clientFrame(Buffer.from([0x03, 0xe8]), FrameType.Close);

function head(length: number, opcode: number, masked: number): Buffer {
  if (length < 126) return Buffer.from([FIN | opcode, masked | length]);
  if (length < 65_536) {
    return Buffer.from([FIN | opcode, masked | 126, length >> 8, length & 0xff]);
  }
  const long = Buffer.alloc(10);
  long[0] = FIN | opcode;
  long[1] = masked | 127;
  long.writeBigUInt64BE(BigInt(length), 2);
  return long;
}
