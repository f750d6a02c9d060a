import type { Document, TableName } from './tables.js';

/** What a topic is made of when it is loaded. */
export interface TopicRows {
  readonly topicId: bigint;
  readonly kind: number;
  readonly document: Document;
  readonly rows: ReadonlyMap<
    TableName,
    readonly { readonly key: readonly (bigint | string)[]; readonly document: Document }[]
  >;
  /** By channel, the newest message there is. */
  readonly lastMessageIds: ReadonlyMap<bigint, bigint>;
}
