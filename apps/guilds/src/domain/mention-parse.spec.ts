import { namedMentions } from './mention-parse.js';

describe('namedMentions', () => {
  it('finds users in both spellings, roles and everyone, each once and in order', () => {
    const named = namedMentions('<@2> and <@!1> and <@2>, <@&30><@&31>: @everyone!');
    expect(named).toEqual({ everyone: true, userIds: [2n, 1n], roleIds: [30n, 31n] });
  });

  it.each(['@here', 'a@here b', '(@everyone)'])('takes %s for everyone', (content) => {
    expect(namedMentions(content).everyone).toBe(true);
  });

  it.each([
    'nobody',
    '<@>',
    '<@abc>',
    '<#12>',
    '<@ 12>',
    '@everyones',
    '`<@12> @everyone`',
    '```\n<@12> `@here`\n```',
    '``a ` <@12> ` b``',
    '<@99999999999999999999>',
    '<@9999999999999999999>',
  ])('finds nobody in %j', (content) => {
    expect(namedMentions(content)).toEqual({ everyone: false, userIds: [], roleIds: [] });
  });

  it('still reads what follows an open backtick', () => {
    expect(namedMentions('it`s <@12>').userIds).toEqual([12n]);
  });

  it('reads the longest content at once', () => {
    expect(namedMentions('`'.repeat(4_000)).userIds).toEqual([]);
    expect(namedMentions('<@'.repeat(2_000)).userIds).toEqual([]);
    expect(namedMentions('<@12>'.repeat(800)).userIds).toEqual([12n]);
  });
});
