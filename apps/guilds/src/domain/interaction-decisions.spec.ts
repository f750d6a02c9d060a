import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  CreateInteractionRequestSchema,
  ListApplicationsRequestSchema,
  UserSchema,
} from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import {
  ANN,
  BEN,
  BOT,
  CATEGORY,
  eventData,
  EVERYONE,
  GUILD,
  HIDDEN,
  MessageStage,
  MOD,
  MOD_ROLE,
  OWNER,
  person,
  PRIVATE,
  STRANGER,
  TEAM_ROLE,
  TEXT,
} from '../testing/message-stage.js';
import type { Changes } from './changes.js';
import { applicationsFor, createInteraction } from './interaction-decisions.js';
import { newRole } from './role.js';

const INTERACTION = 900n;
const encoder = new TextEncoder();
const bytes = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value));

type Init = MessageInitShape<typeof CreateInteractionRequestSchema>;
// Specs look into dispatches of every shape.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Data = Record<string, any>;

let stage: MessageStage;

beforeEach(() => (stage = new MessageStage()));

function interact(actorId: bigint, init: Init = {}): Changes {
  const topic = init.channelId === PRIVATE ? stage.direct : stage.guild;
  const request = create(CreateInteractionRequestSchema, {
    channelId: TEXT,
    interactionId: INTERACTION,
    token: 'secret',
    type: 2,
    applicationId: BOT,
    user: create(UserSchema, person(actorId)),
    dataJson: bytes({ id: '7', name: 'ping', type: 1 }),
    ...init,
  });
  return stage.act(actorId, (changes) => createInteraction(topic, request, changes)).changes;
}

const toBot = (changes: Changes): Data => eventData(changes, 'INTERACTION_CREATE')[0] as Data;
const refusal = (code: number): unknown =>
  expect.objectContaining({ refusal: expect.objectContaining({ discordCode: code }) });
const refusalOf = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};

