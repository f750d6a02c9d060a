import { Permission } from '@guildhall/permissions';
import { Audiences, chatIdOf, sharedAudienceId, type VisibilitySource } from './audiences.js';

const GUILD = 1n;
const OWNER = 10n;
const SEEN_BY_ALL = 100n;
const HIDDEN = 101n;
const ROLE = 5n;

const viewing = { allow: Permission.VIEW_CHANNEL, deny: 0n };
const hiding = { allow: 0n, deny: Permission.VIEW_CHANNEL };

/**
 * A guild of an owner, two members without roles and one with a role that sees the hidden channel.
 */
function small() {
  const ownOverwrites = new Set<bigint>();
  const guild = {
    id: GUILD,
    ownerId: OWNER,
    roles: new Map([
      [GUILD, { id: GUILD, position: 0, permissions: Permission.VIEW_CHANNEL }],
      [ROLE, { id: ROLE, position: 1, permissions: 0n }],
    ]),
    channels: new Map([
      [SEEN_BY_ALL, { id: SEEN_BY_ALL, type: 0, overwrites: [] as Overwrites }],
      [
        HIDDEN,
        {
          id: HIDDEN,
          type: 0,
          overwrites: [
            { id: GUILD, type: 0, ...hiding },
            { id: ROLE, type: 0, ...viewing },
          ] as Overwrites,
        },
      ],
    ]),
    members: new Map([
      [OWNER, { roleIds: [] as bigint[] }],
      [11n, { roleIds: [] as bigint[] }],
      [12n, { roleIds: [] as bigint[] }],
      [13n, { roleIds: [ROLE] }],
    ]),
    hasOwnOverwrite: (userId: bigint) => ownOverwrites.has(userId),
  };
  const audiences = new Audiences(guild);
  for (const userId of guild.members.keys()) audiences.touchUser(userId);
  const first = audiences.take();
  return { guild, audiences, ownOverwrites, first };
}
type Overwrites =
  VisibilitySource['channels'] extends ReadonlyMap<bigint, infer C>
    ? C extends { overwrites: infer O }
      ? O
      : never
    : never;

describe('sharedAudienceId', () => {
  it('depends on the roles, is never a user id, and is the same everywhere', () => {
    const ids = [[], [1n], [2n], [1n, 2n], [1_574_620_574_515_200_032n]].map(sharedAudienceId);
    expect(new Set(ids).size).toBe(5);
    for (const id of ids) expect(id >> 63n).toBe(1n);
    // Relays keep ids across owners of different versions.
    expect(sharedAudienceId([])).toBe(0xcbf29ce484222325n);
    expect(sharedAudienceId([1n, 2n])).toBe(sharedAudienceId([1n, 2n]));
  });
});

