import { assert, Fault, FaultCode } from '@guildhall/fault';
import type { PoolClient, QueryConfig, QueryResult as PgResult } from 'pg';
import type { QueryResult, Session, Statement, Transaction } from './store.js';
import { hasLargeValue, queryWithWholeValues } from './whole-values.js';
import { CommitUnknown, isServerAnswer, toStoreFault } from './store-faults.js';

/** One lent connection. */
export class PgSession implements Session {
  readonly #client: PoolClient;
  /** A connection whose state we do not know is closed, not lent out again. */
  #isDoubtful = false;
  #isReleased = false;
  #hasTransaction = false;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  async query<Row>(
    statement: Statement,
    values: readonly unknown[] = [],
  ): Promise<QueryResult<Row>> {
    assert(!this.#isReleased, 'a session or transaction is not used after its end');
    try {
      const { name, text, answerWithinMs } = statement;
      const config: QueryConfig & { query_timeout?: number } = {
        text,
        values: values as unknown[],
        ...(name === undefined ? {} : { name }),
        ...(answerWithinMs === undefined ? {} : { query_timeout: answerWithinMs }),
      };
      const result: PgResult = hasLargeValue(values)
        ? await queryWithWholeValues(this.#client, config)
        : await this.#client.query(config);
      return { rows: result.rows as Row[], rowCount: result.rowCount ?? 0 };
    } catch (error) {
      if (!isServerAnswer(error)) this.#isDoubtful = true;
      throw toStoreFault(error);
    }
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    assert(!this.#hasTransaction, 'a session has one transaction at a time');
    this.#hasTransaction = true;
    const tx = new PgTransaction(this);
    try {
      // Waited for, though the first statement could travel right behind it: were BEGIN refused,
      // that statement would be committed by itself.
      await this.query({ text: 'BEGIN' });
      const outcome = await work(tx);
      tx.end();
      await this.#commit();
      return outcome;
    } catch (reason) {
      tx.end();
      await this.#rollBack();
      throw reason;
    } finally {
      this.#hasTransaction = false;
    }
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

  /** Also after a refused COMMIT, where there is nothing left to undo and the server just warns. */
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

  async query<Row>(statement: Statement, values?: readonly unknown[]): Promise<QueryResult<Row>> {
    assert(!this.#isOver, 'a session or transaction is not used after its end');
    return this.#session.query<Row>(statement, values);
  }

  end(): void {
    this.#isOver = true;
  }
}