describe('A command that somebody uses', () => {
  it('is told to the bot alone, whatever the bot sees of the channel', () => {
    const changes = interact(ANN, { locale: 'de', nonce: '12' });
    const [event, ...others] = changes.events;
    expect(others).toEqual([]);
    expect(event).toMatchObject({ type: 'INTERACTION_CREATE', onlyUserIds: [BOT] });
    expect(event!.channelId).toBeUndefined();
    expect(toBot(changes)).toMatchObject({
      id: '900',
      application_id: '15',
      type: 2,
      token: 'secret',
      version: 1,
      data: { id: '7', name: 'ping', type: 1 },
      guild_id: String(GUILD),
      guild: { id: String(GUILD), locale: 'en-US' },
      channel_id: String(TEXT),
      channel: { id: String(TEXT), type: 0, name: 'text' },
      member: {
        user: { id: String(ANN) },
        roles: [String(TEAM_ROLE)],
        permissions: String(stage.guild.permissionsIn(TEXT, ANN, stage.clock.nowMs())),
      },
      locale: 'de',
      context: 0,
      authorizing_integration_owners: { '0': String(GUILD) },
    });
    expect(toBot(changes)).not.toHaveProperty('user');
    expect(toBot(changes)).not.toHaveProperty('message');
  });

  it('is told to the person’s own clients by id, without the secret', () => {
    const { ephemeral } = interact(ANN, { nonce: '12' });
    expect(ephemeral).toEqual([
      {
        type: 'INTERACTION_CREATE',
        onlyUserIds: [ANN],
        data: { id: String(INTERACTION), nonce: '12' },
      },
    ]);
  });

  it('reaches the bot where it is a recipient', () => {
    expect(refusalOf(() => interact(ANN, { channelId: PRIVATE }))).toEqual(refusal(10002));
    stage.direct.recipients.set(BOT, person(BOT, { bot: true }));
    expect(toBot(interact(ANN, { channelId: PRIVATE }))).toMatchObject({
      user: { id: String(ANN) },
      channel: { id: String(PRIVATE), type: 1 },
      context: 1,
      authorizing_integration_owners: { '0': '0' },
    });
    expect(
      refusalOf(() => interact(ANN, { channelId: PRIVATE, notInPrivateChannels: true })),
    ).toEqual(refusal(10063));
  });

  it('shows in full what its options name', () => {
    const changes = interact(ANN, {
      userIds: [BEN],
      roleIds: [MOD_ROLE],
      channelIds: [TEXT],
      mentionableIds: [TEAM_ROLE, MOD],
      attachments: [{ id: 5n, filename: 'a.txt', sizeBytes: 3n, url: 'http://x/a.txt' }],
    });
    const { resolved } = toBot(changes)['data'];
    expect(Object.keys(resolved)).toEqual(['users', 'members', 'roles', 'channels', 'attachments']);
    expect(Object.keys(resolved['users'])).toEqual([String(BEN), String(MOD)]);
    expect(resolved['members'][String(BEN)]).toHaveProperty('permissions');
    expect(resolved['members'][String(BEN)]).not.toHaveProperty('user');
    expect(Object.keys(resolved['roles'])).toEqual([String(MOD_ROLE), String(TEAM_ROLE)]);
    expect(resolved['channels'][String(TEXT)]).toMatchObject({ name: 'text' });
    expect(resolved['attachments']['5']).toMatchObject({ filename: 'a.txt', size: 3 });
  });

  it('names nothing that is not here, or that the person does not see', () => {
    expect(refusalOf(() => interact(ANN, { userIds: [STRANGER] }))).toEqual(refusal(10013));
    expect(refusalOf(() => interact(ANN, { roleIds: [999n] }))).toEqual(refusal(10011));
    expect(refusalOf(() => interact(BEN, { channelIds: [HIDDEN] }))).toEqual(refusal(10003));
    expect(refusalOf(() => interact(BEN, { mentionableIds: [STRANGER] }))).toEqual(refusal(10013));
  });

  it('brings the message it is about', () => {
    const { id } = stage.send(BEN, { content: 'look at this' });
    const changes = interact(ANN, { targetMessageId: id });
    const { resolved } = toBot(changes)['data'];
    expect(resolved['messages'][String(id)]).toMatchObject({ content: 'look at this' });
  });

  it('is not for who does not see the channel, or who is no member', () => {
    expect(refusalOf(() => interact(BEN, { channelId: HIDDEN }))).toEqual(refusal(50001));
    expect(refusalOf(() => interact(STRANGER))).toEqual(refusal(50001));
    expect(refusalOf(() => interact(ANN, { channelId: 999n }))).toEqual(refusal(10003));
    expect(refusalOf(() => interact(ANN, { channelId: CATEGORY }))).toEqual(refusal(50024));
  });

  it('takes USE_APPLICATION_COMMANDS, and a bot that is here', () => {
    const without = EVERYONE & ~Permission.USE_APPLICATION_COMMANDS;
    stage.guild.putRole({ ...newRole(GUILD, '@everyone', without), position: 0 });
    expect(refusalOf(() => interact(ANN))).toEqual(refusal(50013));
    expect(refusalOf(() => interact(ANN, { type: 4 }))).toEqual(refusal(50013));
    expect(interact(OWNER).events).toHaveLength(1);
    expect(refusalOf(() => interact(OWNER, { applicationId: STRANGER }))).toEqual(refusal(10002));
    expect(refusalOf(() => interact(OWNER, { applicationId: BEN }))).toEqual(refusal(10002));
  });

  it('takes what the command asks for', () => {
    const required = { requiredPermissions: Permission.MANAGE_MESSAGES };
    expect(refusalOf(() => interact(ANN, required))).toEqual(refusal(50013));
    expect(interact(MOD, required).events).toHaveLength(1);
    expect(interact(OWNER, required).events).toHaveLength(1);
    const administrators = { requiredPermissions: 0n };
    expect(refusalOf(() => interact(MOD, administrators))).toEqual(refusal(50013));
    expect(interact(OWNER, administrators).events).toHaveLength(1);
    expect(refusalOf(() => interact(ANN, { nsfw: true }))).toEqual(refusal(50013));
    const text = stage.guild.channel(TEXT)!;
    stage.guild.putChannel({ ...text, nsfw: true });
    expect(interact(ANN, { nsfw: true }).events).toHaveLength(1);
    expect(refusalOf(() => interact(ANN, { notInGuilds: true }))).toEqual(refusal(10063));
  });

  it('is told as it is typed, and not kept', () => {
    const changes = interact(ANN, { type: 4 });
    expect(changes.events).toEqual([]);
    expect(changes.ephemeral).toHaveLength(1);
    expect(changes.ephemeral[0]).toMatchObject({ onlyUserIds: [BOT], data: { type: 4 } });
  });
});

