import { assert, Fault, FaultCode } from '@guildhall/fault';
import { Pool, type PoolClient } from 'pg';
import { PgSession } from './pg-session.js';
import { toStoreFault } from './store-faults.js';
import { columnTypes } from './column-types.js';

const STATEMENT_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;
const ANSWER_GRACE_MS = 5_000;
const IDLE_MS = 30_000;

/** A statement with `$1` places. With a name it is planned once per connection. */
export interface Statement {
  /** Unique for its text. */
  name?: string;
  text: string;
  /** To wait for the answer before the connection is given up, ms. Default: see StoreOptions. */
  answerWithinMs?: number;
}

export interface QueryResult<Row> {
  rows: Row[];
  /** Rows returned or touched. */
  rowCount: number;
}

/**
 * Whatever statements run in. Values: bigint for int8, number for int4, string, Buffer or
 * Uint8Array for bytea, Date for timestamptz, an array for an array; for a jsonb value that is an
 * array itself, pass JSON text. Bytes must not change until the statement is answered: large ones
 * are sent from where they lie. Rows: int8 (and count(*)) is bigint, int4 number, bytea Buffer,
 * jsonb parsed, timestamptz Date.
 *
 * Rejects with a Fault: `unavailable` when the database cannot be reached or asks to try again,
 * `timeout` when the statement took too long, a `UniqueViolation`, or `internal` for the rest.
 */
export interface Queryable {
  query<Row = Record<string, unknown>>(
    statement: Statement,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>;
}

/**
 * Statements between BEGIN and COMMIT. Several may be asked for at once: they travel together and
 * run in the order asked. After the first error the transaction is lost, whatever becomes of it.
 */
export type Transaction = Queryable;

/** One connection for as long as the work takes, for what lives in a session: advisory locks. */
export interface Session extends Queryable {
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
}

/** A pool of connections to one schema of one database. */
export interface Store extends Queryable {
  readonly schema: string;
  /**
   * BEGIN, the work, COMMIT: resolves only when the server has said that it is committed. Rolls
   * back when the work rejects, and rejects with the same. Rejects with `CommitUnknown` when the
   * connection was lost during COMMIT. Never repeats the work by itself.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  session<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Resolves when the database answers. */
  ping(): Promise<void>;
  /** How full the pool is, for metrics. */
  connections(): { open: number; idle: number; waiting: number };
  /** Waits for what is under way and closes every connection. May be called twice. */
  close(): Promise<void>;
}

export interface StoreOptions {
  /** `postgres://user:password@host:port/database`. */
  databaseUrl: string;
  /** Lower case letters, digits and underscores. It alone is on the search path. */
  schema: string;
  /**
   * The most connections held at once; work beyond it waits its turn, up to the connect timeout.
   */
  connectionsMax: number;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** The server cancels a statement after this. Default 10,000. */
  statementTimeoutMs?: number;
  /** How much longer to wait for a server that is gone without a word. Default 5,000. */
  answerGraceMs?: number;
  /** For a connection to be made, or to come free. Default 5,000. */
  connectTimeoutMs?: number;
  logger?: { warn(message: string, fields?: object): void };
}

/** Opens a pool. Connects on first use: a database that is away shows at `ping`. */
export function openStore(options: StoreOptions): Store {
  assert(/^[a-z_][a-z0-9_]{0,62}$/.test(options.schema), 'schema is a plain lower case name');
  return new PgStore(options);
}

class PgStore implements Store {
  readonly schema: string;
  readonly #pool: Pool;
  #closing: Promise<void> | undefined;

  constructor(options: StoreOptions) {
    const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS;
    this.schema = options.schema;
    this.#pool = new Pool({
      connectionString: options.databaseUrl,
      max: options.connectionsMax,
      application_name: options.applicationName,
      statement_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs + (options.answerGraceMs ?? ANSWER_GRACE_MS),
      connectionTimeoutMillis: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      idleTimeoutMillis: IDLE_MS,
      options: `-c search_path=${options.schema}`,
      keepAlive: true,
      pipeline: true,
      types: columnTypes,
    });
    const lost = (error: Error): void => {
      options.logger?.warn('database connection lost', { error, schema: options.schema });
    };
    // pg reports the loss of a connection nobody uses by an event, which unheard ends the process:
    // of an idle one on the pool, of one that is lent out, between statements, on the client.
    this.#pool.on('error', lost);
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  query<Row>(statement: Statement, values: readonly unknown[] = []): Promise<QueryResult<Row>> {
    return this.session((session) => session.query<Row>(statement, values));
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.session((session) => session.transaction(work));
  }

  async session<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = new PgSession(await this.#connect());
    try {
      return await work(session);
    } finally {
      session.release();
    }
  }

  async ping(): Promise<void> {
    await this.query({ text: 'SELECT 1' });
  }

  connections(): { open: number; idle: number; waiting: number } {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    return { open: totalCount, idle: idleCount, waiting: waitingCount };
  }

  close(): Promise<void> {
    this.#closing ??= this.#pool.end();
    return this.#closing;
  }

  async #connect(): Promise<PoolClient> {
    if (this.#closing !== undefined) throw new Fault(FaultCode.Unavailable, 'the store is closed');
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw toStoreFault(error);
    }
  }
}
