import { FaultCode } from '@guildhall/fault';
import { removePostgres, startPostgres, tempDir, type PostgresServer } from '@guildhall/testkit';
import { migrate, type Migration } from './migrate.js';
import { openStore, type Store } from './store.js';

const START_MS = 120_000;

const first: Migration = { id: '0001-things', sql: 'CREATE TABLE things (id int8 PRIMARY KEY)' };
const second: Migration = {
  id: '0002-names',
  sql: `ALTER TABLE things ADD COLUMN name text;
    CREATE INDEX things_name ON things (name);`,
};

describe('migrate', () => {
  const dir = tempDir();
  const databaseDir = `${dir.path}/postgres`;
  const opened: Store[] = [];
  let server: PostgresServer;
  let schemasCount = 0;

  beforeAll(async () => {
    server = await startPostgres({
      dir: databaseDir,
      durable: false,
      roles: [{ name: 'guest', password: 'guest', schema: 'guests' }],
    });
  }, START_MS);

  afterAll(async () => {
    for (const store of opened) await store.close();
    await server?.stop();
    removePostgres(databaseDir);
    dir.remove();
  }, START_MS);

  function open(schema = `app_${schemasCount++}`, databaseUrl = server.url): Store {
    const store = openStore({
      databaseUrl,
      schema,
      connectionsMax: 2,
      applicationName: 'migrate-spec',
      statementTimeoutMs: 10_000,
    });
    opened.push(store);
    return store;
  }

  it('makes the schema and runs each migration once, in order', async () => {
    const store = open();
    expect(await migrate(store, [first])).toEqual(['0001-things']);
    expect(await migrate(store, [first, second])).toEqual(['0002-names']);
    expect(await migrate(store, [first, second])).toEqual([]);
    await store.query({ text: "INSERT INTO things VALUES (1, 'one')" });
  });

  it('lets instances that start together run each migration once between them', async () => {
    const schema = 'together';
    const slow: Migration = { ...first, sql: `${first.sql}; SELECT pg_sleep(0.2)` };
    const ran = await Promise.all(
      Array.from({ length: 5 }, () => migrate(open(schema), [slow, second])),
    );
    expect(ran.flat().sort()).toEqual([slow.id, second.id]);
  });

  it('refuses a migration that has changed since it was run, and runs none after it', async () => {
    const store = open();
    await migrate(store, [first]);
    const changed = { ...first, sql: `${first.sql} ` };
    await expect(migrate(store, [changed, second])).rejects.toMatchObject({
      code: FaultCode.Invalid,
      message: expect.stringContaining('0001-things'),
    });
    expect(await migrate(store, [first, second])).toEqual(['0002-names']);
  });

  it('leaves nothing of a migration that fails, keeps those before it, and lets go', async () => {
    const store = open();
    const broken = { id: '0002-broken', sql: 'CREATE TABLE half (id int4); SELECT nonsense' };
    await expect(migrate(store, [first, broken])).rejects.toMatchObject({
      message: expect.stringContaining('migration 0002-broken'),
    });
    const { rows } = await store.query({
      text: "SELECT to_regclass('half') AS half, to_regclass('things') AS things",
    });
    expect(rows).toEqual([{ half: null, things: 'things' }]);
    expect(await migrate(store, [first, second])).toEqual(['0002-names']);
  });

  it('leaves migrations alone that a newer version has run', async () => {
    const store = open();
    await migrate(store, [first, second]);
    expect(await migrate(store, [first])).toEqual([]);
  });

  it('runs migrations longer than a statement may take, and restores that limit', async () => {
    const store = open();
    const slow = { id: '0001-slow', sql: 'SELECT pg_sleep(0.5)' };
    const limited = openStore({
      databaseUrl: server.url,
      schema: store.schema,
      connectionsMax: 1,
      applicationName: 'migrate-spec',
      statementTimeoutMs: 200,
      answerGraceMs: 100,
    });
    opened.push(limited);
    expect(await migrate(limited, [slow])).toEqual(['0001-slow']);
    const { rows } = await limited.query({ text: 'SHOW statement_timeout' });
    expect(rows).toEqual([{ statement_timeout: '200ms' }]);
  });

  it('waits for the lock as long as it may', async () => {
    const store = open('locked');
    await store.session(async (session) => {
      await session.query({ text: "SELECT pg_advisory_lock(1735747948, hashtext('locked'))" });
      const waiting = migrate(store, [first], { lockWaitMs: 100 });
      await expect(waiting).rejects.toMatchObject({ code: FaultCode.Timeout });
      await session.query({ text: 'SELECT pg_advisory_unlock_all()' });
    });
    expect(await migrate(store, [first])).toEqual(['0001-things']);
  });

  it('needs no right to create a schema that is there already', async () => {
    const guest = open('guests', server.urlFor('guest'));
    expect(await migrate(guest, [first])).toEqual(['0001-things']);
    await expect(migrate(open('others', server.urlFor('guest')), [first])).rejects.toMatchObject({
      code: FaultCode.Internal,
    });
  });

  it('refuses two migrations with one id', async () => {
    await expect(migrate(open(), [first, first])).rejects.toMatchObject({
      code: FaultCode.Invalid,
    });
  });
});
