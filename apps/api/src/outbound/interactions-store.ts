import { randomBytes } from 'node:crypto';
import { snowflakeAt, type Snowflake } from '@guildhall/snowflake';
import type { Store } from '@guildhall/store';
import {
  INTERACTION_SECRET_BYTES,
  makeInteractionToken,
  parseInteractionToken,
} from '../domain/interaction-token.js';
import type {
  EphemeralMessage,
  Interaction,
  InteractionAnswer,
  Interactions,
  StoredInteraction,
} from '../domain/ports.js';

interface InteractionRow {
  interaction_id: bigint;
  application_id: bigint;
  channel_id: bigint;
  user_id: bigint;
  type: number;
  name: string;
  command_type: number;
  source_message_id: bigint;
  triggering_id: bigint;
  triggering_type: number;
  triggering_name: string;
  nonce: string;
  answer_type: number;
  original_message_id: bigint;
  is_loading: boolean;
  modal_custom_id: string;
}

interface EphemeralRow {
  message_id: bigint;
  interaction_id: bigint;
  application_id: bigint;
  channel_id: bigint;
  user_id: bigint;
  json: string;
  document: string;
  revision: number;
}

const GIVEN = `interaction_id, application_id, channel_id, user_id, type, name, command_type,
  source_message_id, triggering_id, triggering_type, triggering_name, nonce`;
const COLUMNS = `${GIVEN}, answer_type, original_message_id, is_loading, modal_custom_id`;
const EPHEMERAL_COLUMNS = `message_id, interaction_id, application_id, channel_id, user_id, json,
  document`;

/** A message that was swept, as in Discord's API, and its channel. */
export interface SweptMessage {
  readonly channelId: Snowflake;
  readonly json: string;
}

