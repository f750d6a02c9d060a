import type { Document } from '../domain/tables.js';

/** A row as it was read. */
export interface StoredRow {
  /** In the order of TABLES[table], without the topic. */
  readonly key: readonly (bigint | string)[];
  readonly document: Document;
}
