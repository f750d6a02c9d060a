// The envelope of an answer, fleet.bus.v1.Reply. It is written and read by hand when it carries a
// body, which is nearly always: a guild of many members is several MB, and one copy of it is
// enough.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ReplySchema } from '@guildhall/contracts';
import { Fault, FaultCode, isFaultCode } from '@guildhall/fault';

/** Field 1, length-delimited. */
const BODY_TAG = 0x0a;
const VARINT_BYTES_MAX = 5;
const NOTHING = new Uint8Array(0);

/** Hot path. The bytes of a Reply with this body. */
export function encodeBody(body: Uint8Array): Uint8Array {
  const size = body.length;
  let at = 1;
  for (let rest = size; ; rest >>>= 7) {
    at += 1;
    if (rest < 0x80) break;
  }
  const bytes = new Uint8Array(at + size);
  bytes[0] = BODY_TAG;
  let rest = size;
  for (at = 1; rest >= 0x80; at += 1) {
    bytes[at] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at] = rest;
  bytes.set(body, at + 1);
  return bytes;
}

/** The bytes of a Reply with this fault. Its cause stays here. */
export function encodeFault(fault: Fault): Uint8Array {
  const { code, detail, refusal } = fault;
  return toBinary(
    ReplySchema,
    create(ReplySchema, {
      fault: {
        code,
        message: detail,
        ...(refusal === undefined
          ? {}
          : { refusal: { ...refusal, errorsJson: refusal.errorsJson ?? '' } }),
      },
    }),
  );
}

/** Hot path. The body, a view into `bytes`, or the fault. Throws when it is not a Reply. */
export function decodeReply(bytes: Uint8Array): Uint8Array | Fault {
  if (bytes[0] === BODY_TAG) {
    let size = 0;
    for (let at = 1; at <= VARINT_BYTES_MAX; at += 1) {
      const byte = bytes[at];
      if (byte === undefined) break;
      size += (byte & 0x7f) * 2 ** (7 * (at - 1));
      if (byte >= 0x80) continue;
      if (at + 1 + size === bytes.length) return bytes.subarray(at + 1);
      break;
    }
  }
  const { body, fault } = fromBinary(ReplySchema, bytes);
  if (fault === undefined) return body.length === 0 ? NOTHING : body;
  const { refusal } = fault;
  // A newer version may know codes that this one does not.
  const code = isFaultCode(fault.code) ? fault.code : FaultCode.Internal;
  const message = code === fault.code ? fault.message : `${fault.code}: ${fault.message}`;
  if (refusal === undefined) return new Fault(code, message);
  const { discordCode, httpStatus, message: words, errorsJson } = refusal;
  return new Fault(code, message, {
    refusal: {
      discordCode,
      httpStatus,
      message: words,
      ...(errorsJson === '' ? {} : { errorsJson }),
    },
  });
}
