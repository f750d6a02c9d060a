// What one statement of a fold or a replay writes: the dirty parts of some users, of each user all
// of them. So what the rows say of a user is always what it was at one moment, the one of its
// highest version; whoever replays a log leaves out what is not newer.
import { PART_BYTES_MAX, writePart } from '@guildhall/read-state-table';
import type { ReadStateTable, UserRef } from '@guildhall/read-state-table';
import type { Queryable } from '@guildhall/store';

const FIRST_BYTES = 1 << 18;

// In one order everywhere, so that two writers of the same rows do not wait for each other in a
// circle. A row never goes back: what comes late, from an owner of before or for the second time,
// finds a version that is not lower than its own.
const WRITE = {
  name: 'write-parts',
  text: `INSERT INTO read_state_parts AS r (user_id, part, version, entries)
         SELECT user_id, part, version, substring($6::bytea FROM start FOR length)
         FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::int[], $5::int[])
           AS v(user_id, part, version, start, length)
         ORDER BY user_id, part
         ON CONFLICT (user_id, part) DO UPDATE SET
           version = excluded.version, entries = excluded.entries
         WHERE r.version < excluded.version`,
};

/** Gathers parts as bytes in memory that is used again, and writes them. */
export class PartWrites {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;
  #count = 0;
  #users = '';
  #parts = '';
  #versions = '';
  #starts = '';
  #lengths = '';

  /** Parts that wait to be written. */
  get count(): number {
    return this.#count;
  }

  /**
   * Takes a user's dirty parts as they are now, and their marks: a change that is made from now on
   * marks anew. A part that the user no longer has stays as an empty row, since its version must.
   */
  take(table: ReadStateTable, user: UserRef): void {
    const id = signedText(table.userHi(user), table.userLo(user));
    const version = table.versionOf(user);
    const partsCount = table.partsCountOf(user);
    for (;;) {
      const part = table.nextDirtyPart(user, 0);
      if (part < 0) return;
      if (this.#end + PART_BYTES_MAX > this.#bytes.length) this.#grow();
      const length = part < partsCount ? writePart(table, user, part, this.#view, this.#end) : 0;
      const comma = this.#count === 0 ? '' : ',';
      this.#users += comma + id;
      this.#parts += comma + part;
      this.#versions += comma + version;
      this.#starts += `${comma}${this.#end + 1}`;
      this.#lengths += comma + length;
      this.#end += length;
      this.#count += 1;
      table.clearDirty(user, part);
    }
  }

  /** Writes what was taken; it stays until `clear`. Rejects with a Fault. May be done twice. */
  async write(db: Queryable): Promise<void> {
    if (this.#count === 0) return;
    await db.query(WRITE, [
      `{${this.#users}}`,
      `{${this.#parts}}`,
      `{${this.#versions}}`,
      `{${this.#starts}}`,
      `{${this.#lengths}}`,
      Buffer.from(this.#bytes.buffer, 0, this.#end),
    ]);
  }

  clear(): void {
    this.#end = 0;
    this.#count = 0;
    this.#users = this.#parts = this.#versions = this.#starts = this.#lengths = '';
  }

  #grow(): void {
    const bytes = new Uint8Array(this.#bytes.length * 2);
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** Ids are 64 bits without a sign, and stored as the bigint with the same bits. */
function signedText(hi: number, lo: number): string {
  return String((BigInt(hi | 0) << 32n) | BigInt(lo));
}