describe('A component that somebody uses', () => {
  const components = bytes([
    { type: 1, components: [{ type: 2, custom_id: 'yes', style: 1, label: 'Yes' }] },
  ]);
  const press = (sourceMessageId: bigint, more: Init = {}): Changes =>
    interact(ANN, {
      type: 3,
      sourceMessageId,
      customId: 'yes',
      componentType: 2,
      dataJson: bytes({ custom_id: 'yes', component_type: 2 }),
      ...more,
    });

  it('comes with its message', () => {
    const { id } = stage.send(BOT, {
      content: 'Sure?',
      componentsJson: components,
      applicationId: BOT,
    });
    expect(toBot(press(id))).toMatchObject({
      type: 3,
      data: { custom_id: 'yes', component_type: 2 },
      message: { id: String(id), content: 'Sure?' },
    });
    expect(refusalOf(() => press(id, { customId: 'no' }))).toEqual(refusal(50035));
  });

  it('belongs to a message of that bot', () => {
    const { id } = stage.send(BEN, { content: 'Sure?', componentsJson: components });
    expect(refusalOf(() => press(id))).toEqual(refusal(10008));
    expect(refusalOf(() => press(0n))).toEqual(refusal(50035));
  });

  it('may belong to a message that only the person has', () => {
    const sourceDocument = bytes({
      type: 0,
      author: { ...person(BOT, { bot: true }), id: String(BOT) },
      content: 'Between us',
      flags: 64,
      components: JSON.parse(new TextDecoder().decode(components)) as object[],
    });
    expect(toBot(press(77n, { sourceDocument }))['message']).toMatchObject({
      id: '77',
      content: 'Between us',
      flags: 64,
    });
  });
});

describe('The applications that somebody finds', () => {
  const found = (actorId: bigint, channelId = 0n): string[] =>
    applicationsFor(
      channelId === PRIVATE ? stage.direct : stage.guild,
      create(ListApplicationsRequestSchema, { command: { actorId }, channelId }),
      stage.clock.nowMs(),
    ).map(({ id }) => String(id));

  it('are the bots that are here', () => {
    expect(found(ANN)).toEqual([String(BOT)]);
    expect(found(ANN, TEXT)).toEqual([String(BOT)]);
    expect(found(ANN, PRIVATE)).toEqual([]);
    stage.direct.recipients.set(BOT, person(BOT, { bot: true }));
    expect(found(ANN, PRIVATE)).toEqual([String(BOT)]);
    stage.guild.removeMember(BOT);
    expect(found(ANN, TEXT)).toEqual([]);
  });

  it('are none where it may use none', () => {
    expect(refusalOf(() => found(BEN, HIDDEN))).toEqual(refusal(50001));
    expect(refusalOf(() => found(STRANGER))).toEqual(refusal(50001));
    const without = EVERYONE & ~Permission.USE_APPLICATION_COMMANDS;
    stage.guild.putRole({ ...newRole(GUILD, '@everyone', without), position: 0 });
    expect(found(ANN, TEXT)).toEqual([]);
  });
});
