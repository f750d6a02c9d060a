import { create } from '@bufbuild/protobuf';
import { DeliverRequestSchema } from '@guildhall/contracts';
import { ANN, BEN, MessageStage, PRIVATE, STRANGER } from '../testing/message-stage.js';
import type { DeliverAction } from './changes.js';
import { memberEventJson } from './member-json.js';
import { memberFromDocument } from './member.js';
import { countedMember, countedUser } from './notification-rules.js';
import { PrivateChannel } from './private-channel.js';
import type { Document } from './tables.js';
import { deliver } from './topic-decisions.js';
import type { Topic } from './topic.js';

let stage: MessageStage;
beforeEach(() => {
  stage = new MessageStage();
});

function tell(topic: Topic, action: DeliverAction) {
  const request = create(DeliverRequestSchema, { action });
  return stage.act(0n, (changes) => deliver(topic, request.action, changes)).changes;
}

const rules = (userId: bigint, version: bigint, suppressed: object): DeliverAction => ({
  case: 'notificationRulesChanged',
  value: { userId, version, ...suppressed },
});

const muted = (userId: bigint, version: bigint, isMuted: boolean, until = 0): DeliverAction => ({
  case: 'privateChannelMuted',
  value: { userId, version, muted: isMuted, mutedUntilMs: BigInt(until) },
});

describe('A guild', () => {
  it('keeps what its members suppress, and tells nobody', () => {
    const shown = JSON.stringify(memberEventJson(stage.guild.id, stage.guild.member(ANN)!));
    const changes = tell(stage.guild, rules(ANN, 3n, { suppressEveryone: true }));
    expect(changes.events).toEqual([]);
    expect(changes.rows).toHaveLength(1);
    expect(stage.guild.takeVisibility()).toBeUndefined();
    const wanted = { suppressEveryone: true, suppressRoles: false };
    expect(countedMember(stage.guild, ANN)).toMatchObject(wanted);
    expect(JSON.stringify(memberEventJson(stage.guild.id, stage.guild.member(ANN)!))).toBe(shown);
    const { member } = memberFromDocument(stage.row('members', ANN)!, () => true);
    expect(member).toEqual(stage.guild.member(ANN));
    expect(countedMember(stage.guild, BEN)).toMatchObject({ suppressEveryone: false });
  });

  it('goes by the highest version, in whatever order they come', () => {
    tell(stage.guild, rules(ANN, 3n, { suppressEveryone: true }));
    for (const version of [1n, 2n, 3n]) {
      expect(tell(stage.guild, rules(ANN, version, { suppressRoles: true })).rows).toEqual([]);
    }
    expect(countedMember(stage.guild, ANN)).toMatchObject({ suppressRoles: false });
    tell(stage.guild, rules(ANN, 4n, {}));
    expect(countedMember(stage.guild, ANN)).toMatchObject({ suppressEveryone: false });
  });

  it('does not care for who is no member', () => {
    expect(tell(stage.guild, rules(STRANGER, 1n, { suppressRoles: true })).rows).toEqual([]);
    expect(countedUser(stage.guild, STRANGER, 0)).toMatchObject({ suppressRoles: false });
  });
});

describe('A private channel', () => {
  const isMuted = (userId = ANN, nowMs = stage.clock.nowMs()): boolean =>
    countedUser(stage.direct, userId, nowMs).suppressEveryone;

  it('is muted by one of its users, until it says otherwise', () => {
    expect(isMuted()).toBe(false);
    expect(tell(stage.direct, muted(ANN, 2n, true)).isTopicChanged).toBe(true);
    expect([isMuted(), isMuted(BEN)]).toEqual([true, false]);
    expect(tell(stage.direct, muted(ANN, 2n, false)).isTopicChanged).toBe(false);
    expect(isMuted(ANN, Number.MAX_SAFE_INTEGER)).toBe(true);
    tell(stage.direct, muted(ANN, 3n, false));
    expect(isMuted()).toBe(false);
  });

  it('is muted until a moment, and from that on no more', () => {
    tell(stage.direct, muted(ANN, 1n, true, 5_000));
    expect([isMuted(ANN, 4_999), isMuted(ANN, 5_000)]).toEqual([true, false]);
  });

  it('is muted by nobody else', () => {
    expect(tell(stage.direct, muted(STRANGER, 1n, true)).isTopicChanged).toBe(false);
  });

  it('keeps it, also what it heard before it heard whose it is', () => {
    const fresh = new PrivateChannel(PRIVATE);
    tell(fresh, muted(ANN, 7n, true, 9));
    const users = [...stage.direct.recipients.values()].map((user) => ({ ...user }));
    tell(fresh, { case: 'privateTopicCreated', value: { recipients: users } });
    const document = JSON.parse(JSON.stringify(fresh.toDocument())) as Document;
    const next = PrivateChannel.restore({
      topicId: PRIVATE,
      kind: 2,
      document,
      rows: new Map(),
      lastMessageIds: new Map(),
    });
    expect([...next.recipients.keys()]).toEqual([ANN, BEN]);
    expect([...next.mutes]).toEqual([[ANN, { version: 7, muted: true, mutedUntilMs: 9 }]]);
  });
});
