/**
 * The bytes on the wire, held still: one message of each type with every field set, as it was
 * encoded when the type was made. What an older version of an app sends must decode here, and
 * encode to the same bytes. A new type or field gets its entry by `GOLDEN=write` (an entry that
 * exists is never changed by it).
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, fromBinary, ScalarType, toBinary, toJson, type Message } from '@bufbuild/protobuf';
import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import * as contracts from './index.js';

interface Golden {
  readonly hex: string;
  readonly json: unknown;
}

const PATH = join(__dirname, '../fixtures/golden.json');
const golden = (existsSync(PATH) ? JSON.parse(readFileSync(PATH, 'utf8')) : {}) as Record<
  string,
  Golden
>;

const types = Object.values(contracts).filter(
  (value): value is DescMessage & (typeof contracts)['UserSchema'] =>
    typeof value === 'object' && 'kind' in value && value.kind === 'message',
) as DescMessage[];

/** A message with a value in every field; of a oneof, in the last. */
function sampleOf(desc: DescMessage): Message {
  const message = create(desc);
  const reflected = reflect(desc, message);
  for (const field of desc.fields) {
    if (field.fieldKind === 'list') {
      reflected.get(field).add(elementOf(field));
    } else {
      reflected.set(field, elementOf(field) as never);
    }
  }
  return message;
}

function elementOf(field: DescField): unknown {
  if (field.message !== undefined) return reflect(field.message, sampleOf(field.message));
  const { number } = field;
  switch (field.scalar) {
    case ScalarType.STRING:
      return `text ${number}`;
    case ScalarType.BOOL:
      return true;
    case ScalarType.BYTES:
      return new Uint8Array([number, 0, 255]);
    case ScalarType.FIXED64:
    case ScalarType.UINT64:
      return (1n << 60n) + BigInt(number);
    default:
      return 1_000 + number;
  }
}

function goldenOf(desc: DescMessage): Golden {
  const message = sampleOf(desc);
  return { hex: Buffer.from(toBinary(desc, message)).toString('hex'), json: toJson(desc, message) };
}

describe('Contracts on the wire', () => {
  if (process.env['GOLDEN'] === 'write') {
    for (const desc of types) golden[desc.typeName] ??= goldenOf(desc);
    writeFileSync(PATH, `${JSON.stringify(golden, null, 1)}\n`);
  }

  it('has an entry for every type, and none for others', () => {
    expect(types.length).toBeGreaterThan(80);
    expect(Object.keys(golden).sort()).toEqual(types.map((desc) => desc.typeName).sort());
  });

  it.each(types.map((desc) => [desc.typeName, desc] as const))('%s is as it was', (name, desc) => {
    const { hex, json } = golden[name]!;
    const message = fromBinary(desc, Buffer.from(hex, 'hex'));
    expect(toJson(desc, message)).toEqual(json);
    expect(Buffer.from(toBinary(desc, message)).toString('hex')).toBe(hex);
  });
});
