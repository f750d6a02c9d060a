// The sending half of a WebSocket (RFC 6455): the upgrade, and small masked frames.

import { createHash, randomBytes } from 'node:crypto';

import { WsOpcode } from './frame-parser.js';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** Keys prevent that a cache takes an answer for another's; there is none between us. */
const KEY = randomBytes(16).toString('base64');
const ACCEPT = createHash('sha1').update(`${KEY}${GUID}`).digest('base64');
const LENGTH_7_MAX = 125;
const LENGTH_16_MAX = 65_535;

/** The request that asks for a WebSocket at `path`. */
export function upgradeRequest(host: string, path: string): string {
  return (
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n`
  );
}

/** What is wrong with the head of the answer; undefined when it is a WebSocket now. */
export function upgradeProblem(head: string): string | undefined {
  const [status = '', ...headers] = head.split('\r\n');
  if (!/^HTTP\/1\.1 101/.test(status)) return `the upgrade was answered with ${status}`;
  const accept = headers.find((line) => /^sec-websocket-accept:/i.test(line));
  const isOurs = accept?.slice(accept.indexOf(':') + 1).trim() === ACCEPT;
  return isOurs ? undefined : 'the upgrade was answered with a wrong Sec-WebSocket-Accept';
}

/** A masked frame with a text. */
export function textFrame(text: string): Buffer {
  return maskedFrame(WsOpcode.Text, Buffer.from(text));
}

/** A masked binary frame. */
export function binaryFrame(bytes: Uint8Array): Buffer {
  return maskedFrame(WsOpcode.Binary, bytes);
}

/** A masked close frame. */
export function closeFrame(code: number): Buffer {
  return maskedFrame(WsOpcode.Close, Buffer.from([code >> 8, code & 0xff]));
}

/** A masked pong with what the ping said. */
export function pongFrame(payload: Uint8Array): Buffer {
  return maskedFrame(WsOpcode.Pong, payload);
}

function maskedFrame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  if (length > LENGTH_16_MAX) throw new RangeError('a client does not say so much');
  const bodyAt = length <= LENGTH_7_MAX ? 6 : 8;
  const frame = Buffer.allocUnsafe(bodyAt + length);
  frame[0] = 0x80 | opcode;
  if (length <= LENGTH_7_MAX) frame[1] = 0x80 | length;
  else {
    frame[1] = 0x80 | 126;
    frame.writeUInt16BE(length, 2);
  }
  // Masks hide what a page chose from proxies; any will do here.
  const mask = (Math.random() * 2 ** 32) >>> 0;
  frame.writeUInt32BE(mask, bodyAt - 4);
  for (let at = 0; at < length; at += 1) {
    frame[bodyAt + at] = payload[at]! ^ frame[bodyAt - 4 + (at & 3)]!;
  }
  return frame;
}
