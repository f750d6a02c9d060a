import {
  ANN,
  BEN,
  counted,
  GUILD,
  MessageStage,
  MOD,
  OWNER,
  person,
  PRIVATE,
  QUIET_ROLE,
  STRANGER,
  TEAM_ROLE,
  TEXT,
} from '../testing/message-stage.js';
import { newMember } from './member.js';
import { countedMember } from './notification-rules.js';
import { ROLE_HOLDERS_MAX } from './message-mentions.js';

let stage: MessageStage;
beforeEach(() => {
  stage = new MessageStage();
});

const ids = (json: Record<string, unknown>): string[] =>
  (json['mentions'] as { id: string }[]).map(({ id }) => id);

const count = (userId: bigint, position = 0n): number =>
  stage.guild.mentions.count({
    ...countedMember(stage.guild, userId),
    channelId: TEXT,
    position,
  });

describe('whom a message mentions', () => {
  it('is who is here, of those it names', () => {
    const { json } = stage.send(ANN, { content: `<@${BEN}> <@${STRANGER}> <@!${MOD}>` });
    expect(ids(json)).toEqual([String(BEN), String(MOD)]);
  });

  it('is everyone, if the author may mention everyone', () => {
    expect(stage.send(ANN, { content: '@everyone' }).json).toMatchObject({
      mention_everyone: false,
    });
    expect(stage.send(MOD, { content: '@here' }).json).toMatchObject({ mention_everyone: true });
    expect([count(ANN), count(BEN), count(MOD)]).toEqual([1, 1, 0]);
  });

  it('is a role that may be mentioned', () => {
    const content = `<@&${TEAM_ROLE}> <@&${QUIET_ROLE}> <@&${GUILD}> <@&777>`;
    expect(stage.send(BEN, { content }).json).toMatchObject({
      mention_roles: [String(TEAM_ROLE)],
      mention_everyone: false,
    });
    expect(stage.send(OWNER, { content }).json).toMatchObject({
      mention_roles: [String(TEAM_ROLE), String(QUIET_ROLE)],
    });
    expect([count(ANN), count(BEN), count(MOD)]).toEqual([2, 1, 0]);
  });

  it('is who is meant, if the request says so', () => {
    const content = `@everyone <@${ANN}> <@${BEN}> <@&${TEAM_ROLE}> <@&${QUIET_ROLE}>`;
    const mentioned = (allowedMentions: object) => {
      const { json } = stage.send(MOD, { content, allowedMentions });
      return [json['mention_everyone'], ids(json), json['mention_roles']];
    };
    expect(mentioned({})).toEqual([false, [], []]);
    expect(mentioned({ parse: ['everyone'] })).toEqual([true, [], []]);
    expect(mentioned({ parse: ['users'] })).toEqual([false, ['12', '13'], []]);
    expect(mentioned({ parse: ['roles'] })).toEqual([false, [], ['102', '103']]);
    expect(mentioned({ users: [BEN], roles: [TEAM_ROLE] })).toEqual([false, ['13'], ['102']]);
  });

  it('counts a role for those who held it when it was mentioned', () => {
    const { id } = stage.send(BEN, { content: `<@&${TEAM_ROLE}>` });
    expect(stage.row('mentions', TEXT, id)).toEqual({ author_id: '13', role_user_ids: ['12'] });
    const mod = stage.guild.member(MOD)!;
    stage.guild.putMember({ ...mod, roleIds: [...mod.roleIds, TEAM_ROLE] });
    stage.guild.takeVisibility();
    expect(count(MOD)).toBe(0);
    stage.send(BEN, { content: `<@&${TEAM_ROLE}>` });
    expect([count(MOD), count(ANN)]).toEqual([1, 2]);
  });

  it('counts a role that many hold for those who hold it', () => {
    for (let index = 0; index < ROLE_HOLDERS_MAX; index += 1) {
      const member = newMember(person(1_000n + BigInt(index)), stage.clock.nowMs());
      stage.guild.putMember({ ...member, roleIds: [TEAM_ROLE] });
    }
    stage.guild.takeVisibility();
    const { id } = stage.send(BEN, { content: `<@&${TEAM_ROLE}>` });
    expect(stage.row('mentions', TEXT, id)).toEqual({ author_id: '13', role_ids: ['102'] });
    expect([count(ANN), count(1_000n), count(MOD)]).toEqual([1, 1, 0]);
  });

  it('counts nobody twice for one message', () => {
    stage.send(MOD, { content: `@everyone <@${ANN}> <@&${TEAM_ROLE}>` });
    expect(count(ANN)).toBe(1);
  });

  it('records who is mentioned by name apart from who is by a role that few hold', () => {
    const content = `<@${BEN}> <@&${TEAM_ROLE}> <@&${QUIET_ROLE}>`;
    const { id } = stage.send(OWNER, { content });
    expect(stage.row('mentions', TEXT, id)).toEqual({
      author_id: '11',
      user_ids: ['13'],
      role_user_ids: ['12'],
    });
    const named = stage.send(ANN, { content: `<@${BEN}>` }, stage.direct);
    expect(stage.row('mentions', PRIVATE, named.id)).toEqual({
      author_id: '12',
      everyone: true,
      user_ids: ['13'],
    });
  });

  it('records nobody mentioned in a guild, and everything in a private channel', () => {
    expect(stage.send(ANN, { content: 'x' }).changes.rows).toHaveLength(1);
    stage.send(ANN, { content: 'x' }, stage.direct);
    stage.send(BEN, { content: 'x' }, stage.direct);
    const inDirect = (userId: bigint): number =>
      stage.direct.mentions.count({ ...counted(userId), channelId: PRIVATE, position: 0n });
    expect(inDirect(ANN)).toBe(1);
    expect(inDirect(BEN)).toBe(1);
  });
});
