import { randomBytes } from 'node:crypto';
import type { Clock } from '@guildhall/clock';
import { assert } from '@guildhall/fault';
import type { Snowflake } from '@guildhall/snowflake';
import { isUniqueViolation, type Store } from '@guildhall/store';
import type {
  AccountChange,
  Accounts,
  Identity,
  NewAccount,
  SessionStarts,
  Taken,
  UserInit,
} from '../domain/ports.js';
import { RecentMap } from '../domain/recent-map.js';
import { makeToken, parseToken, TOKEN_SECRET_BYTES } from '../domain/token.js';
import { claim, release } from './claims.js';
import type { Passwords } from './passwords.js';

/** IDENTIFYs of one account in a day. */
export const SESSION_STARTS_MAX = 1000;
const DAY_MS = 86_400_000;
/** A user id is chance in its low bits: met once in four million within a ms, so this is never. */
const MINT_TRIES_MAX = 3;

export interface AccountsStoreOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly passwords: Passwords;
  readonly mintId: () => Snowflake;
  /** How long a token that was reset elsewhere may still be believed here. */
  readonly tokenTtlMs: number;
  readonly tokensMax: number;
}

/** One row of `users`, as it is selected everywhere. */
export interface UserRow {
  user_id: bigint;
  username: string;
  discriminator: string;
  global_name: string;
  avatar: string;
  email: string;
  password_hash: string;
  is_bot: boolean;
  public_flags: number;
}

interface IdentityRow extends UserRow {
  flags: number | null;
  starts_count: number | null;
}

const USER_COLUMNS = `user_id, username, discriminator, global_name, avatar, email, password_hash,
  is_bot, public_flags`;

const SELECT_USER = {
  name: 'user-by-id',
  text: `SELECT ${USER_COLUMNS} FROM users WHERE user_id = $1`,
};
// One round trip: every IDENTIFY waits for it. All of it has the user's own key.
const SELECT_IDENTITY = {
  name: 'identity',
  text: `SELECT ${USER_COLUMNS},
           (SELECT flags FROM applications a WHERE a.application_id = u.user_id) AS flags,
           (SELECT starts_count FROM session_starts s
            WHERE s.user_id = u.user_id AND s.window_started_at > $3) AS starts_count
         FROM users u WHERE user_id = $1
           AND EXISTS (SELECT FROM tokens t WHERE t.user_id = u.user_id AND t.hash = $2)`,
};
const INSERT_TOKEN = {
  name: 'insert-token',
  text: 'INSERT INTO tokens (user_id, hash) VALUES ($1, $2)',
};

/** Accounts in PostgreSQL, with a small memory of tokens that were just seen. */
export class AccountsStore implements Accounts {
  readonly #options: AccountsStoreOptions;
  readonly #store: Store;
  /**
   * By the token's hash. `undefined` inside: known to be nobody's, so that a flood of one costs
   * little.
   */
  readonly #seen: RecentMap<string, { userId: Snowflake; identity: Identity | undefined }>;

  #forgottenCount = 0;

  constructor(options: AccountsStoreOptions) {
    this.#options = options;
    this.#store = options.store;
    const { clock, tokensMax: entriesMax, tokenTtlMs: ttlMs } = options;
    this.#seen = new RecentMap({ clock, entriesMax, ttlMs });
  }

  async authenticate(token: string): Promise<Identity | undefined> {
    const parts = parseToken(token);
    if (parts === undefined) return undefined;
    // The id is part of the key: a secret counts only together with whose it is.
    const key = `${parts.userId}:${Buffer.from(parts.hash).toString('latin1')}`;
    const known = this.#seen.get(key);
    if (known !== undefined) return known.identity;
    const forgottenCount = this.#forgottenCount;
    const identity = await this.authenticateNow(token);
    // What was read before a token died must not be remembered after it.
    if (forgottenCount === this.#forgottenCount) {
      this.#seen.set(key, { userId: parts.userId, identity });
    }
    return identity;
  }

