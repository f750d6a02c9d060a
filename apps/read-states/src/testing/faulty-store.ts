// A store between an app and its database that fails when a story wants it to.
import { Fault, FaultCode } from '@guildhall/fault';
import type { QueryResult, Session, Statement, Store, Transaction } from '@guildhall/store';

/** What becomes of a statement: not sent at all, or done without the app hearing of it. */
export type Mishap = 'lost' | 'unheard' | undefined;

const gone = (): Fault => new Fault(FaultCode.Unavailable, 'database: no connection');

/** All statements pass; `mishap` is asked about each. */
export class FaultyStore implements Store {
  readonly #store: Store;
  /** Decides by the statement's text. */
  mishap: (text: string) => Mishap = () => undefined;
  #isCut = false;

  constructor(store: Store) {
    this.#store = store;
  }

  get schema(): string {
    return this.#store.schema;
  }

  /**
   * As the death of the process does: what is on its way may be done, and nobody will hear of it.
   */
  cut(): void {
    this.#isCut = true;
  }

  query<Row>(statement: Statement, values?: readonly unknown[]): Promise<QueryResult<Row>> {
    return this.#pass(statement.text, () => this.#store.query<Row>(statement, values));
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#pass('BEGIN', () => this.#store.transaction(work));
  }

  session<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#pass('SESSION', () => this.#store.session(work));
  }

  ping(): Promise<void> {
    return this.#pass('PING', () => this.#store.ping());
  }

  connections(): { open: number; idle: number; waiting: number } {
    return this.#store.connections();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #pass<T>(text: string, work: () => Promise<T>): Promise<T> {
    const mishap = this.mishap(text);
    if (this.#isCut || mishap === 'lost') throw gone();
    const result = await work();
    if (this.#isCut || mishap === 'unheard') throw gone();
    return result;
  }
}