describe('Audiences', () => {
  it('has one row for all with the same roles, and one of its own for the owner', () => {
    const { audiences, first } = small();
    expect(audiences.rowsCount).toBe(3);
    expect(audiences.of(11n)).toBe(audiences.of(12n));
    expect(audiences.of(OWNER)!.id).toBe(OWNER);
    expect([...audiences.of(11n)!.channelIds]).toEqual([SEEN_BY_ALL]);
    expect([...audiences.of(13n)!.channelIds]).toEqual([SEEN_BY_ALL, HIDDEN]);
    expect([...audiences.of(OWNER)!.channelIds]).toEqual([SEEN_BY_ALL, HIDDEN]);
    // They have no session yet: nobody has to be told.
    expect(first).toBeUndefined();
  });

  it('says nothing when nothing is different', () => {
    const { audiences } = small();
    audiences.touchRole(GUILD);
    audiences.touchChannel(HIDDEN);
    audiences.touchUser(11n);
    expect(audiences.take()).toBeUndefined();
  });

  it('tells of a channel only to the audiences that see it otherwise', () => {
    const { audiences, guild } = small();
    guild.channels.set(HIDDEN, { id: HIDDEN, type: 0, overwrites: [] });
    audiences.touchChannel(HIDDEN);
    const change = audiences.take()!;
    expect(change.audiences).toEqual([audiences.of(11n)]);
    expect([...change.channelIds]).toEqual([HIDDEN]);
    expect(change.moves).toEqual([]);
  });

  it('moves a member with another role, and says what its new audience sees', () => {
    const { audiences, guild } = small();
    guild.members.set(11n, { roleIds: [ROLE] });
    audiences.touchUser(11n);
    const change = audiences.take()!;
    expect(change.moves).toEqual([{ userId: 11n, audienceId: audiences.of(13n)!.id }]);
    expect(change.audiences).toEqual([audiences.of(13n)]);
    expect([...change.channelIds]).toEqual([HIDDEN]);
    expect(audiences.of(13n)!.membersCount).toBe(2);
  });

  it('parts a member with an overwrite of its own from the others, and joins it again', () => {
    const { audiences, guild, ownOverwrites } = small();
    const before = guild.channels.get(HIDDEN)!;
    const own = { id: 12n, type: 1 as const, ...viewing };
    guild.channels.set(HIDDEN, { ...before, overwrites: [...before.overwrites, own] });
    ownOverwrites.add(12n);
    audiences.touchChannel(HIDDEN);
    audiences.touchUser(12n);
    expect(audiences.take()!.moves).toEqual([{ userId: 12n, audienceId: 12n }]);
    expect(audiences.of(12n)!.channelIds.has(HIDDEN)).toBe(true);
    expect(audiences.of(11n)!.channelIds.has(HIDDEN)).toBe(false);

    guild.channels.set(HIDDEN, before);
    ownOverwrites.delete(12n);
    audiences.touchChannel(HIDDEN);
    audiences.touchUser(12n);
    const change = audiences.take()!;
    expect(change.moves).toEqual([{ userId: 12n, audienceId: audiences.of(11n)!.id }]);
    expect([...change.channelIds]).toEqual([HIDDEN]);
    expect(audiences.rowsCount).toBe(3);
  });

  it('drops a row with its last member, and tells who is gone', () => {
    const { audiences, guild } = small();
    guild.members.delete(13n);
    audiences.removeUser(13n);
    expect(audiences.take()).toMatchObject({ removedUserIds: [13n], moves: [], audiences: [] });
    expect(audiences.rowsCount).toBe(2);
    expect(audiences.of(13n)).toBeUndefined();
    expect(audiences.take()).toBeUndefined();
  });

  it('computes nothing for audiences without the role that changed', () => {
    const { audiences, guild } = small();
    const untouched = audiences.of(11n)!.channelIds;
    guild.roles.set(ROLE, { id: ROLE, position: 1, permissions: Permission.ADMINISTRATOR });
    audiences.touchRole(ROLE);
    audiences.take();
    expect(audiences.of(11n)!.channelIds).toBe(untouched);
  });

  it('lists the members of the audiences chosen, asked once for each audience', () => {
    const { audiences } = small();
    let asked = 0;
    const users = audiences.usersIn((row) => {
      asked += 1;
      return row.userId === 0n;
    });
    expect(users).toEqual([11n, 12n, 13n]);
    expect(asked).toBe(3);
  });

  it('has the chat of a voice channel beside it, for who may connect', () => {
    const { guild, audiences } = small();
    const voice = { id: 102n, type: 2, overwrites: [] as Overwrites };
    const chatId = chatIdOf(voice);
    guild.channels.set(voice.id, voice);
    audiences.touchChannel(voice.id);
    audiences.take();
    expect([...audiences.of(11n)!.channelIds]).toEqual([SEEN_BY_ALL, voice.id]);
    expect(audiences.of(OWNER)!.channelIds).toContain(chatId);

    const connecting = { allow: Permission.CONNECT, deny: 0n };
    const overwrites: Overwrites = [{ id: ROLE, type: 0, ...connecting }];
    guild.channels.set(voice.id, { ...voice, overwrites });
    audiences.touchChannel(voice.id);
    expect([...audiences.take()!.channelIds]).toEqual([chatId]);
    expect([...audiences.of(13n)!.channelIds]).toEqual([SEEN_BY_ALL, HIDDEN, voice.id, chatId]);
    expect(audiences.of(11n)!.channelIds).not.toContain(chatId);

    guild.channels.set(voice.id, { ...voice, overwrites: [{ id: ROLE, type: 0, ...hiding }] });
    audiences.touchChannel(voice.id);
    audiences.take();
    expect([...audiences.of(13n)!.channelIds]).toEqual([SEEN_BY_ALL, HIDDEN]);
    guild.channels.delete(voice.id);
    audiences.touchChannel(voice.id);
    audiences.take();
    expect([...audiences.of(OWNER)!.channelIds]).toEqual([SEEN_BY_ALL, HIDDEN]);
  });
});

describe('chatIdOf', () => {
  it('is an id of its own for voice channels only', () => {
    expect([0, 4, 5].map((type) => chatIdOf({ id: 7n, type }))).toEqual([7n, 7n, 7n]);
    expect(chatIdOf({ id: 7n, type: 2 })).toBe((1n << 63n) | 7n);
  });
});
