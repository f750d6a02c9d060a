import { migrate, openStore, type Store } from '@guildhall/store';
import { makeGround, type Ground } from '../api-world.conformance.js';
import { claim, release } from './claims.js';
import { MIGRATIONS } from './migrations.js';

// A busy machine is slow, not wrong.
jest.setTimeout(60_000);

let ground: Ground;
let store: Store;

beforeAll(async () => {
  ground = await makeGround();
  store = openStore({
    databaseUrl: ground.postgres.url,
    schema: 'claims_spec',
    connectionsMax: 4,
    applicationName: 'spec',
  });
  await migrate(store, MIGRATIONS);
}, 60_000);
afterAll(async () => {
  await store?.close();
  await ground?.end();
});

const age = (value: string) =>
  store.query(
    { text: `UPDATE claims SET claimed_at = now() - interval '2 minutes' WHERE value = $1` },
    [value],
  );

describe('A claim', () => {
  it('is one user’s, who may claim it again', async () => {
    expect(await claim(store, 'username', 'ann', 1n)).toBe(true);
    expect(await claim(store, 'username', 'ann', 1n)).toBe(true);
    expect(await claim(store, 'username', 'ann', 2n)).toBe(false);
    expect(await claim(store, 'email', 'ann', 2n)).toBe(true);
  });

  it('is let go by its user only', async () => {
    await claim(store, 'username', 'ben', 1n);
    await release(store, 'username', 'ben', 2n);
    expect(await claim(store, 'username', 'ben', 2n)).toBe(false);
    await release(store, 'username', 'ben', 1n);
    expect(await claim(store, 'username', 'ben', 2n)).toBe(true);
  });

  it('that no account bears out is anybody’s after a minute', async () => {
    await claim(store, 'username', 'cat', 1n);
    expect(await claim(store, 'username', 'cat', 2n)).toBe(false);
    await age('cat');
    const both = [claim(store, 'username', 'cat', 2n), claim(store, 'username', 'cat', 3n)];
    expect((await Promise.all(both)).filter(Boolean)).toHaveLength(1);
  });

  it('of an account stays, however old it is', async () => {
    await claim(store, 'username', 'dan', 1n);
    const insert = `INSERT INTO users (user_id, username) VALUES (1, 'dan')`;
    await store.query({ text: insert });
    await age('dan');
    expect(await claim(store, 'username', 'dan', 2n)).toBe(false);
  });
});
