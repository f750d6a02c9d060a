import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ReplySchema } from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { decodeReply, encodeBody, encodeFault } from './reply-codec.js';

const SIZES = [0, 1, 127, 128, 129, 16_383, 16_384, 2_097_151, 2_097_152];

describe('the envelope of an answer', () => {
  it.each(SIZES)('is the protobuf one for a body of %i bytes, both ways', (size) => {
    const body = Uint8Array.from({ length: size }, (_, at) => at & 0xff);
    const bytes = encodeBody(body);
    expect(Buffer.compare(fromBinary(ReplySchema, bytes).body, body)).toBe(0);
    const theirs = toBinary(ReplySchema, create(ReplySchema, { body }));
    for (const encoded of [bytes, theirs]) {
      const decoded = decodeReply(encoded);
      if (decoded instanceof Fault) throw decoded;
      expect(Buffer.compare(decoded, body)).toBe(0);
    }
  });

  it('carries a fault of every code', () => {
    for (const code of Object.values(FaultCode)) {
      const fault = decodeReply(encodeFault(new Fault(code, 'why')));
      expect(fault).toMatchObject({ code, detail: 'why' });
      expect(fault).toHaveProperty('refusal', undefined);
    }
  });

  it('carries a refusal with its errors', () => {
    const refusal = {
      discordCode: 50035,
      httpStatus: 400,
      message: 'Invalid Form Body',
      errorsJson: '{"name":{}}',
    };
    expect(decodeReply(encodeFault(Fault.refused(refusal)))).toMatchObject({ refusal });
  });

  it('takes a code of a newer version for `internal`, and keeps its name', () => {
    const fault = { code: 'quota_exceeded', message: 'too much' };
    const decoded = decodeReply(toBinary(ReplySchema, create(ReplySchema, { fault })));
    expect(decoded).toMatchObject({ code: 'internal', detail: 'quota_exceeded: too much' });
  });

  it('reads a reply with fields of a newer version', () => {
    // Field 15, a varint, after the body.
    const bytes = Uint8Array.of(...encodeBody(Uint8Array.of(7)), 0x78, 0x01);
    expect(decodeReply(bytes)).toEqual(Uint8Array.of(7));
  });

  it.each([
    [[0x0a]],
    [[0x0a, 0x05, 0x01]],
    [[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    [[0x12, 0x09, 0x0a]],
    [[0xff]],
  ])('throws at what is no reply: %j', (bytes) => {
    expect(() => decodeReply(Uint8Array.from(bytes))).toThrow();
  });
});