/** Interactions and ephemeral messages in PostgreSQL. Their age is in their ids. */
export class InteractionsStore implements Interactions {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async open(interaction: Interaction): Promise<string> {
    const token = makeInteractionToken(interaction.id, randomBytes(INTERACTION_SECRET_BYTES));
    await this.#store.query(
      {
        name: 'open-interaction',
        text: `INSERT INTO interactions (${GIVEN}, token_hash)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
      },
      [
        interaction.id,
        interaction.applicationId,
        interaction.channelId,
        interaction.userId,
        interaction.type,
        interaction.name,
        interaction.commandType,
        interaction.sourceMessageId,
        interaction.triggeringId,
        interaction.triggeringType,
        interaction.triggeringName,
        interaction.nonce,
        parseInteractionToken(token)!.hash,
      ],
    );
    return token;
  }

  async drop(id: Snowflake): Promise<void> {
    await this.#store.query(
      { name: 'drop-interaction', text: 'DELETE FROM interactions WHERE interaction_id = $1' },
      [id],
    );
  }

  async byId(id: Snowflake): Promise<StoredInteraction | undefined> {
    const { rows } = await this.#store.query<InteractionRow>(
      {
        name: 'interaction-by-id',
        text: `SELECT ${COLUMNS} FROM interactions WHERE interaction_id = $1`,
      },
      [id],
    );
    return rows[0] === undefined ? undefined : interactionOf(rows[0]);
  }

  async byToken(token: string): Promise<StoredInteraction | undefined> {
    const parts = parseInteractionToken(token);
    if (parts === undefined) return undefined;
    const { rows } = await this.#store.query<InteractionRow>(
      {
        name: 'interaction-by-token',
        text: `SELECT ${COLUMNS} FROM interactions WHERE interaction_id = $1 AND token_hash = $2`,
      },
      [parts.interactionId, parts.hash],
    );
    return rows[0] === undefined ? undefined : interactionOf(rows[0]);
  }

  async answer(id: Snowflake, answer: InteractionAnswer): Promise<boolean> {
    const { rowCount } = await this.#store.query(
      {
        name: 'answer-interaction',
        text: `UPDATE interactions
               SET answer_type = $2, original_message_id = $3, is_loading = $4, modal_custom_id = $5
               WHERE interaction_id = $1 AND answer_type = 0`,
      },
      [id, answer.answerType, answer.originalMessageId, answer.isLoading, answer.modalCustomId],
    );
    return rowCount > 0;
  }

  async setLoading(id: Snowflake, isLoading: boolean): Promise<boolean> {
    const { rowCount } = await this.#store.query(
      {
        name: 'set-interaction-loading',
        text: `UPDATE interactions SET is_loading = $2
               WHERE interaction_id = $1 AND is_loading <> $2`,
      },
      [id, isLoading],
    );
    return rowCount > 0;
  }

  async clearOriginal(id: Snowflake): Promise<void> {
    await this.#store.query(
      {
        name: 'clear-original',
        text: `UPDATE interactions SET original_message_id = 0, is_loading = false
               WHERE interaction_id = $1`,
      },
      [id],
    );
  }

  async keepEphemeral(message: Omit<EphemeralMessage, 'revision'>): Promise<void> {
    const { id, interactionId, applicationId, channelId, userId, json, document } = message;
    await this.#store.query(
      {
        name: 'keep-ephemeral',
        text: `INSERT INTO ephemeral_messages (${EPHEMERAL_COLUMNS})
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
      },
      [id, interactionId, applicationId, channelId, userId, json, document],
    );
  }

  async ephemeral(id: Snowflake): Promise<EphemeralMessage | undefined> {
    const { rows } = await this.#store.query<EphemeralRow>(
      {
        name: 'ephemeral-by-id',
        text: `SELECT ${EPHEMERAL_COLUMNS}, revision FROM ephemeral_messages WHERE message_id = $1`,
      },
      [id],
    );
    return rows[0] === undefined ? undefined : ephemeralOf(rows[0]);
  }

  async changeEphemeral(
    id: Snowflake,
    revision: number,
    { json, document }: Pick<EphemeralMessage, 'json' | 'document'>,
  ): Promise<boolean> {
    const { rowCount } = await this.#store.query(
      {
        name: 'change-ephemeral',
        text: `UPDATE ephemeral_messages SET json = $3, document = $4, revision = revision + 1
               WHERE message_id = $1 AND revision = $2`,
      },
      [id, revision, json, document],
    );
    return rowCount > 0;
  }

  async removeEphemeral(id: Snowflake): Promise<boolean> {
    const { rowCount } = await this.#store.query(
      { name: 'remove-ephemeral', text: 'DELETE FROM ephemeral_messages WHERE message_id = $1' },
      [id],
    );
    return rowCount > 0;
  }

  /**
   * Deletes what began before these times, at most `max` rows of each kind; gives back the messages
   * among them.
   */
  async sweep(times: {
    interactionsBeforeMs: number;
    messagesBeforeMs: number;
    max: number;
  }): Promise<SweptMessage[]> {
    await this.#store.query(
      {
        name: 'sweep-interactions',
        text: `DELETE FROM interactions WHERE interaction_id IN (
                 SELECT interaction_id FROM interactions WHERE interaction_id < $1 LIMIT $2)`,
      },
      [snowflakeAt(times.interactionsBeforeMs), times.max],
    );
    const { rows } = await this.#store.query<EphemeralRow>(
      {
        name: 'sweep-ephemeral',
        text: `DELETE FROM ephemeral_messages WHERE message_id IN (
                 SELECT message_id FROM ephemeral_messages WHERE message_id < $1 LIMIT $2)
               RETURNING channel_id, json`,
      },
      [snowflakeAt(times.messagesBeforeMs), times.max],
    );
    return rows.map((row) => ({ channelId: row.channel_id, json: row.json }));
  }
}

function interactionOf(row: InteractionRow): StoredInteraction {
  return {
    id: row.interaction_id,
    applicationId: row.application_id,
    channelId: row.channel_id,
    userId: row.user_id,
    type: row.type,
    name: row.name,
    commandType: row.command_type,
    sourceMessageId: row.source_message_id,
    triggeringId: row.triggering_id,
    triggeringType: row.triggering_type,
    triggeringName: row.triggering_name,
    nonce: row.nonce,
    answerType: row.answer_type,
    originalMessageId: row.original_message_id,
    isLoading: row.is_loading,
    modalCustomId: row.modal_custom_id,
  };
}

function ephemeralOf(row: EphemeralRow): EphemeralMessage {
  return {
    id: row.message_id,
    interactionId: row.interaction_id,
    applicationId: row.application_id,
    channelId: row.channel_id,
    userId: row.user_id,
    json: row.json,
    document: row.document,
    revision: row.revision,
  };
}
