export { migrate } from './migrate.js';
export type { MigrateOptions, Migration } from './migrate.js';
export { openStore } from './store.js';
export type {
  QueryResult,
  Queryable,
  Session,
  Statement,
  Store,
  StoreOptions,
  Transaction,
} from './store.js';
export {
  CommitUnknown,
  UniqueViolation,
  isCommitUnknown,
  isUniqueViolation,
} from './store-faults.js';
