import { create, toBinary } from '@bufbuild/protobuf';
import { DoneReplySchema, JsonReplySchema } from '@guildhall/contracts';

const encoder = new TextEncoder();

/** An encoded JsonReply: one Discord object or array, rendered. */
export function json(value: object): Uint8Array {
  return jsonBytes(encoder.encode(JSON.stringify(value)));
}

/** The same from JSON that is already bytes. */
export function jsonBytes(bytes: Uint8Array): Uint8Array {
  return toBinary(JsonReplySchema, create(JsonReplySchema, { json: bytes }));
}

const DONE = toBinary(DoneReplySchema, create(DoneReplySchema));

/** An encoded DoneReply. */
export function done(): Uint8Array {
  return DONE;
}
