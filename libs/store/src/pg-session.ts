import { assert, Fault, FaultCode } from '@guildhall/fault';
import type { PoolClient, QueryConfig } from 'pg';
import type { QueryResult, Session, Statement, Transaction } from './store.js';
import { CommitUnknown, isServerAnswer, toStoreFault } from './store-faults.js';

/** One lent connection. */
export class PgSession implements Session {
  readonly #client: PoolClient;
  /** A connection whose state we do not know is closed, not lent out again. */
  #isDoubtful = false;
  #isReleased = false;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  async query<Row>(
    statement: Statement,
    values: readonly unknown[] = [],
  ): Promise<QueryResult<Row>> {
    assert(!this.#isReleased, 'a session or transaction is not used after its end');
    try {
      const config: QueryConfig = { ...statement, values: values as unknown[] };
      const result = await this.#client.query(config);
      return { rows: result.rows as Row[], rowCount: result.rowCount ?? 0 };
    } catch (error) {
      if (!isServerAnswer(error)) this.#isDoubtful = true;
      throw toStoreFault(error);
    }
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    // BEGIN is not waited for: the first statement travels right behind it.
    const begun = this.query({ text: 'BEGIN' });
    const tx = new PgTransaction(this);
    let outcome: T;
    try {
      [outcome] = await Promise.all([work(tx), begun]);
    } catch (reason) {
      tx.end();
      await begun.catch(() => undefined);
      await this.#rollBack();
      throw reason;
    }
    tx.end();
    await this.#commit();
    return outcome;
  }

  /** Gives the connection back, or closes it if in doubt. */
  release(): void {
    this.#isReleased = true;
    this.#client.release(this.#isDoubtful);
  }

  async #commit(): Promise<void> {
    let command: string;
    try {
      command = (await this.#client.query('COMMIT')).command;
    } catch (error) {
      if (isServerAnswer(error)) throw toStoreFault(error);
      this.#isDoubtful = true;
      throw new CommitUnknown(error);
    }
    // The server answers COMMIT in a failed transaction with a rollback, and no error.
    if (command !== 'COMMIT') {
      throw new Fault(
        FaultCode.Internal,
        'rolled back: the work swallowed the error of a statement',
      );
    }
  }

  async #rollBack(): Promise<void> {
    if (this.#isDoubtful) return;
    try {
      await this.#client.query('ROLLBACK');
    } catch {
      this.#isDoubtful = true;
    }
  }
}

class PgTransaction implements Transaction {
  readonly #session: PgSession;
  #isOver = false;

  constructor(session: PgSession) {
    this.#session = session;
  }

  query<Row>(statement: Statement, values?: readonly unknown[]): Promise<QueryResult<Row>> {
    assert(!this.#isOver, 'a session or transaction is not used after its end');
    return this.#session.query<Row>(statement, values);
  }

  end(): void {
    this.#isOver = true;
  }
}
