// A username or an email belongs to one user in the whole fleet. The user's row lies elsewhere, so
// the two are written one after the other: first the claim, then the row, then whatever it replaces
// is let go. A process that dies in between leaves a claim that no row bears out; after a minute it
// is anybody's.
import type { Snowflake } from '@guildhall/snowflake';
import type { Store } from '@guildhall/store';

export type ClaimKind = 'username' | 'email';

/** Much longer than any statement between claim and row may take. */
const UNBORNE_S = 60;

/** Whether the user has it now. May be called twice. */
export async function claim(
  store: Store,
  kind: ClaimKind,
  value: string,
  userId: Snowflake,
): Promise<boolean> {
  const inserted = await store.query(
    {
      name: 'claim',
      text: `INSERT INTO claims (kind, value, user_id) VALUES ($1, $2, $3)
             ON CONFLICT (kind, value) DO UPDATE SET claimed_at = now()
             WHERE claims.user_id = excluded.user_id`,
    },
    [kind, value, userId],
  );
  if (inserted.rowCount > 0) return true;
  const { rows } = await store.query<{ user_id: bigint; is_old: boolean }>(
    {
      name: 'claim-holder',
      text: `SELECT user_id, claimed_at < now() - make_interval(secs => $3) AS is_old
             FROM claims WHERE kind = $1 AND value = $2`,
    },
    [kind, value, UNBORNE_S],
  );
  const holder = rows[0];
  if (holder === undefined) return claim(store, kind, value, userId);
  if (!holder.is_old || (await bearsOut(store, kind, value, holder.user_id))) {
    return false;
  }
  const taken = await store.query(
    {
      name: 'take-claim',
      text: `UPDATE claims SET user_id = $3, claimed_at = now()
             WHERE kind = $1 AND value = $2 AND user_id = $4`,
    },
    [kind, value, userId, holder.user_id],
  );
  return taken.rowCount > 0;
}

/** Lets go of it, if it is this user's. */
export async function release(
  store: Store,
  kind: ClaimKind,
  value: string,
  userId: Snowflake,
): Promise<void> {
  await store.query(
    {
      name: 'release-claim',
      text: 'DELETE FROM claims WHERE kind = $1 AND value = $2 AND user_id = $3',
    },
    [kind, value, userId],
  );
}

async function bearsOut(
  store: Store,
  kind: ClaimKind,
  value: string,
  userId: Snowflake,
): Promise<boolean> {
  const { rows } = await store.query<{ username: string; email: string }>(
    { name: 'claim-borne', text: 'SELECT username, email FROM users WHERE user_id = $1' },
    [userId],
  );
  return rows[0]?.[kind] === value;
}
