import { createHash } from 'node:crypto';
import { Fault, FaultCode } from '@guildhall/fault';
import type { Session, Store } from './store.js';

/** First half of the advisory lock's key, so that it meets no lock of anyone else: "guil". */
const LOCK_SPACE = 0x6775_696c;
const LOCK_WAIT_MS = 60_000;
/** The server gives up first. */
const LOCK_GRACE_MS = 5_000;
/** A migration takes the time it takes: as long as a timer can. */
const MIGRATION_MS_MAX = 2 ** 31 - 1;

/** One step of a schema. Once released it never changes; a mistake is put right by the next one. */
export interface Migration {
  /** Unique in the schema and never reused; by habit `0001-first-tables`. */
  id: string;
  /** One or more statements, run in one transaction; names need no schema. */
  sql: string;
}

export interface MigrateOptions {
  /** For another instance that migrates to finish. Default 60,000. */
  lockWaitMs?: number;
}

/**
 * Brings the store's schema to what the code expects, in the order given, each migration once and
 * in its own transaction. Resolves with the ids that were run now. Instances that start together
 * wait for one another. Migrations in the database that this code does not know are left alone: a
 * newer version may run beside it. Without the right to create a schema it must exist already.
 *
 * Rejects with `invalid` when a migration that was run has changed since, `timeout` when the lock
 * was not to be had, and otherwise as `query` does, naming the migration; those before it remain.
 */
export async function migrate(
  store: Store,
  migrations: readonly Migration[],
  options: MigrateOptions = {},
): Promise<string[]> {
  checkIds(migrations);
  const lockWaitMs = options.lockWaitMs ?? LOCK_WAIT_MS;
  const lockKey = [LOCK_SPACE, store.schema];
  return store.session(async (session) => {
    await session.query({ text: `SET statement_timeout = ${lockWaitMs}` });
    await session.query(
      {
        text: 'SELECT pg_advisory_lock($1, hashtext($2))',
        answerWithinMs: lockWaitMs + LOCK_GRACE_MS,
      },
      lockKey,
    );
    try {
      await session.query({ text: 'SET statement_timeout = 0' });
      await prepare(session, store.schema);
      return await runMissing(session, migrations);
    } finally {
      await session.query({ text: 'SELECT pg_advisory_unlock($1, hashtext($2))' }, lockKey);
      await session.query({ text: 'RESET statement_timeout' });
    }
  });
}

async function prepare(session: Session, schema: string): Promise<void> {
  const { rows } = await session.query<{ exists: boolean }>(
    { text: 'SELECT to_regnamespace($1) IS NOT NULL AS exists' },
    [schema],
  );
  if (rows[0]?.exists !== true) await session.query({ text: `CREATE SCHEMA ${schema}` });
  await session.query({
    text: `CREATE TABLE IF NOT EXISTS migrations (
      id text PRIMARY KEY,
      checksum text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now()
    )`,
  });
}

async function runMissing(session: Session, migrations: readonly Migration[]): Promise<string[]> {
  const { rows } = await session.query<{ id: string; checksum: string }>({
    text: 'SELECT id, checksum FROM migrations',
  });
  const checksumsById = new Map(rows.map((row) => [row.id, row.checksum]));
  const ran: string[] = [];
  for (const migration of migrations) {
    const checksum = createHash('sha256').update(migration.sql).digest('hex');
    const known = checksumsById.get(migration.id);
    if (known === undefined) {
      await runOne(session, migration, checksum);
      ran.push(migration.id);
    } else if (known !== checksum) {
      const message = `migration ${migration.id} was run before and has changed since`;
      throw new Fault(FaultCode.Invalid, message);
    }
  }
  return ran;
}

async function runOne(session: Session, migration: Migration, checksum: string): Promise<void> {
  try {
    await session.transaction(async (tx) => {
      await tx.query({ text: migration.sql, answerWithinMs: MIGRATION_MS_MAX });
      await tx.query({ text: 'INSERT INTO migrations (id, checksum) VALUES ($1, $2)' }, [
        migration.id,
        checksum,
      ]);
    });
  } catch (reason) {
    const fault = Fault.from(reason);
    throw new Fault(fault.code, `migration ${migration.id}: ${fault.detail}`, { cause: fault });
  }
}

function checkIds(migrations: readonly Migration[]): void {
  const ids = new Set(migrations.map((migration) => migration.id));
  if (ids.size !== migrations.length) {
    throw new Fault(FaultCode.Invalid, 'two migrations have the same id');
  }
}
