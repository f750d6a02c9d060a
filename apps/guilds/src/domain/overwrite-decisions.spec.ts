import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  CreateChannelRequestSchema,
  DeleteOverwriteRequestSchema,
  PutOverwriteRequestSchema,
  type OverwriteSchema,
} from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import type { Changes } from './changes.js';
import { createChannel } from './channel-decisions.js';
import { GuildWorld } from './guild-world.conformance.js';
import type { Guild } from './guild.js';
import { deleteOverwrite, putOverwrite } from './overwrite-decisions.js';

const { VIEW_CHANNEL, SEND_MESSAGES, MANAGE_ROLES, MANAGE_MESSAGES, ADMINISTRATOR } = Permission;
const MANAGER = 1n;
const MEMBER = 2n;
const ADMIN = 3n;

type Overwrite = MessageInitShape<typeof OverwriteSchema>;

const putting = (channelId: bigint, overwrite: Overwrite) => (guild: Guild, changes: Changes) =>
  putOverwrite(guild, create(PutOverwriteRequestSchema, { channelId, overwrite }), changes);
const deleting = (channelId: bigint, overwriteId: bigint) => (guild: Guild, changes: Changes) =>
  deleteOverwrite(guild, create(DeleteOverwriteRequestSchema, { channelId, overwriteId }), changes);

function stage() {
  const world = new GuildWorld();
  world.member(MANAGER, [world.role(MANAGE_ROLES)]);
  world.member(MEMBER);
  world.member(ADMIN, [world.role(ADMINISTRATOR)]);
  return world;
}

describe('putOverwrite', () => {
  it('moves a member into an audience of its own, with its own view', () => {
    const world = stage();
    const { textId } = world;
    const hide = { id: MEMBER, type: 1, deny: VIEW_CHANNEL };
    const [event, ...rest] = world.events(MANAGER, putting(textId, hide));
    expect(rest).toEqual([]);
    expect(event).toMatchObject({
      type: 'CHANNEL_UPDATE',
      channelId: textId,
      data: { permission_overwrites: [{ id: '2', type: 1, allow: '0', deny: '1024' }] },
    });
    const { moves, audiences, channels } = event!.visibility!;
    expect(moves).toMatchObject([{ userId: MEMBER, audienceId: MEMBER }]);
    expect(audiences.map(({ id }) => id)).toEqual([MEMBER]);
    expect(audiences[0]!.channelIds).not.toContain(textId);
    expect(channels.map(({ channelId }) => channelId)).toEqual([textId]);
    expect(world.events(MANAGER, putting(textId, hide))).toEqual([]);
  });

  it('keeps an overwrite about who is not there yet', () => {
    const world = stage();
    world.do(ADMIN, putting(world.textId, { id: 7n, type: 1, deny: VIEW_CHANNEL }));
    world.member(7n);
    expect(world.guild.mayView(world.textId, 7n)).toBe(false);
    expect(world.guild.audiences.of(7n)!.id).toBe(7n);
  });

  it.each<[string, number | undefined, bigint, Overwrite]>([
    ['what it has', undefined, MANAGER, { id: MEMBER, type: 1, deny: SEND_MESSAGES }],
    ['what it has not', 50013, MANAGER, { id: MEMBER, type: 1, allow: MANAGE_MESSAGES }],
    ['what it has not, by denying', 50013, MANAGER, { id: MEMBER, type: 1, deny: MANAGE_MESSAGES }],
    ['MANAGE_ROLES', 50013, MANAGER, { id: MEMBER, type: 1, allow: MANAGE_ROLES }],
    [
      'MANAGE_ROLES, as an administrator',
      undefined,
      ADMIN,
      { id: MEMBER, type: 1, allow: MANAGE_ROLES },
    ],
    ['anything without MANAGE_ROLES', 50013, MEMBER, { id: MEMBER, type: 1 }],
    ['for a role there is not', 10011, MANAGER, { id: 5n, type: 0 }],
    ['for what is neither', 50035, MANAGER, { id: MEMBER, type: 2 }],
  ])('sets %s (%p)', (_, code, actorId, overwrite) => {
    const world = stage();
    expect(world.codeOf(actorId, putting(world.textId, overwrite))).toBe(code);
  });

  it('lets whom an overwrite of the channel makes manager there set what it has not', () => {
    const world = stage();
    const { textId } = world;
    world.do(ADMIN, putting(textId, { id: MEMBER, type: 1, allow: MANAGE_ROLES }));
    const more = putting(textId, { id: 7n, type: 1, allow: MANAGE_MESSAGES });
    expect(world.codeOf(MEMBER, more)).toBeUndefined();
    const managers = putting(textId, { id: 7n, type: 1, allow: MANAGE_ROLES });
    expect(world.codeOf(MEMBER, managers)).toBe(50013);
    expect(world.codeOf(MEMBER, putting(world.voiceId, { id: 7n, type: 1 }))).toBe(50013);
  });

  it('reaches the channels that follow a category', () => {
    const world = stage();
    const { guild } = world;
    const category = [...guild.channels.values()].find(({ name }) => name === 'Text Channels')!;
    const events = world.events(
      ADMIN,
      putting(category.id, { id: guild.id, type: 0, deny: VIEW_CHANNEL }),
    );
    expect(events.map(({ channelId }) => channelId)).toEqual([category.id, world.textId]);
    expect(guild.mayView(world.textId, MEMBER)).toBe(false);
    world.do(ADMIN, deleting(category.id, guild.id));
    expect(guild.mayView(world.textId, MEMBER)).toBe(true);
  });

  it('stops at 100', () => {
    const world = stage();
    const items = Array.from({ length: 100 }, (_, at) => ({ id: 5_000n + BigInt(at), type: 1 }));
    const fields = { name: 'a', overwrites: { items } };
    const { answer } = world.do(0n, (guild, changes) =>
      createChannel(guild, create(CreateChannelRequestSchema, { fields }), changes),
    );
    const channelId = BigInt((answer as { id: string }).id);
    expect(world.codeOf(ADMIN, putting(channelId, { id: 1n, type: 1 }))).toBe(30060);
    expect(
      world.codeOf(ADMIN, putting(channelId, { id: 5_000n, type: 1, deny: 1n })),
    ).toBeUndefined();
  });
});

describe('deleteOverwrite', () => {
  it('gives back what was denied, if the actor has it itself', () => {
    const world = stage();
    const { textId, guild } = world;
    world.do(ADMIN, putting(textId, { id: MEMBER, type: 1, deny: VIEW_CHANNEL }));
    const { changes } = world.do(MANAGER, deleting(textId, MEMBER));
    expect(changes.events[0]!.visibility!.moves).toHaveLength(1);
    expect(guild.mayView(textId, MEMBER)).toBe(true);
    expect(world.codeOf(MANAGER, deleting(textId, MEMBER))).toBe(10009);
    world.do(ADMIN, putting(textId, { id: MEMBER, type: 1, deny: MANAGE_MESSAGES }));
    expect(world.codeOf(MANAGER, deleting(textId, MEMBER))).toBe(50013);
  });
});