  async authenticateNow(token: string): Promise<Identity | undefined> {
    const parts = parseToken(token);
    if (parts === undefined) return undefined;
    const windowStart = new Date(this.#options.clock.nowMs() - DAY_MS);
    const { rows } = await this.#store.query<IdentityRow>(SELECT_IDENTITY, [
      parts.userId,
      parts.hash,
      windowStart,
    ]);
    const row = rows[0];
    if (row === undefined) return undefined;
    const isBot = row.is_bot;
    return {
      user: userOf(row),
      email: isBot ? '' : row.email,
      applicationId: isBot ? row.user_id : 0n,
      applicationFlags: row.flags ?? 0,
      sessionStartsLeft: isBot ? Math.max(0, SESSION_STARTS_MAX - (row.starts_count ?? 0)) : 0,
    };
  }

  async register(account: NewAccount): Promise<{ token: string; user: UserInit } | Taken> {
    const passwordHash = await this.#options.passwords.hash(account.password);
    const { username, globalName, email } = account;
    for (let attempt = 1; ; attempt++) {
      const userId = this.#options.mintId();
      if (!(await claim(this.#store, 'username', username, userId))) return 'username taken';
      if (!(await claim(this.#store, 'email', email, userId))) {
        await release(this.#store, 'username', username, userId);
        return 'email taken';
      }
      const { token, hash } = this.#newToken(userId);
      try {
        await this.#store.transaction(async (tx) => {
          await Promise.all([
            tx.query(
              {
                name: 'insert-user',
                text: `INSERT INTO users (user_id, username, global_name, email, password_hash)
                       VALUES ($1, $2, $3, $4, $5)`,
              },
              [userId, username, globalName, email, passwordHash],
            ),
            tx.query(INSERT_TOKEN, [userId, hash]),
          ]);
        });
      } catch (reason) {
        if (isUniqueViolation(reason) && attempt < MINT_TRIES_MAX) {
          await release(this.#store, 'username', username, userId);
          await release(this.#store, 'email', email, userId);
          continue;
        }
        throw reason;
      }
      const user = { ...NOBODY, id: userId, username, globalName };
      return { token, user };
    }
  }

  async logIn(
    login: string,
    password: string,
  ): Promise<{ token: string; user: UserInit } | undefined> {
    const row = await this.#rowOfLogin(login.trim().toLowerCase());
    const isRight = await this.#options.passwords.matches(password, row?.password_hash);
    if (!isRight || row === undefined) return undefined;
    const { token, hash } = this.#newToken(row.user_id);
    await this.#store.query(INSERT_TOKEN, [row.user_id, hash]);
    return { token, user: userOf(row) };
  }

  async logOut(token: string): Promise<void> {
    const parts = parseToken(token);
    if (parts === undefined) return;
    await this.#store.query(
      { name: 'delete-token', text: 'DELETE FROM tokens WHERE user_id = $1 AND hash = $2' },
      [parts.userId, parts.hash],
    );
    this.#forget(parts.userId);
  }

  async isPassword(userId: Snowflake, password: string): Promise<boolean> {
    const row = await this.#rowOf(userId);
    return this.#options.passwords.matches(password, row?.password_hash);
  }

  async userById(id: Snowflake): Promise<UserInit | undefined> {
    const row = await this.#rowOf(id);
    return row === undefined ? undefined : userOf(row);
  }

  async change(
    userId: Snowflake,
    change: AccountChange,
    keepToken: string,
  ): Promise<{ user: UserInit; email: string } | Taken> {
    const before = await this.#rowOf(userId);
    assert(before !== undefined, 'whoever holds a token exists');
    const passwordHash =
      change.password === undefined
        ? undefined
        : await this.#options.passwords.hash(change.password);
    const username = change.username === before.username ? undefined : change.username;
    const email = change.email === before.email ? undefined : change.email;
    // Names of bots are told apart by their discriminators; nobody logs in by them.
    const isNewName = username !== undefined && !before.is_bot;
    if (isNewName && !(await claim(this.#store, 'username', username, userId))) {
      return 'username taken';
    }
    if (email !== undefined && !(await claim(this.#store, 'email', email, userId))) {
      if (isNewName) await release(this.#store, 'username', username, userId);
      return 'email taken';
    }
    const row = await this.#write(userId, { ...change, username, email }, passwordHash, keepToken);
    this.#forget(userId);
    if (isNewName) await release(this.#store, 'username', before.username, userId);
    if (email !== undefined) await release(this.#store, 'email', before.email, userId);
    return { user: userOf(row), email: row.email };
  }

  async resetBotToken(userId: Snowflake): Promise<string> {
    const { token, hash } = this.#newToken(userId);
    await this.#store.transaction(async (tx) => {
      await Promise.all([
        tx.query({ name: 'delete-tokens', text: 'DELETE FROM tokens WHERE user_id = $1' }, [
          userId,
        ]),
        tx.query(INSERT_TOKEN, [userId, hash]),
      ]);
    });
    this.#forget(userId);
    return token;
  }

  async startSession(userId: Snowflake): Promise<{ remaining: number } | undefined> {
    const now = new Date(this.#options.clock.nowMs());
    const expired = new Date(now.getTime() - DAY_MS);
    const { rows } = await this.#store.query<{ starts_count: number }>(
      {
        name: 'start-session',
        // A limit and no promise to anybody: the IDENTIFY does not wait for the disk, and a crash
        // may forget the last few.
        text: `INSERT INTO session_starts AS s (user_id, window_started_at, starts_count)
               VALUES ($1, $2, 1)
               ON CONFLICT (user_id) DO UPDATE SET
                 starts_count =
                   CASE WHEN s.window_started_at <= $3 THEN 1 ELSE s.starts_count + 1 END,
                 window_started_at =
                   CASE WHEN s.window_started_at <= $3 THEN $2 ELSE s.window_started_at END
               WHERE s.window_started_at <= $3 OR s.starts_count < $4
               RETURNING starts_count, set_config('synchronous_commit', 'off', true)`,
      },
      [userId, now, expired, SESSION_STARTS_MAX],
    );
    const count = rows[0]?.starts_count;
    return count === undefined ? undefined : { remaining: SESSION_STARTS_MAX - count };
  }

  async sessionStarts(userId: Snowflake): Promise<SessionStarts> {
    const { rows } = await this.#store.query<{ window_started_at: Date; starts_count: number }>(
      {
        name: 'session-starts',
        text: 'SELECT window_started_at, starts_count FROM session_starts WHERE user_id = $1',
      },
      [userId],
    );
    const row = rows[0];
    const total = SESSION_STARTS_MAX;
    const resetAfterMs =
      row === undefined
        ? 0
        : row.window_started_at.getTime() + DAY_MS - this.#options.clock.nowMs();
    if (row === undefined || resetAfterMs <= 0) return { total, remaining: total, resetAfterMs: 0 };
    return { total, remaining: Math.max(0, total - row.starts_count), resetAfterMs };
  }

  /** Forgets what it remembers of a user's tokens, after a change that this process made. */
  forget(userId: Snowflake): void {
    this.#forget(userId);
  }

  async #write(
    userId: Snowflake,
    change: {
      username: string | undefined;
      email: string | undefined;
      globalName?: string;
      avatar?: string;
    },
    passwordHash: string | undefined,
    keepToken: string,
  ): Promise<UserRow> {
    const { username, email, globalName, avatar } = change;
    return this.#store.transaction(async (tx) => {
      if (passwordHash !== undefined) {
        await tx.query(
          {
            name: 'delete-other-tokens',
            text: 'DELETE FROM tokens WHERE user_id = $1 AND hash <> $2',
          },
          [userId, parseToken(keepToken)?.hash ?? Buffer.alloc(0)],
        );
      }
      const { rows } = await tx.query<UserRow>(
        {
          name: 'update-user',
          text: `UPDATE users SET
                   username = coalesce($2, username), email = coalesce($3, email),
                   global_name = coalesce($4, global_name), avatar = coalesce($5, avatar),
                   password_hash = coalesce($6, password_hash)
                 WHERE user_id = $1 RETURNING ${USER_COLUMNS}`,
        },
        [
          userId,
          username ?? null,
          email ?? null,
          globalName ?? null,
          avatar ?? null,
          passwordHash ?? null,
        ],
      );
      const row = rows[0];
      assert(row !== undefined, 'users are never deleted');
      return row;
    });
  }

  async #rowOf(userId: Snowflake): Promise<UserRow | undefined> {
    const { rows } = await this.#store.query<UserRow>(SELECT_USER, [userId]);
    return rows[0];
  }

  /** By email if it looks like one, else by username. */
  async #rowOfLogin(login: string): Promise<UserRow | undefined> {
    const kind = login.includes('@') ? 'email' : 'username';
    const { rows } = await this.#store.query<{ user_id: bigint }>(
      { name: 'claimant', text: 'SELECT user_id FROM claims WHERE kind = $1 AND value = $2' },
      [kind, login],
    );
    const row = rows[0] === undefined ? undefined : await this.#rowOf(rows[0].user_id);
    // A claim outlives the change it was made for by a moment: what the user's row says counts.
    return row?.[kind] === login ? row : undefined;
  }

  #newToken(userId: Snowflake): { token: string; hash: Uint8Array } {
    const secret = randomBytes(TOKEN_SECRET_BYTES);
    const token = makeToken(userId, this.#options.clock.nowMs(), secret);
    const parts = parseToken(token);
    assert(parts !== undefined, 'a token just made can be read');
    return { token, hash: parts.hash };
  }

  #forget(userId: Snowflake): void {
    this.#forgottenCount++;
    this.#seen.deleteWhere((seen) => seen.userId === userId);
  }
}

const NOBODY = { discriminator: '0', globalName: '', avatar: '', bot: false, publicFlags: 0 };

function userOf(row: UserRow): UserInit {
  return {
    id: row.user_id,
    username: row.username,
    discriminator: row.discriminator,
    globalName: row.global_name,
    avatar: row.avatar,
    bot: row.is_bot,
    publicFlags: row.public_flags,
  };
}
