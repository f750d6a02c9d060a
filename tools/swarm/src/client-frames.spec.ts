import { createHash } from 'node:crypto';

import { closeFrame, textFrame, upgradeProblem, upgradeRequest } from './client-frames.js';

/** The payload of one masked frame. */
function unmasked(frame: Buffer): Buffer {
  const isLong = (frame[1]! & 0x7f) === 126;
  const maskAt = isLong ? 4 : 2;
  const body = frame.subarray(maskAt + 4);
  expect(frame[1]! & 0x80).toBe(0x80);
  expect(isLong ? frame.readUInt16BE(2) : frame[1]! & 0x7f).toBe(body.length);
  return Buffer.from(body.map((byte, at) => byte ^ frame[maskAt + (at & 3)]!));
}

describe('client frames', () => {
  it.each([0, 1, 125, 126, 4_000])('mask %d bytes, and say how many', (size) => {
    const text = 'x'.repeat(size);
    const frame = textFrame(text);
    expect(frame[0]).toBe(0x81);
    expect(unmasked(frame).toString()).toBe(text);
  });

  it('close with a code', () => {
    expect(unmasked(closeFrame(4000)).readUInt16BE(0)).toBe(4000);
  });
});

describe('the upgrade', () => {
  const request = upgradeRequest('127.0.0.1:80', '/?v=10');
  const key = /Sec-WebSocket-Key: (.+)\r\n/.exec(request)![1]!;
  const accept = createHash('sha1')
    .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');

  it('takes the answer to its own key alone', () => {
    const head = 'HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: ';
    expect(upgradeProblem(`${head}${accept}`)).toBeUndefined();
    expect(upgradeProblem(`${head}${key}`)).toMatch(/wrong/);
    expect(upgradeProblem('HTTP/1.1 503 Service Unavailable')).toMatch(/503/);
  });
});
