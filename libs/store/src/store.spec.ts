import { Bug, Fault, FaultCode } from '@guildhall/fault';
import { removePostgres, startPostgres, tempDir, type PostgresServer } from '@guildhall/testkit';
import { migrate } from './migrate.js';
import { openStore, type Store, type StoreOptions } from './store.js';
import { isCommitUnknown, isUniqueViolation } from './store-faults.js';

const START_MS = 120_000;
const dir = tempDir();
const databaseDir = `${dir.path}/postgres`;
let server: PostgresServer;
let store: Store;
const opened: Store[] = [];

function open(more: Partial<StoreOptions> = {}): Store {
  const made = openStore({
    databaseUrl: server.url,
    schema: 'spec',
    connectionsMax: 4,
    applicationName: 'store-spec',
    ...more,
  });
  opened.push(made);
  return made;
}

/** What a promise rejects with; fails if it does not. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('it did not reject');
    },
    (reason: unknown) => reason,
  );
}

beforeAll(async () => {
  server = await startPostgres({ dir: databaseDir, durable: false });
  store = open();
  await migrate(store, [
    {
      id: '0001-things',
      sql: `
        CREATE TABLE things (
          id int8 PRIMARY KEY,
          name text CONSTRAINT things_name UNIQUE,
          late int4 CONSTRAINT things_late UNIQUE DEFERRABLE INITIALLY DEFERRED
        );
        INSERT INTO things VALUES (1, 'first', 1);`,
    },
  ]);
}, START_MS);

afterAll(async () => {
  for (const made of opened) await made.close();
  await server?.stop();
  removePostgres(databaseDir);
  dir.remove();
}, START_MS);

const count = async (): Promise<bigint> => {
  const { rows } = await store.query<{ count: bigint }>({ text: 'SELECT count(*) FROM things' });
  return rows[0]!.count;
};

describe('Store: values', () => {
  it('takes and gives each type as it is promised', async () => {
    const id = 2n ** 62n + 1n;
    const at = new Date('2026-03-04T05:06:07.089Z');
    const { rows, rowCount } = await store.query(
      {
        name: 'types',
        text: `SELECT $1::int8 AS big, $2::int4 AS small, $3::bytea AS bytes, $4::jsonb AS json,
          $5::timestamptz AS at, $6::int8[] AS bigs, $7::text[] AS texts, $8::bytea[] AS blobs,
          NULL::int8 AS nothing, true AS yes`,
      },
      [
        id,
        7,
        new Uint8Array([0, 255]),
        { a: [1, null] },
        at,
        [id, -1n, null],
        ['a"b', 'c,d\\', ''],
        [Buffer.from([1, 2]), Buffer.alloc(0)],
      ],
    );

    expect(rowCount).toBe(1);
    expect(rows[0]).toEqual({
      big: id,
      small: 7,
      bytes: Buffer.from([0, 255]),
      json: { a: [1, null] },
      at,
      bigs: [id, -1n, null],
      texts: ['a"b', 'c,d\\', ''],
      blobs: [Buffer.from([1, 2]), Buffer.alloc(0)],
      nothing: null,
      yes: true,
    });
  });

  it.each([2_047, 2_048, 300_000])('sends a value of %i bytes as it is', async (length) => {
    const bytes = Buffer.from(Uint8Array.from({ length }, (_, at) => at % 251));
    const statement = {
      name: `whole-${length}`,
      text: 'SELECT $1::bytea AS first, $2::text AS text, $3::bytea AS last, $4::int4 AS none',
    };
    // The second time it is planned already.
    for (const text of ['one', 'zwei und drei €', '']) {
      const values = [bytes, text, new Uint8Array(bytes), null];
      const { rows } = await store.query<Record<string, unknown>>(statement, values);
      const { first, last, ...rest } = rows[0]!;
      expect([first, last].map((value) => bytes.equals(value as Buffer))).toEqual([true, true]);
      expect(rest).toEqual({ text, none: null });
    }
  });

  it('goes on after a statement with large values was refused', async () => {
    const bytes = Buffer.alloc(100_000, 7);
    await store.session(async (session) => {
      const refused = { text: 'SELECT length($1::bytea) / $2::int4' };
      expect(await rejection(session.query(refused, [bytes, 0]))).toBeInstanceOf(Fault);
      expect(
        await rejection(session.query({ text: 'SELECT $1 FROM nowhere' }, [bytes])),
      ).toBeInstanceOf(Fault);
      const { rows } = await session.query({ text: 'SELECT length($1::bytea) AS l' }, [bytes]);
      expect(rows).toEqual([{ l: 100_000 }]);
    });
  });

  it('gives up a statement with large values like any other', async () => {
    const slow = { text: 'SELECT pg_sleep(20), length($1::bytea)', answerWithinMs: 50 };
    const reason = await rejection(store.query(slow, [Buffer.alloc(5_000)]));
    expect(reason).toMatchObject({ code: FaultCode.Unavailable });
    await store.ping();
  });

  it('counts rows that were touched', async () => {
    const { rows, rowCount } = await store.query({ text: 'UPDATE things SET name = name' });
    expect([rows, rowCount]).toEqual([[], 1]);
  });

  it('runs in its schema, under its name', async () => {
    const { rows } = await store.query({
      text: `SELECT current_schemas(false)::text AS schemas,
        current_setting('application_name') AS name`,
    });
    expect(rows).toEqual([{ schemas: '{spec}', name: 'store-spec' }]);
  });
});

describe('Store: transactions', () => {
  it('commits what the work did and gives what it gave', async () => {
    const before = await count();
    const given = await store.transaction(async (tx) => {
      await tx.query({ text: "INSERT INTO things VALUES (10, 'ten', 10)" });
      await tx.query({ text: "INSERT INTO things VALUES (11, 'eleven', 11)" });
      return 'both';
    });
    expect(given).toBe('both');
    expect(await count()).toBe(before + 2n);
  });

  it('runs statements that are asked for at once in order, in one transaction', async () => {
    const results = await store.transaction((tx) =>
      Promise.all(
        [20, 21, 22].map((id) =>
          tx.query<{ seen: number; xid: bigint }>(
            {
              name: 'insert-and-count',
              text: `WITH added AS (INSERT INTO things (id) VALUES ($1))
                SELECT (SELECT count(*)::int4 FROM things WHERE id >= 20) AS seen,
                  txid_current() AS xid`,
            },
            [id],
          ),
        ),
      ),
    );
    expect(results.map(({ rows }) => rows[0]!.seen)).toEqual([0, 1, 2]);
    expect(new Set(results.map(({ rows }) => rows[0]!.xid)).size).toBe(1);
  });

  it('undoes everything when the work fails, and rejects with the same', async () => {
    const before = await count();
    const reason = new Error('changed my mind');
    const failed = store.transaction(async (tx) => {
      await tx.query({ text: "INSERT INTO things VALUES (30, 'thirty', 30)" });
      throw reason;
    });
    expect(await rejection(failed)).toBe(reason);
    expect(await count()).toBe(before);
  });

  it('does not call a transaction committed whose work swallowed an error', async () => {
    const before = await count();
    const failed = store.transaction(async (tx) => {
      await tx.query({ text: "INSERT INTO things VALUES (31, 'thirty-one', 31)" });
      await tx.query({ text: 'SELECT 1 / 0' }).catch(() => undefined);
    });
    expect(await rejection(failed)).toMatchObject({ code: FaultCode.Internal });
    expect(await count()).toBe(before);
  });

  it('undoes everything when one of several statements at once fails', async () => {
    const before = await count();
    const failed = store.transaction((tx) =>
      Promise.all([
        tx.query({ text: 'SELECT 1 / 0' }),
        tx.query({ text: "INSERT INTO things VALUES (32, 'thirty-two', 32)" }),
      ]),
    );
    expect(await rejection(failed)).toBeInstanceOf(Fault);
    expect(await count()).toBe(before);
    await store.ping();
  });

  it('says so when COMMIT itself is refused: not committed, and known not to be', async () => {
    const failed = store.transaction((tx) =>
      tx.query({ text: "INSERT INTO things VALUES (33, 'thirty-three', 1)" }),
    );
    const reason = await rejection(failed);
    expect(isUniqueViolation(reason, 'things_late')).toBe(true);
    expect(isCommitUnknown(reason)).toBe(false);
  });

  it('is over when it is over', async () => {
    const { tx } = await store.transaction(async (tx) => ({ tx }));
    expect(await rejection(tx.query({ text: 'SELECT 1' }))).toBeInstanceOf(Bug);
  });

  it('is not begun inside another', async () => {
    await store.session((session) =>
      session.transaction(async () => {
        expect(await rejection(session.transaction(async () => undefined))).toBeInstanceOf(Bug);
      }),
    );
  });

  it('leaves no connection behind, whatever happens', async () => {
    const own = open({ connectionsMax: 1 });
    for (let i = 0; i < 3; i++) {
      await rejection(own.query({ text: 'SELECT nonsense' }));
      await rejection(own.transaction(() => Promise.reject(new Error('no'))));
      await rejection(own.session(() => Promise.reject(new Error('no'))));
    }
    await own.ping();
    expect(own.connections()).toEqual({ open: 1, idle: 1, waiting: 0 });
  });
});

describe('Store: what goes wrong', () => {
  it('tells a unique violation by its constraint, and keeps the connection', async () => {
    const own = open({ connectionsMax: 1 });
    const pid = async (): Promise<unknown> =>
      (await own.query({ text: 'SELECT pg_backend_pid() AS pid' })).rows[0]!['pid'];
    const before = await pid();

    const reason = await rejection(own.query({ text: "INSERT INTO things VALUES (40, 'first')" }));

    expect(isUniqueViolation(reason)).toBe(true);
    expect(isUniqueViolation(reason, 'things_name')).toBe(true);
    expect(isUniqueViolation(reason, 'things_pkey')).toBe(false);
    expect(isUniqueViolation(new Error('other'))).toBe(false);
    expect(await pid()).toBe(before);
  });

  it('calls a mistake in a statement internal, and keeps the words for the log', async () => {
    const reason = await rejection(store.query({ text: 'SELECT secret_column FROM things' }));
    expect(reason).toMatchObject({ code: FaultCode.Internal });
    expect((reason as Fault).message).toBe('[internal] database: 42703 refused the statement');
    expect(String((reason as Fault).cause)).toContain('secret_column');
  });

  it('gives up a statement that takes too long', async () => {
    const own = open({ statementTimeoutMs: 100 });
    const reason = await rejection(own.query({ text: 'SELECT pg_sleep(30)' }));
    expect(reason).toMatchObject({ code: FaultCode.Timeout });
    await own.ping();
  });

  it('gives up a connection on which no answer comes, and makes another', async () => {
    const own = open({ connectionsMax: 1 });
    const silent = own.query({ text: 'SELECT pg_sleep(3)', answerWithinMs: 100 });
    expect(await rejection(silent)).toMatchObject({ code: FaultCode.Unavailable });
    await own.ping();
  });

  it('does not wait for a free connection for ever', async () => {
    const own = open({ connectionsMax: 1, connectTimeoutMs: 100 });
    await own.session(async () => {
      expect(own.connections()).toEqual({ open: 1, idle: 0, waiting: 0 });
      expect(await rejection(own.ping())).toMatchObject({ code: FaultCode.Unavailable });
    });
    await own.ping();
  });

  it('calls a deadlock something to try again', async () => {
    let bothHoldOne = 0;
    let go = (): void => undefined;
    const met = new Promise<void>((resolve) => (go = resolve));
    await store.query({ text: 'INSERT INTO things (id) VALUES (50), (51)' });
    const lock = (first: number, second: number): Promise<unknown> =>
      store.transaction(async (tx) => {
        const text = 'SELECT id FROM things WHERE id = $1 FOR UPDATE';
        await tx.query({ text }, [first]);
        if (++bothHoldOne === 2) go();
        await met;
        await tx.query({ text }, [second]);
      });

    const outcomes = await Promise.allSettled([lock(50, 51), lock(51, 50)]);

    const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(lost).toHaveLength(1);
    expect(lost[0]!.reason).toMatchObject({ code: FaultCode.Unavailable });
  });

  it('lives through the loss of a connection: idle, lent out, and in a statement', async () => {
    const warnings: string[] = [];
    const own = open({
      connectionsMax: 1,
      logger: { warn: (message) => void warnings.push(message) },
    });
    const pidOf = async (on: Pick<Store, 'query'>): Promise<unknown> =>
      (await on.query({ text: 'SELECT pg_backend_pid() AS pid' })).rows[0]!['pid'];
    // pg_terminate_backend with a timeout returns when the backend is gone.
    const end = (pid: unknown): Promise<unknown> =>
      store.query({ text: 'SELECT pg_terminate_backend($1, 10000)' }, [pid]);

    await end(await pidOf(own));
    while (warnings.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await own.ping();

    const lentOut = own.session(async (session) => {
      await end(await pidOf(session));
      await session.query({ text: 'SELECT 1' });
    });
    expect(await rejection(lentOut)).toMatchObject({ code: FaultCode.Unavailable });
    await own.ping();

    const pid = await pidOf(own);
    const sleeping = rejection(own.query({ text: 'SELECT pg_sleep(30)' }));
    await end(pid);
    expect(await sleeping).toMatchObject({ code: FaultCode.Unavailable });
    await own.ping();
    expect(own.connections().open).toBe(1);
  });

  it('is unavailable when nobody listens, and when the login is not let in', async () => {
    const away = open({ databaseUrl: 'postgres://postgres@127.0.0.1:1/postgres' });
    expect(await rejection(away.ping())).toMatchObject({ code: FaultCode.Unavailable });
    const wrong = new URL(server.url);
    wrong.password = 'wrong';
    expect(await rejection(open({ databaseUrl: wrong.href }).ping())).toBeInstanceOf(Fault);
  });

  it('is unavailable after it was closed, which may happen twice', async () => {
    const own = open();
    await own.ping();
    await Promise.all([own.close(), own.close()]);
    expect(await rejection(own.ping())).toMatchObject({ code: FaultCode.Unavailable });
  });

  it('takes no schema that would need quotes', () => {
    expect(() => open({ schema: 'a"; DROP SCHEMA b' })).toThrow(Bug);
  });
});
