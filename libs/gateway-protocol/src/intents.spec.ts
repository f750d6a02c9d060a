import { DispatchEvent } from './dispatch-events.js';
import { ALL_INTENTS, areValidIntents, Intent, intentsFor, PRIVILEGED_INTENTS } from './intents.js';

describe('Intent', () => {
  it('has the documented bits', () => {
    const official = [...Array(17).keys(), 20, 21, 24, 25].reduce((sum, bit) => sum + 2 ** bit, 0);
    expect(official).toBe(53_608_447);
    expect(official & ALL_INTENTS).toBe(official);
    expect(ALL_INTENTS).toBe(2 ** 26 - 1);
    expect(PRIVILEGED_INTENTS).toBe(2 + 256 + 32_768);
  });

  it('takes what libraries send and refuses what nobody defined', () => {
    for (const intents of [0, 1, 513, 40_835, 53_608_447, 3_276_799, ALL_INTENTS]) {
      expect(areValidIntents(intents)).toBe(true);
    }
    for (const intents of [-1, 1.5, NaN, Infinity, 2 ** 26, 2 ** 32, 2 ** 53]) {
      expect(areValidIntents(intents)).toBe(false);
    }
  });
});

describe('intentsFor', () => {
  it('tells guild messages from direct messages', () => {
    expect(intentsFor('MESSAGE_CREATE', false)).toBe(Intent.GuildMessages);
    expect(intentsFor('MESSAGE_CREATE', true)).toBe(Intent.DirectMessages);
    expect(intentsFor('TYPING_START', false)).toBe(Intent.GuildMessageTyping);
    expect(intentsFor('TYPING_START', true)).toBe(Intent.DirectMessageTyping);
    expect(intentsFor('MESSAGE_REACTION_REMOVE_ALL', false)).toBe(Intent.GuildMessageReactions);
    expect(intentsFor('MESSAGE_REACTION_REMOVE_ALL', true)).toBe(Intent.DirectMessageReactions);
    expect(intentsFor('MESSAGE_POLL_VOTE_ADD', false)).toBe(Intent.GuildMessagePolls);
    expect(intentsFor('MESSAGE_POLL_VOTE_ADD', true)).toBe(Intent.DirectMessagePolls);
    expect(intentsFor('CHANNEL_PINS_UPDATE', false)).toBe(Intent.Guilds);
    expect(intentsFor('CHANNEL_PINS_UPDATE', true)).toBe(Intent.DirectMessages);
  });

  it('admits THREAD_MEMBERS_UPDATE by either of two intents', () => {
    expect(intentsFor('THREAD_MEMBERS_UPDATE', false)).toBe(Intent.Guilds | Intent.GuildMembers);
  });

  it('sends some events to everyone', () => {
    const always = ['READY', 'RESUMED', 'USER_UPDATE', 'VOICE_SERVER_UPDATE', 'INTERACTION_CREATE'];
    always.push('ENTITLEMENT_CREATE', 'SUBSCRIPTION_UPDATE', 'GUILD_MEMBERS_CHUNK', 'RATE_LIMITED');
    always.push('APPLICATION_COMMAND_PERMISSIONS_UPDATE', 'MESSAGE_ACK', 'NOT_YET_INVENTED');
    for (const event of always) {
      expect([event, intentsFor(event, false)]).toEqual([event, 0]);
      expect([event, intentsFor(event, true)]).toEqual([event, 0]);
    }
  });

  it('keeps privileged events behind privileged intents', () => {
    for (const event of ['GUILD_MEMBER_ADD', 'GUILD_MEMBER_UPDATE', 'GUILD_MEMBER_REMOVE']) {
      expect(intentsFor(event, false)).toBe(Intent.GuildMembers);
    }
    expect(intentsFor('PRESENCE_UPDATE', false)).toBe(Intent.GuildPresences);
  });

  it('never needs the content intent, and covers every other documented one', () => {
    let used = 0;
    for (const event of Object.values(DispatchEvent)) {
      used |= intentsFor(event, false) | intentsFor(event, true);
    }
    const eventless = Intent.MessageContent | Intent.GuildEmbeddedActivities;
    expect(used).toBe(ALL_INTENTS & ~eventless);
  });

  it('leaves no guild event of a guarded family unguarded', () => {
    const families = ['MESSAGE_(CREATE|UPDATE|DELETE|REACTION|POLL)', 'GUILD_(ROLE|BAN|SCHEDULED)'];
    families.push('GUILD_MEMBER_(ADD|UPDATE|REMOVE)', 'CHANNEL_(CREATE|UPDATE|DELETE|PINS_UPDATE)');
    families.push('THREAD_(?!MEMBER_LIST)', 'INVITE', 'INTEGRATION_', 'AUTO_MODERATION', 'STAGE');
    const guarded = new RegExp(`^(${families.join('|')})`);
    const events = Object.values(DispatchEvent).filter((event) => guarded.test(event));
    expect(events.length).toBeGreaterThan(45);
    for (const event of events) expect([event, intentsFor(event, false)]).not.toEqual([event, 0]);
  });
});
