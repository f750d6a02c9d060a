import {
  closeBehaviour,
  CloseCode,
  codecOf,
  MalformedPayload,
  parseClientPayload,
  type Encoding,
  type ParsedPayload,
} from '@guildhall/gateway-protocol';

/** One message of a client: a payload understood, or how to close the connection. Never throws. */
export function readFrame(bytes: Uint8Array, encoding: Encoding, sizeMax: number): ParsedPayload {
  if (bytes.length > sizeMax) return undecodable(`the payload is larger than ${sizeMax} bytes`);
  try {
    return parseClientPayload(codecOf(encoding).decode(bytes, { sizeMax }));
  } catch (error) {
    if (!(error instanceof MalformedPayload)) throw error;
    return undecodable(error.message);
  }
}

function undecodable(reason: string): ParsedPayload {
  return { ok: false, closeCode: CloseCode.DecodeError, reason };
}

/** The reason text of a close code, for the close frame. */
export function reasonOf(code: number): string {
  return closeBehaviour(code).meaning;
}
