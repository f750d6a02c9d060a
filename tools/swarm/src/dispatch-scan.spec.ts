import { EncodedDispatch, encodeJson, heartbeatAck, hello } from '@guildhall/gateway-protocol';

import { DispatchScanner } from './dispatch-scan.js';

const READY = Buffer.from('READY');

describe('DispatchScanner', () => {
  const scanner = new DispatchScanner();
  const data = Buffer.from('{"id":"1","content":"a longer text"}');

  it.each([1, 9, 10, 123_456, 2 ** 31 - 1])('reads what the gateway writes, s %d', (s) => {
    const frame = new EncodedDispatch('MESSAGE_CREATE', data).frame('json', s);
    expect(scanner.scan(frame, 0, frame.length)).toBe(true);
    expect(scanner.s).toBe(s);
    expect(scanner.type(frame)).toBe('MESSAGE_CREATE');
    expect(scanner.is(frame, Buffer.from('MESSAGE_CREATE'))).toBe(true);
    expect(scanner.is(frame, READY)).toBe(false);
    expect(frame.subarray(scanner.dataAt, -1).equals(data)).toBe(true);
  });

  it('reads the order in which others write it, anywhere in a buffer', () => {
    const bytes = Buffer.from(`xxx{"t":"READY","s":1,"op":0,"d":${data.toString()}}`);
    expect(scanner.scan(bytes, 3, bytes.length)).toBe(true);
    expect([scanner.s, scanner.type(bytes)]).toEqual([1, 'READY']);
    expect(bytes.subarray(scanner.dataAt, -1).equals(data)).toBe(true);
  });

  it.each([
    encodeJson(hello(41_250)),
    encodeJson(heartbeatAck()),
    Buffer.from('{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":41250}}'),
    Buffer.from('{"op":0,"t":"READY","s":1,"d":{"and":"so on and so on"}}'),
  ])('leaves everything else to a parser: %s', (bytes) => {
    expect(scanner.scan(Buffer.from(bytes), 0, bytes.length)).toBe(false);
  });
});
