import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { TopicEventSchema } from '@guildhall/contracts';
import { ALL_INTENTS, Intent } from '@guildhall/gateway-protocol';
import { EventRules, type Subscriber, type TopicKind } from './delivery-rules.js';

const rules = (event: MessageInitShape<typeof TopicEventSchema>, kind: TopicKind = 'guild') =>
  new EventRules(create(TopicEventSchema, event), kind);
const bot = (more: Partial<Subscriber> = {}): Subscriber => ({
  userId: 1n,
  intents: ALL_INTENTS,
  isBot: true,
  isFirstShard: true,
  ...more,
});

describe('EventRules', () => {
  it('admits by intent, and differs for private channels', () => {
    const guildOnly = bot({ intents: Intent.GuildMessages });
    expect(rules({ type: 'MESSAGE_CREATE' }).admits(guildOnly)).toBe(true);
    expect(rules({ type: 'MESSAGE_CREATE' }, 'private').admits(guildOnly)).toBe(false);
    expect(rules({ type: 'TYPING_START' }).admits(guildOnly)).toBe(false);
    expect(rules({ type: 'SOMETHING_NEW' }).admits(guildOnly)).toBe(true);
  });

  it('keeps to those named, and from those excepted', () => {
    const only = rules({ type: 'GUILD_UPDATE', onlyUserIds: [1n, 3n] });
    expect([1n, 2n, 3n].map((userId) => only.admits(bot({ userId })))).toEqual([true, false, true]);
    expect(rules({ type: 'GUILD_UPDATE', exceptUserId: 1n }).admits(bot())).toBe(false);
  });

  it('sends what has no guild to the first shard alone', () => {
    const other = bot({ isFirstShard: false });
    expect(rules({ type: 'USER_UPDATE' }, 'user').admits(other)).toBe(false);
    expect(rules({ type: 'GUILD_UPDATE' }, 'guild').admits(other)).toBe(true);
  });

  it('tells people alone what only their clients know', () => {
    expect(rules({ type: 'MESSAGE_ACK' }, 'user').admits(bot())).toBe(false);
    expect(rules({ type: 'MESSAGE_ACK' }, 'user').admits(bot({ isBot: false }))).toBe(true);
  });

  it('shows content to its author, to who is mentioned, and in private', () => {
    const blind = bot({ intents: Intent.GuildMessages });
    const shown = (event: MessageInitShape<typeof TopicEventSchema>, kind?: TopicKind) =>
      rules({ type: 'MESSAGE_CREATE', ...event }, kind).seesContent(blind);
    expect(shown({})).toBe(false);
    expect(shown({ authorId: 1n })).toBe(true);
    expect(shown({ mentionedUserIds: [7n, 1n] })).toBe(true);
    expect(shown({}, 'private')).toBe(true);
    expect(shown({ type: 'SOMETHING_NEW', hasContent: true })).toBe(false);
    expect(shown({ type: 'GUILD_UPDATE' })).toBe(true);
  });
});
