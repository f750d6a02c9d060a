// Large bytea values, sent from where they lie.
//
// pg puts every value of a statement into a buffer that it grows as it goes, so a megabyte is
// allocated and copied more than once, outside the heap: a process that writes a lot of them has a
// full collection for every few dozen, which everybody waits for. Here the one message that has
// values in it is written in pieces, each value as it is.
//
//   Bind: 'B' length portal\0 statement\0 | formats | count | (length value)... | result formats
//
// https://www.postgresql.org/docs/current/protocol-message-formats.html
import { Query, type Connection, type PoolClient, type QueryConfig, type QueryResult } from 'pg';

/** A value of fewer bytes is not worth a message of its own pieces. */
const LARGE_BYTES = 2_048;

/** As pg calls `bind`: what its own types do not say. */
interface Bind {
  readonly portal?: string;
  readonly statement?: string;
  readonly values?: readonly unknown[];
  readonly valueMapper: (value: unknown, index: number) => string | Buffer | null;
}

/** Whether some value is large. */
export function hasLargeValue(values: readonly unknown[]): boolean {
  return values.some((value) => value instanceof Uint8Array && value.length >= LARGE_BYTES);
}

/**
 * As `client.query(config)`, but large values are not copied: they must not change until it has
 * been answered.
 */
export function queryWithWholeValues(
  client: PoolClient,
  config: QueryConfig & { query_timeout?: number },
): Promise<QueryResult> {
  return new Promise((resolve, reject) => {
    const callback = (error: Error | undefined | null, result: unknown): void => {
      if (error) reject(error);
      else resolve(result as QueryResult);
    };
    const query = new Query({ ...config, callback } as QueryConfig);
    // The client reads it off whatever it is given.
    Object.assign(query, { query_timeout: config.query_timeout });
    const submit = query.submit.bind(query);
    query.submit = (connection) => submit(bindingWhole(connection));
    client.query(query);
  });
}

/** The connection, but for one method. */
function bindingWhole(connection: Connection): Connection {
  const bind = (message: Bind): void => {
    if (!connection.stream.writable) return;
    for (const piece of bindPieces(message)) connection.stream.write(piece);
  };
  return Object.create(connection, { bind: { value: bind } }) as Connection;
}

/** The message in pieces; those that are large values are the values themselves. Pure. */
export function bindPieces({
  portal = '',
  statement = '',
  values = [],
  valueMapper,
}: Bind): Buffer[] {
  const mapped = values.map(valueMapper);
  const formats = Buffer.alloc(2 + 2 * mapped.length + 2);
  formats.writeUInt16BE(mapped.length, 0);
  for (const [at, value] of mapped.entries()) {
    formats.writeUInt16BE(typeof value === 'object' && value !== null ? BINARY : TEXT, 2 + 2 * at);
  }
  formats.writeUInt16BE(mapped.length, formats.length - 2);
  const pieces: Buffer[] = [];
  let small: Buffer[] = [Buffer.from(`${portal}\0${statement}\0`), formats];
  let bytes = small[0]!.length + formats.length;
  for (const value of mapped) {
    const content = typeof value === 'string' ? Buffer.from(value) : value;
    const length = Buffer.alloc(4);
    length.writeInt32BE(content === null ? NULL : content.length);
    small.push(length);
    bytes += 4 + (content?.length ?? 0);
    if (content === null) continue;
    if (content.length < LARGE_BYTES) {
      small.push(content);
      continue;
    }
    pieces.push(Buffer.concat(small), content);
    small = [];
  }
  pieces.push(Buffer.concat([...small, ALL_TEXT]));
  bytes += ALL_TEXT.length;
  const head = Buffer.alloc(5);
  head.write('B', 0);
  head.writeInt32BE(4 + bytes, 1);
  return [head, ...pieces];
}

const TEXT = 0;
const BINARY = 1;
const NULL = -1;
/** One format for all columns of the result. */
const ALL_TEXT = Buffer.from([0, 1, 0, TEXT]);
