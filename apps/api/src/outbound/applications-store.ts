import { randomInt } from 'node:crypto';
import type { Snowflake } from '@guildhall/snowflake';
import type { Store, Transaction } from '@guildhall/store';
import type { Application, ApplicationChange, Applications } from '../domain/ports.js';

const LISTED_MAX = 100;

interface ApplicationRow {
  application_id: bigint;
  owner_id: bigint;
  name: string;
  description: string;
  icon: string;
  flags: number;
  is_bot_public: boolean;
}

const COLUMNS = 'application_id, owner_id, name, description, icon, flags, is_bot_public';

export interface ApplicationsStoreOptions {
  readonly store: Store;
  readonly mintId: () => Snowflake;
  /** Called when something about a bot changed, so that what is remembered of it is not old. */
  readonly onChange: (botUserId: Snowflake) => void;
}

/** Applications in PostgreSQL. */
export class ApplicationsStore implements Applications {
  readonly #options: ApplicationsStoreOptions;
  readonly #store: Store;

  constructor(options: ApplicationsStoreOptions) {
    this.#options = options;
    this.#store = options.store;
  }

  async create(ownerId: Snowflake, name: string): Promise<Application> {
    const id = this.#options.mintId();
    // The owner's list first: an entry without its application is passed over when it is read.
    await this.#store.query(
      {
        name: 'own-application',
        text: 'INSERT INTO owned_applications (owner_id, application_id) VALUES ($1, $2)',
      },
      [ownerId, id],
    );
    const row = await this.#store.transaction(async (tx) => {
      await insertBot(tx, id, name);
      const { rows } = await tx.query<ApplicationRow>(
        {
          name: 'insert-application',
          text: `INSERT INTO applications (application_id, owner_id, name) VALUES ($1, $2, $3)
                 RETURNING ${COLUMNS}`,
        },
        [id, ownerId, name],
      );
      return rows[0]!;
    });
    return applicationOf(row);
  }

  async byId(id: Snowflake): Promise<Application | undefined> {
    const { rows } = await this.#store.query<ApplicationRow>(
      {
        name: 'application-by-id',
        text: `SELECT ${COLUMNS} FROM applications WHERE application_id = $1`,
      },
      [id],
    );
    return rows[0] === undefined ? undefined : applicationOf(rows[0]);
  }

  async ownedBy(ownerId: Snowflake): Promise<Application[]> {
    const { rows } = await this.#store.query<{ application_id: bigint }>(
      {
        name: 'owned-applications',
        text: `SELECT application_id FROM owned_applications WHERE owner_id = $1
               ORDER BY application_id LIMIT $2`,
      },
      [ownerId, LISTED_MAX],
    );
    const found = await Promise.all(rows.map((row) => this.byId(row.application_id)));
    return found.filter((application) => application !== undefined);
  }

  async change(id: Snowflake, change: ApplicationChange): Promise<Application | undefined> {
    const { rows } = await this.#store.query<ApplicationRow>(
      {
        name: 'update-application',
        text: `UPDATE applications SET
                 name = coalesce($2, name), description = coalesce($3, description),
                 icon = coalesce($4, icon), flags = coalesce($5, flags),
                 is_bot_public = coalesce($6, is_bot_public)
               WHERE application_id = $1 RETURNING ${COLUMNS}`,
      },
      [
        id,
        change.name ?? null,
        change.description ?? null,
        change.icon ?? null,
        change.flags ?? null,
        change.isBotPublic ?? null,
      ],
    );
    this.#options.onChange(id);
    return rows[0] === undefined ? undefined : applicationOf(rows[0]);
  }
}

/** Bots keep the four digits that people gave up. */
async function insertBot(tx: Transaction, id: Snowflake, name: string): Promise<void> {
  const discriminator = String(randomInt(1, 10_000)).padStart(4, '0');
  await tx.query(
    {
      name: 'insert-bot',
      text: `INSERT INTO users (user_id, username, discriminator, is_bot)
             VALUES ($1, $2, $3, true)`,
    },
    [id, name, discriminator],
  );
}

function applicationOf(row: ApplicationRow): Application {
  return {
    id: row.application_id,
    ownerId: row.owner_id,
    name: row.name,
    description: row.description,
    icon: row.icon,
    flags: row.flags,
    isBotPublic: row.is_bot_public,
  };
}
