import type { Readable } from 'node:stream';

interface Snapshot {
  readonly snapshot: {
    readonly meta: { readonly node_fields: string[]; readonly node_types: [string[]] };
    readonly node_count: number;
  };
  readonly nodes: number[];
  readonly strings: string[];
}

const ROWS_MAX = 45;
const NAME_LENGTH_MAX = 48;

/** A heap snapshot, by type and constructor, what takes most first: lines for a person to read. */
export async function summaryOfHeap(stream: Readable): Promise<string[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Buffer));
  const { snapshot, nodes, strings } = JSON.parse(Buffer.concat(chunks).toString()) as Snapshot;
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [type, name, size] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field));
  const bytesBy = new Map<string, { bytes: number; count: number }>();
  for (let at = 0; at < nodes.length; at += fields.length) {
    const kind = types[0][nodes[at + type!]!]!;
    const isNamed = kind === 'object' || kind === 'closure' || kind === 'native' || kind === 'code';
    const shown = strings[nodes[at + name!]!]!.slice(0, NAME_LENGTH_MAX);
    const key = isNamed || kind === 'object shape' ? `${kind} ${shown}` : kind;
    const sum = bytesBy.get(key) ?? { bytes: 0, count: 0 };
    sum.bytes += nodes[at + size!]!;
    sum.count += 1;
    bytesBy.set(key, sum);
  }
  return [...bytesBy]
    .sort(([, a], [, b]) => b.bytes - a.bytes)
    .slice(0, ROWS_MAX)
    .map(
      ([key, { bytes, count }]) =>
        `${String(bytes).padStart(12)} bytes ${String(count).padStart(9)}  ${key}`,
    );
}
