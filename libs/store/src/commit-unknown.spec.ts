import { createServer, connect, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { FaultCode } from '@guildhall/fault';
import { removePostgres, startPostgres, tempDir, type PostgresServer } from '@guildhall/testkit';
import { openStore, type Store } from './store.js';
import { isCommitUnknown } from './store-faults.js';

const START_MS = 120_000;

/**
 * Stands between a store and its server, and cuts the connection at the first message that holds
 * `word`: before it reaches the server, or after the server has answered it, unheard.
 */
class CuttingProxy {
  readonly #server: Server;
  /** When the server has let go of the connection, and with it of its transaction. */
  readonly serverEnded: Promise<void>;

  constructor(serverPort: number, word: string, cut: 'before' | 'after') {
    let ended = (): void => undefined;
    this.serverEnded = new Promise((resolve) => (ended = resolve));
    this.#server = createServer((client) => {
      const upstream = connect(serverPort, '127.0.0.1');
      let isDeaf = false;
      const cutOff = (): void => {
        client.destroy();
        upstream.end();
      };
      client.on('data', (bytes) => {
        const isTheWord = bytes.includes(word);
        if (isTheWord && cut === 'before') return cutOff();
        isDeaf ||= isTheWord;
        return upstream.write(bytes);
      });
      upstream.on('data', (bytes) => (isDeaf ? cutOff() : client.write(bytes)));
      upstream.on('close', () => ended());
      for (const socket of [client, upstream]) socket.on('error', cutOff);
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }
}

describe('a transaction whose connection is lost', () => {
  const dir = tempDir();
  const databaseDir = `${dir.path}/postgres`;
  let server: PostgresServer;
  let store: Store;

  const options = { schema: 'public', connectionsMax: 1, applicationName: 'commit-unknown-spec' };

  beforeAll(async () => {
    server = await startPostgres({ dir: databaseDir, durable: false });
    store = openStore({ ...options, databaseUrl: server.url });
    await store.query({ text: 'CREATE TABLE things (id int4 PRIMARY KEY)' });
  }, START_MS);

  afterAll(async () => {
    await store?.close();
    await server?.stop();
    removePostgres(databaseDir);
    dir.remove();
  }, START_MS);

  /** Inserts through a proxy that cuts, and tells why it rejected and whether the row is there. */
  async function insert(id: number, word: string, cut: 'before' | 'after') {
    const proxy = new CuttingProxy(server.port, word, cut);
    const url = new URL(server.url);
    url.port = String(await proxy.listen());
    const own = openStore({ ...options, databaseUrl: url.href });
    const reason = await own
      .transaction((tx) => tx.query({ text: 'INSERT INTO things VALUES ($1)' }, [id]))
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    await proxy.serverEnded;
    await own.close();
    await proxy.close();
    const found = await store.query({ text: 'SELECT 1 FROM things WHERE id = $1' }, [id]);
    return { reason, isCommitted: found.rowCount === 1 };
  }

  it('is committed and nobody knows, when the answer to COMMIT is lost', async () => {
    const { reason, isCommitted } = await insert(1, 'COMMIT', 'after');
    expect(isCommitted).toBe(true);
    expect(isCommitUnknown(reason)).toBe(true);
    expect(reason).toMatchObject({ code: FaultCode.Unavailable, commitUnknown: true });
  });

  it('is not committed and nobody knows, when COMMIT itself is lost', async () => {
    const { reason, isCommitted } = await insert(2, 'COMMIT', 'before');
    expect(isCommitted).toBe(false);
    expect(isCommitUnknown(reason)).toBe(true);
  });

  it('is known not to be committed, when the connection is lost before COMMIT', async () => {
    const { reason, isCommitted } = await insert(3, 'INSERT', 'before');
    expect(isCommitted).toBe(false);
    expect(reason).toMatchObject({ code: FaultCode.Unavailable });
    expect(isCommitUnknown(reason)).toBe(false);
  });

  it('is unknown when the server ends it during COMMIT', async () => {
    await store.query({
      text: `CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_sleep(30); RETURN NULL; END';
        CREATE TABLE slow (id int4);
        CREATE CONSTRAINT TRIGGER late AFTER INSERT ON slow
          DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dawdle()`,
    });
    const own = openStore({ ...options, databaseUrl: server.url });
    const failed = own
      .transaction((tx) => tx.query({ text: 'INSERT INTO slow VALUES (1)' }))
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    let endedCount = 0;
    while (endedCount === 0) {
      const ended = await store.query({
        text: `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
          WHERE query = 'COMMIT' AND state = 'active'`,
      });
      endedCount = ended.rowCount;
    }
    expect(isCommitUnknown(await failed)).toBe(true);
    await own.close();
  });
});
