import type { ReadPosition } from '@guildhall/contracts';
import type { MentionLog, MentionQuery } from './mention-log.js';

/**
 * The mentions a person has not read, by where it has read up to. A count that was set by hand
 * stands for everything up to the message that was the newest then; later mentions are added to it.
 */
export function unreadMentions(
  log: MentionLog,
  read: ReadPosition | undefined,
  who: Omit<MentionQuery, 'position'>,
): number {
  if (read === undefined) return log.count({ ...who, position: 0n });
  if (read.manualUntilMessageId === 0n) return log.count({ ...who, position: read.lastMessageId });
  return read.manualCount + log.count({ ...who, position: read.manualUntilMessageId });
}
