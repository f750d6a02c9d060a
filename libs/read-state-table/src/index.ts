export { ENTRIES_MAX, PART_ENTRIES } from './block.js';
export { PART_BYTES_MAX, readPart, writePart } from './part.js';
export { ReadStateTable } from './read-state-table.js';
export type { EntryRef } from './read-state-table.js';
export { BYTES_MAX, BYTES_MIN, VERSION_MAX } from './user-blocks.js';
export type { ReadStateTableOptions, UserRef } from './user-blocks.js';
