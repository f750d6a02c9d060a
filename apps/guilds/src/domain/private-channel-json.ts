import { userJson } from '@guildhall/contracts';
import type { User } from './user-document.js';

const DM = 1;

/** A private channel as `viewerId` sees it: without itself among the recipients. */
export function privateChannelJson(
  channel: { readonly topicId: bigint; readonly recipients: readonly User[] },
  viewerId: bigint,
  lastMessageId: bigint,
): object {
  const others = channel.recipients.filter((recipient) => recipient.id !== viewerId);
  return {
    id: String(channel.topicId),
    type: DM,
    flags: 0,
    last_message_id: lastMessageId === 0n ? null : String(lastMessageId),
    recipient_ids: others.map((recipient) => String(recipient.id)),
    recipients: others.map(userJson),
    is_spam: false,
  };
}
