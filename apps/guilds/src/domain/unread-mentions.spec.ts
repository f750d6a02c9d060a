import { create } from '@bufbuild/protobuf';
import { ReadPositionSchema } from '@guildhall/contracts';
import { counted } from '../testing/message-stage.js';
import { MentionLog } from './mention-log.js';
import { unreadMentions } from './unread-mentions.js';

describe('unreadMentions', () => {
  const log = new MentionLog();
  for (const messageId of [10n, 20n, 30n]) {
    const nobody = { roleIds: [], userIds: [], roleUserIds: [] };
    log.put(1n, { messageId, authorId: 5n, everyone: true, ...nobody });
  }
  const who = { channelId: 1n, ...counted(9n) };
  const read = (init: object) => create(ReadPositionSchema, { channelId: 1n, ...init });

  it.each([
    ['everything, when nothing was ever read', undefined, 3],
    ['what comes after the last message read', read({ lastMessageId: 10n }), 2],
    ['nothing after the newest', read({ lastMessageId: 30n }), 0],
    [
      'a count set by hand, and what came after it',
      read({ lastMessageId: 5n, manualCount: 7, manualUntilMessageId: 20n }),
      8,
    ],
  ])('counts %s', (_, position, count) => {
    expect(unreadMentions(log, position, who)).toBe(count);
  });
});
