// Reads the protobuf of OTLP's ExportTraceServiceRequest, only what a trace needs of it.
//
//   request  1* resource spans     resource spans  1 resource, 2* scope spans
//   scope spans  2* span           resource        1* attribute
//   span  1 trace id  2 span id  4 parent  5 name  6 kind  7 start  8 end  9* attribute
//         13* link  15 status      status  2 message  3 code
//   attribute  1 key  2 value      value   1 string  2 bool  3 int64  4 double
//
// https://github.com/open-telemetry/opentelemetry-proto

import type { SpanKindName } from './span-names.js';

/** A span as it arrived. Ids in lower-case hex. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Absent for a root. */
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: SpanKindName;
  /** Nanoseconds since 1970. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly service: string;
  readonly instance: string;
  readonly status: 'unset' | 'ok' | 'error';
  readonly tracestate: string;
}

type AttributeValue = string | number | boolean;
type Field = readonly [number: number, value: Uint8Array | bigint];

const KINDS: readonly SpanKindName[] = [
  'INTERNAL',
  'INTERNAL',
  'SERVER',
  'CLIENT',
  'PRODUCER',
  'CONSUMER',
];
const STATUSES = ['unset', 'ok', 'error'] as const;

/** Every span of an export request. Throws `RangeError` on bytes that are not protobuf. */
export function readOtlpSpans(request: Uint8Array): CollectedSpan[] {
  const spans: CollectedSpan[] = [];
  for (const resourceSpans of messages(request, 1)) {
    const resource = new Map<string, AttributeValue>();
    for (const message of messages(resourceSpans, 1)) readAttributes(message, 1, resource);
    const service = String(resource.get('service.name') ?? '');
    const instance = String(resource.get('service.instance.id') ?? '');
    for (const scopeSpans of messages(resourceSpans, 2)) {
      for (const span of messages(scopeSpans, 2)) spans.push(readSpan(span, service, instance));
    }
  }
  return spans;
}

function readSpan(bytes: Uint8Array, service: string, instance: string): CollectedSpan {
  const attributes = new Map<string, AttributeValue>();
  readAttributes(bytes, 9, attributes);
  const parentSpanId = hex(bytesOf(bytes, 4));
  return {
    traceId: hex(bytesOf(bytes, 1)),
    spanId: hex(bytesOf(bytes, 2)),
    parentSpanId: parentSpanId === '' ? undefined : parentSpanId,
    name: text(bytesOf(bytes, 5)),
    kind: KINDS[Number(numberOf(bytes, 6))] ?? 'INTERNAL',
    startNs: numberOf(bytes, 7),
    endNs: numberOf(bytes, 8),
    attributes: Object.fromEntries(attributes),
    links: messages(bytes, 13).map((link) => ({
      traceId: hex(bytesOf(link, 1)),
      spanId: hex(bytesOf(link, 2)),
    })),
    service,
    instance,
    status: STATUSES[Number(numberOf(bytesOf(bytes, 15), 3))] ?? 'unset',
    tracestate: text(bytesOf(bytes, 3)),
  };
}

function readAttributes(bytes: Uint8Array, field: number, into: Map<string, AttributeValue>): void {
  for (const pair of messages(bytes, field)) {
    const value = readValue(bytesOf(pair, 2));
    if (value !== undefined) into.set(text(bytesOf(pair, 1)), value);
  }
}

/** Lists and maps are left out: our registry has none. */
function readValue(bytes: Uint8Array): AttributeValue | undefined {
  const [field] = fields(bytes);
  if (field === undefined) return undefined;
  const [number, value] = field;
  if (typeof value !== 'bigint') return number === 1 ? text(value) : undefined;
  if (number === 2) return value !== 0n;
  if (number === 3) return Number(BigInt.asIntN(64, value));
  return number === 4 ? doubleOf(value) : undefined;
}

function* fields(bytes: Uint8Array): Generator<Field> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = view.getUint8(at);
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a varint of more than ten bytes');
  };
  while (at < bytes.byteLength) {
    const key = Number(varint());
    const number = Math.floor(key / 8);
    const wireType = key % 8;
    if (number === 0) throw new RangeError('field number zero');
    if (wireType === 0) yield [number, varint()];
    else if (wireType === 1) {
      yield [number, view.getBigUint64(at, true)];
      at += 8;
    } else if (wireType === 2) {
      const length = Number(varint());
      if (length > bytes.byteLength - at) throw new RangeError('a field longer than its message');
      yield [number, bytes.subarray(at, at + length)];
      at += length;
    } else if (wireType === 5) {
      yield [number, BigInt(view.getUint32(at, true))];
      at += 4;
    } else throw new RangeError(`wire type ${wireType}`);
  }
}

function messages(bytes: Uint8Array, wanted: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (const [number, value] of fields(bytes)) {
    if (number === wanted && typeof value !== 'bigint') found.push(value);
  }
  return found;
}

function bytesOf(bytes: Uint8Array, wanted: number): Uint8Array {
  return messages(bytes, wanted).at(-1) ?? new Uint8Array();
}

function numberOf(bytes: Uint8Array, wanted: number): bigint {
  let found = 0n;
  for (const [number, value] of fields(bytes)) {
    if (number === wanted && typeof value === 'bigint') found = value;
  }
  return found;
}

function doubleOf(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
