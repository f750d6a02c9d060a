import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { TopicEventSchema } from '@guildhall/contracts';
import { ALL_INTENTS, Intent } from '@guildhall/gateway-protocol';
import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
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

const seed = seedFromEnv(process.env['SEED']);

describe(`EventRules (SEED=${seed})`, () => {
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

  it('says of a class what it says of each of its sessions', () => {
    const random = new SeededRandom(seed);
    const pick = <T>(...items: T[]): T => items[random.int(items.length)]!;
    const users = [1n, 2n, 3n];
    for (let round = 0; round < 3_000; round += 1) {
      const event = {
        type: pick('MESSAGE_CREATE', 'MESSAGE_ACK', 'GUILD_UPDATE', 'TYPING_START', 'NEW'),
        authorId: pick(0n, 1n),
        subjectUserId: pick(0n, 2n),
        exceptUserId: pick(0n, 3n),
        mentionedUserIds: pick([], [2n], [3n, 1n]),
        hasContent: pick(true, false),
      };
      const asked = rules(event, pick('guild', 'private', 'user'));
      const traits = {
        intents: pick(0, ALL_INTENTS, Intent.Guilds, Intent.GuildMessages),
        isBot: pick(true, false),
        isFirstShard: pick(true, false),
      };
      const told = asked.admitsClass(traits);
      for (const userId of users) {
        const isNamed = told === 'subject' && event.subjectUserId === userId;
        const isTold = (told === 'all' || isNamed) && event.exceptUserId !== userId;
        expect(asked.admits({ ...traits, userId })).toBe(isTold);
        const sees = asked.classSeesContent(traits) || asked.contentUserIds.includes(userId);
        expect(asked.seesContent({ ...traits, userId })).toBe(sees);
      }
    }
  });
});
