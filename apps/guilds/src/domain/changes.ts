/**
 * What one command does. A decision reads the topic, refuses by throwing a Fault before it has
 * touched anything, and then changes memory and says the same thing here, in the order in which it
 * is to be seen: rows to write, events to publish, other topics to tell. The host commits all of it
 * in one transaction, publishes, and answers. A decision never awaits.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { DeliverRequestSchema, VisibilityChange } from '@guildhall/contracts';
import type { Document, RowChange, TableName } from './tables.js';

/** An event before it has a seq. `data` is the dispatch's `d`. See fleet.topics.v1.TopicEvent. */
export interface EventDraft {
  readonly type: string;
  readonly data: object;
  readonly channelId?: bigint;
  readonly authorId?: bigint;
  readonly subjectUserId?: bigint;
  readonly mentionedUserIds?: readonly bigint[];
  readonly exceptUserId?: bigint;
  readonly onlyUserIds?: readonly bigint[];
  readonly visibility?: VisibilityChange;
  readonly hasContent?: boolean;
}

/** What a topic tells another. */
export type DeliverAction = NonNullable<MessageInitShape<typeof DeliverRequestSchema>['action']>;

/** What another topic is told, at least once, after the commit. */
export interface Errand {
  readonly topicId: bigint;
  readonly action: DeliverAction;
}

/** Where and when a command is decided. */
export interface CommandContext {
  readonly topicId: bigint;
  readonly commandId: bigint;
  /** 0n: the fleet itself. */
  readonly actorId: bigint;
  readonly actorIsBot: boolean;
  readonly reason: string;
  readonly nowMs: number;
  /**
   * A new id in the topic's partition, greater than every one minted before it and than `floor`.
   */
  readonly mint: (floor?: bigint) => bigint;
  /** In [0, 1). */
  readonly random: () => number;
}

export class Changes implements CommandContext {
  readonly topicId: bigint;
  readonly commandId: bigint;
  readonly actorId: bigint;
  readonly actorIsBot: boolean;
  readonly reason: string;
  readonly nowMs: number;
  readonly mint: (floor?: bigint) => bigint;
  readonly random: () => number;

  readonly rows: RowChange[] = [];
  readonly events: EventDraft[] = [];
  /** Published at once, without a seq, when the command is answered. May be lost. */
  readonly ephemeral: EventDraft[] = [];
  readonly errands: Errand[] = [];
  /** The topic's own row (see Topic.toDocument) is written with the commit. */
  isTopicChanged = false;
  /** Set by the decision that ends the topic: its rows are deleted with the commit. */
  isTopicDeleted = false;

  constructor(context: CommandContext) {
    this.topicId = context.topicId;
    this.commandId = context.commandId;
    this.actorId = context.actorId;
    this.actorIsBot = context.actorIsBot;
    this.reason = context.reason;
    this.nowMs = context.nowMs;
    this.mint = context.mint;
    this.random = context.random;
  }

  put(table: TableName, key: readonly (bigint | string)[], document: Document): void {
    this.rows.push({ table, key, document });
  }

  delete(table: TableName, key: readonly (bigint | string)[]): void {
    this.rows.push({ table, key, document: undefined });
  }

  event(draft: EventDraft): void {
    this.events.push(draft);
  }

  /** Typing and the like. */
  whisper(draft: EventDraft): void {
    this.ephemeral.push(draft);
  }

  tell(topicId: bigint, action: DeliverAction): void {
    this.errands.push({ topicId, action });
  }
}
