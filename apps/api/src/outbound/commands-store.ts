import type { Snowflake } from '@guildhall/snowflake';
import { isUniqueViolation, type Queryable, type Store } from '@guildhall/store';
import type { Commands, StoredCommand } from '../domain/ports.js';

interface CommandRow {
  application_id: bigint;
  guild_id: bigint;
  command_id: bigint;
  type: number;
  name: string;
  body: string;
  version: bigint;
}

const COLUMNS = 'application_id, guild_id, command_id, type, name, body, version';

const PUT = {
  name: 'put-command',
  text: `INSERT INTO commands AS c (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (application_id, guild_id, type, name)
         DO UPDATE SET body = excluded.body, version = excluded.version
         RETURNING ${COLUMNS}`,
};

/** Slash commands in PostgreSQL. */
export class CommandsStore implements Commands {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async list(applicationId: Snowflake, guildId: Snowflake): Promise<StoredCommand[]> {
    const { rows } = await this.#store.query<CommandRow>(
      {
        name: 'list-commands',
        text: `SELECT ${COLUMNS} FROM commands WHERE application_id = $1 AND guild_id = $2
               ORDER BY command_id`,
      },
      [applicationId, guildId],
    );
    return rows.map(commandOf);
  }

  async byId(
    applicationId: Snowflake,
    guildId: Snowflake,
    id: Snowflake,
  ): Promise<StoredCommand | undefined> {
    const { rows } = await this.#store.query<CommandRow>(
      {
        name: 'command-by-id',
        text: `SELECT ${COLUMNS} FROM commands
               WHERE application_id = $1 AND guild_id = $2 AND command_id = $3`,
      },
      [applicationId, guildId, id],
    );
    return rows[0] === undefined ? undefined : commandOf(rows[0]);
  }

  async put(command: StoredCommand): Promise<{ command: StoredCommand; isNew: boolean }> {
    const stored = await put(this.#store, command);
    return { command: stored, isNew: stored.id === command.id };
  }

  async replaceAll(
    applicationId: Snowflake,
    guildId: Snowflake,
    commands: readonly StoredCommand[],
  ): Promise<StoredCommand[]> {
    return this.#store.transaction(async (tx) => {
      const stored: StoredCommand[] = [];
      for (const command of commands) stored.push(await put(tx, command));
      await tx.query(
        {
          name: 'delete-other-commands',
          text: `DELETE FROM commands
                 WHERE application_id = $1 AND guild_id = $2 AND command_id <> ALL($3::bigint[])`,
        },
        [applicationId, guildId, stored.map(({ id }) => id)],
      );
      return stored;
    });
  }

  async change(command: StoredCommand): Promise<StoredCommand | 'taken' | undefined> {
    try {
      const { rows } = await this.#store.query<CommandRow>(
        {
          name: 'change-command',
          text: `UPDATE commands SET name = $4, body = $5, version = $6
                 WHERE application_id = $1 AND guild_id = $2 AND command_id = $3
                 RETURNING ${COLUMNS}`,
        },
        [
          command.applicationId,
          command.guildId,
          command.id,
          command.name,
          command.bodyJson,
          command.version,
        ],
      );
      return rows[0] === undefined ? undefined : commandOf(rows[0]);
    } catch (reason) {
      if (isUniqueViolation(reason, 'commands_name')) return 'taken';
      throw reason;
    }
  }

  async remove(applicationId: Snowflake, guildId: Snowflake, id: Snowflake): Promise<boolean> {
    const { rowCount } = await this.#store.query(
      {
        name: 'delete-command',
        text: `DELETE FROM commands
               WHERE application_id = $1 AND guild_id = $2 AND command_id = $3`,
      },
      [applicationId, guildId, id],
    );
    return rowCount > 0;
  }
}

async function put(into: Queryable, command: StoredCommand): Promise<StoredCommand> {
  const { rows } = await into.query<CommandRow>(PUT, [
    command.applicationId,
    command.guildId,
    command.id,
    command.type,
    command.name,
    command.bodyJson,
    command.version,
  ]);
  return commandOf(rows[0]!);
}

function commandOf(row: CommandRow): StoredCommand {
  return {
    id: row.command_id,
    applicationId: row.application_id,
    guildId: row.guild_id,
    type: row.type,
    name: row.name,
    bodyJson: row.body,
    version: row.version,
  };
}
