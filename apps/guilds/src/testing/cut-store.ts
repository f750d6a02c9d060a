// A store between an app and its database that a story can cut, as the death of the process does.
import { Fault, FaultCode } from '@guildhall/fault';
import type { QueryResult, Session, Statement, Store, Transaction } from '@guildhall/store';

const gone = (): Fault => new Fault(FaultCode.Unavailable, 'database: no connection');

/** All statements pass until it is cut. */
export class CutStore implements Store {
  readonly #store: Store;
  #isCut = false;
  /** Transactions wait for this before they begin; undefined: none does. */
  hold: Promise<void> | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  get schema(): string {
    return this.#store.schema;
  }

  /** What is on its way may be done, and nobody will hear of it; nothing else is sent. */
  cut(): void {
    this.#isCut = true;
  }

  query<Row>(statement: Statement, values?: readonly unknown[]): Promise<QueryResult<Row>> {
    return this.#pass(() => this.#store.query<Row>(statement, values));
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#pass(async () => {
      await this.hold;
      return this.#store.transaction(work);
    });
  }

  session<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#pass(() => this.#store.session(work));
  }

  ping(): Promise<void> {
    return this.#pass(() => this.#store.ping());
  }

  connections(): { open: number; idle: number; waiting: number } {
    return this.#store.connections();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isCut) throw gone();
    const result = await work();
    if (this.#isCut) throw gone();
    return result;
  }
}
