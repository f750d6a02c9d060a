// Each table is found by one key, which is also how it would be spread over more than one server,
// and no statement joins over keys. What must be unique in the whole fleet (a username, an email)
// is a claim of its own, found by its text.
import type { Migration } from '@guildhall/store';

export const MIGRATIONS: readonly Migration[] = [
  {
    id: '0001-accounts',
    sql: `
      CREATE TABLE users (
        user_id bigint PRIMARY KEY,
        username text NOT NULL,
        discriminator text NOT NULL DEFAULT '0',
        global_name text NOT NULL DEFAULT '',
        avatar text NOT NULL DEFAULT '',
        email text NOT NULL DEFAULT '',
        password_hash text NOT NULL DEFAULT '',
        is_bot boolean NOT NULL DEFAULT false,
        public_flags integer NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE TABLE claims (
        kind text NOT NULL,
        value text NOT NULL,
        user_id bigint NOT NULL,
        claimed_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (kind, value)
      );
      CREATE TABLE tokens (
        user_id bigint NOT NULL,
        hash bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (user_id, hash)
      );
      CREATE TABLE session_starts (
        user_id bigint PRIMARY KEY,
        window_started_at timestamptz NOT NULL,
        starts_count integer NOT NULL
      );
    `,
  },
  {
    id: '0002-applications',
    sql: `
      CREATE TABLE applications (
        application_id bigint PRIMARY KEY,
        owner_id bigint NOT NULL,
        name text NOT NULL,
        description text NOT NULL DEFAULT '',
        icon text NOT NULL DEFAULT '',
        flags integer NOT NULL DEFAULT 0,
        is_bot_public boolean NOT NULL DEFAULT true,
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE TABLE owned_applications (
        owner_id bigint NOT NULL,
        application_id bigint NOT NULL,
        PRIMARY KEY (owner_id, application_id)
      );
      CREATE TABLE commands (
        application_id bigint NOT NULL,
        guild_id bigint NOT NULL,
        command_id bigint NOT NULL,
        type integer NOT NULL,
        name text NOT NULL,
        body text NOT NULL,
        version bigint NOT NULL,
        PRIMARY KEY (application_id, guild_id, command_id),
        CONSTRAINT commands_name UNIQUE (application_id, guild_id, type, name)
      );
    `,
  },
  {
    id: '0003-interactions',
    sql: `
      CREATE TABLE interactions (
        interaction_id bigint PRIMARY KEY,
        token_hash bytea NOT NULL,
        application_id bigint NOT NULL,
        channel_id bigint NOT NULL,
        user_id bigint NOT NULL,
        type integer NOT NULL,
        name text NOT NULL,
        command_type integer NOT NULL,
        source_message_id bigint NOT NULL,
        triggering_id bigint NOT NULL,
        triggering_type integer NOT NULL,
        triggering_name text NOT NULL,
        nonce text NOT NULL,
        answer_type integer NOT NULL DEFAULT 0,
        original_message_id bigint NOT NULL DEFAULT 0,
        is_loading boolean NOT NULL DEFAULT false,
        modal_custom_id text NOT NULL DEFAULT ''
      );
      CREATE TABLE ephemeral_messages (
        message_id bigint PRIMARY KEY,
        interaction_id bigint NOT NULL,
        application_id bigint NOT NULL,
        channel_id bigint NOT NULL,
        user_id bigint NOT NULL,
        json text NOT NULL,
        document text NOT NULL,
        revision integer NOT NULL DEFAULT 0
      );
    `,
  },
];
