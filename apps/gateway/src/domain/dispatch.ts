import { EncodedDispatch } from '@guildhall/gateway-protocol';

/** One event on its way to any number of sessions: all of it but `s`. Encoded once per encoding. */
export class Dispatch {
  readonly type: string;
  /** Made for one session alone, and so counted against its own memory. */
  readonly isOwn: boolean;
  readonly encoded: EncodedDispatch;
  /** The log's: its number there, 0 before it is first sent. */
  logNumber = 0;
  readonly #data: Buffer;
  #withoutContent: Dispatch | undefined;

  /** @param data the event's `d`, JSON, kept and not copied. */
  constructor(type: string, data: Uint8Array, isOwn = false) {
    this.type = type;
    this.isOwn = isOwn;
    this.#data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    this.encoded = new EncodedDispatch(type, this.#data);
  }

  /** An event for one session, from a value. */
  static own(type: string, data: unknown): Dispatch {
    return new Dispatch(type, Buffer.from(JSON.stringify(data)), true);
  }

  /** Bytes of `d` as JSON. */
  get size(): number {
    return this.#data.length;
  }

  get data(): Buffer {
    return this.#data;
  }

  /** The same message without what the MESSAGE_CONTENT intent is for; made once. */
  withoutContent(): Dispatch {
    this.#withoutContent ??= new Dispatch(this.type, withoutContent(this.#data), this.isOwn);
    return this.#withoutContent;
  }
}

/**
 * Empties text, embeds, attachments and components, leaves out the poll, of the message and of
 * those inside it (what it replies to, what it forwards). What an update does not have stays so.
 */
function withoutContent(data: Buffer): Buffer {
  const message = JSON.parse(data.toString()) as Record<string, unknown>;
  strip(message);
  return Buffer.from(JSON.stringify(message));
}

function strip(message: Record<string, unknown>): void {
  if ('content' in message) message['content'] = '';
  for (const key of ['embeds', 'attachments', 'components']) if (key in message) message[key] = [];
  delete message['poll'];
  const inner = message['referenced_message'];
  if (isRecord(inner)) strip(inner);
  const snapshots = message['message_snapshots'];
  if (!Array.isArray(snapshots)) return;
  for (const snapshot of snapshots) {
    if (isRecord(snapshot) && isRecord(snapshot['message'])) strip(snapshot['message']);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
