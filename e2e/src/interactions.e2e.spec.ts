// Commands, buttons and forms: a bot in discord.js as it comes from npm, on two shards, and people
// who use it over HTTP as their clients would.

import { once } from 'node:events';

import {
  ActionRowBuilder,
  ApplicationCommandType,
  ButtonBuilder,
  ButtonStyle,
  Client,
  ContextMenuCommandBuilder,
  Events,
  MessageFlags,
  ModalBuilder,
  Partials,
  SlashCommandBuilder,
  TextInputBuilder,
  TextInputStyle,
} from 'discord.js';
import type { Interaction } from 'discord.js';

import type { GatewayPayload, TestGatewayClient } from '@guildhall/testkit';

import { useFleet } from './harness/fleet-for-spec.js';
import { loggedIn, STORY_INTENTS } from './harness/libraries/library-client.js';
import { ok, World } from './harness/world.js';
import type { Bot, Guild, Person } from './harness/world.js';

const TIMEOUT_MS = 20_000;
const COMMAND = 2;
const COMPONENT = 3;
const AUTOCOMPLETE = 4;
const MODAL = 5;
const EPHEMERAL = 64;
const LOADING = 128;

const COMMANDS = [
  new SlashCommandBuilder()
    .setName('echo')
    .setDescription('Says it again')
    .addStringOption((option) =>
      option.setName('text').setDescription('What').setRequired(true).setAutocomplete(true),
    )
    .addUserOption((option) => option.setName('who').setDescription('To whom')),
  new SlashCommandBuilder().setName('think').setDescription('Takes its time'),
  new SlashCommandBuilder().setName('whisper').setDescription('Tells only you'),
  new SlashCommandBuilder().setName('ask').setDescription('Has questions'),
  new ContextMenuCommandBuilder().setName('Quote').setType(ApplicationCommandType.Message),
].map((command) => command.toJSON());

type Handler = (interaction: Interaction) => Promise<void>;

/** As the API lists them. */
interface Command {
  readonly id: string;
  readonly name: string;
  readonly type: number;
  readonly version: string;
}

describe('interactions', () => {
  // Before the fleet goes: a client whose server is gone comes back for ever.
  afterAll(async () => {
    await Promise.all([client?.destroy(), aliceSees?.close(), bobSees?.close()]);
  });

  // A busy machine is slow, and no bot is late for it here.
  const fleet = useFleet({
    instances: { api: 2, gateway: 2, guilds: 2 },
    appEnv: { api: { INTERACTION_ANSWER_MS: '60000' } },
  });
  let world: World;
  let alice: Person;
  let bob: Person;
  let guild: Guild;
  let bot: Bot;
  let client: Client;
  let commands: Command[];
  let aliceSees: TestGatewayClient;
  let bobSees: TestGatewayClient;

  beforeAll(async () => {
    world = new World(fleet());
    [alice, bob] = await Promise.all([world.register('alice'), world.register('bob')]);
    guild = await world.createGuild(alice);
    await world.join(guild, bob);
    bot = await world.addBot(await world.createBot(alice), guild);
    client = new Client({
      intents: STORY_INTENTS,
      partials: [Partials.Channel],
      shards: [0, 1],
      shardCount: 2,
      rest: { api: fleet().api },
    });
    await loggedIn(
      (signal) =>
        Promise.all([once(client, Events.ClientReady, { signal }), client.login(bot.token)]),
      () => client.destroy(),
    );
    await client.application!.commands.set(COMMANDS);
    const path = `/guilds/${guild.id}/application-command-index`;
    const index = await ok<{ application_commands: Command[] }>(bob.api.get(path));
    commands = index.application_commands;
    aliceSees = await world.connect(alice, { gateway: 'gateway-1' });
    bobSees = await world.connect(bob, { gateway: 'gateway-2' });
  }, 120_000);

  /** What the bot does with the next interaction; resolves when it has done it. */
  function botDoes(handler: Handler): Promise<void> {
    return new Promise((resolve, reject) => {
      client.once(Events.InteractionCreate, (interaction) => {
        handler(interaction).then(resolve, reject);
      });
    });
  }

  function interact(from: Person, type: number, data: object, more: object = {}): Promise<unknown> {
    const where = { application_id: bot.id, guild_id: guild.id, channel_id: guild.generalId };
    return ok(from.api.post('/interactions', { type, ...where, nonce: '7', data, ...more }));
  }

  /** Somebody uses a command, and the bot is done with it. */
  async function use(
    name: string,
    handler: Handler,
    { from = alice, data = {}, more = {}, type = COMMAND } = {},
  ): Promise<void> {
    const command = commands.find((each) => each.name === name)!;
    const done = botDoes(handler);
    const { id, version } = command;
    const called = { id, name, version, type: command.type, ...data };
    await Promise.all([interact(from, type, called, more), done]);
  }

  const sees = (
    who: TestGatewayClient,
    t: string,
    wanted: (d: Record<string, unknown>) => boolean,
  ): Promise<GatewayPayload> =>
    who.waitFor((payload) => payload.t === t && wanted(payload.d as never), {
      timeoutMs: TIMEOUT_MS,
    });
  const says = (content: string) => (d: Record<string, unknown>) => d['content'] === content;
  const text = (value: string) => ({ options: [{ type: 3, name: 'text', value }] });

  it('offers people the commands that the bot has registered', async () => {
    expect(commands.map(({ name }) => name).sort()).toEqual([
      'Quote',
      'ask',
      'echo',
      'think',
      'whisper',
    ]);
    const cached = await client.application!.commands.fetch();
    expect(cached.map(({ id }) => id).sort()).toEqual(commands.map(({ id }) => id).sort());
  });

  it('answers where everybody sees it, with what it was asked for', async () => {
    const heard: string[] = [];
    const handler: Handler = async (interaction) => {
      if (!interaction.isChatInputCommand()) throw new Error('no command');
      const { options, inCachedGuild } = interaction;
      const who = options.getUser('who', true);
      heard.push(interaction.user.username, who.username, String(inCachedGuild.call(interaction)));
      heard.push(String(interaction.memberPermissions?.has('Administrator')));
      const answer = await interaction.reply({
        content: `${options.getString('text', true)}, ${who}`,
        withResponse: true,
      });
      heard.push(answer.resource!.message!.content);
    };
    const options = [...text('hello').options, { type: 6, name: 'who', value: bob.id }];
    await use('echo', handler, { data: { options } });
    const content = `hello, <@${bob.id}>`;
    expect(heard).toEqual([alice.name, bob.name, 'true', 'true', content]);

    const [here, there] = await Promise.all(
      [aliceSees, bobSees].map((each) => sees(each, 'MESSAGE_CREATE', says(content))),
    );
    expect(here!.d).toMatchObject({
      type: 20,
      author: { id: bot.id },
      webhook_id: bot.id,
      interaction_metadata: { type: COMMAND, user: { id: alice.id }, name: 'echo' },
      mentions: [{ id: bob.id }],
    });
    expect((there!.d as { id: string }).id).toBe((here!.d as { id: string }).id);
    await sees(aliceSees, 'INTERACTION_SUCCESS', (d) => d['nonce'] === '7');
    const [newest] = await ok<{ content: string }[]>(
      bob.api.get(`/channels/${guild.generalId}/messages?limit=1`),
    );
    expect(newest).toMatchObject({ content, interaction: { name: 'echo' } });
  });

  it('takes its time, answers, adds to it and takes it back', async () => {
    let originalId = '';
    await use('think', async (interaction) => {
      if (!interaction.isChatInputCommand()) throw new Error('no command');
      await interaction.deferReply();
      const { id } = await interaction.editReply('thought of something');
      originalId = id;
      expect((await interaction.fetchReply()).content).toBe('thought of something');
      await interaction.followUp('and of more');
      await interaction.deleteReply();
      await expect(interaction.fetchReply()).rejects.toMatchObject({ code: 10008 });
    });
    const isOriginal = (d: Record<string, unknown>) => d['id'] === originalId;
    const created = await sees(bobSees, 'MESSAGE_CREATE', isOriginal);
    expect(created.d).toMatchObject({ content: '', flags: LOADING });
    const updated = await sees(bobSees, 'MESSAGE_UPDATE', isOriginal);
    expect(updated.d).toMatchObject({ content: 'thought of something', flags: 0 });
    const more = await sees(bobSees, 'MESSAGE_CREATE', says('and of more'));
    expect(more.d).toMatchObject({
      message_reference: { message_id: originalId },
      interaction_metadata: { original_response_message_id: originalId },
    });
    await sees(bobSees, 'MESSAGE_DELETE', isOriginal);
  });

  it('tells who asked, and nobody else', async () => {
    let id = '';
    await use('whisper', async (interaction) => {
      if (!interaction.isChatInputCommand()) throw new Error('no command');
      await interaction.reply({ content: 'between us', flags: MessageFlags.Ephemeral });
      id = (await interaction.fetchReply()).id;
      await interaction.editReply('still between us');
      expect((await interaction.fetchReply()).content).toBe('still between us');
      await interaction.followUp({ content: 'and this', flags: MessageFlags.Ephemeral });
      await interaction.deleteReply();
      await interaction.followUp('no secret');
    });
    const isIt = (d: Record<string, unknown>) => d['id'] === id;
    const created = await sees(aliceSees, 'MESSAGE_CREATE', isIt);
    expect(created.d).toMatchObject({ content: 'between us', flags: EPHEMERAL });
    await sees(aliceSees, 'MESSAGE_UPDATE', says('still between us'));
    await sees(aliceSees, 'MESSAGE_CREATE', says('and this'));
    await sees(aliceSees, 'MESSAGE_DELETE', isIt);

    // What comes after has come, so what came before would have.
    await sees(bobSees, 'MESSAGE_CREATE', says('no secret'));
    const secrets = bobSees.payloads.filter(({ d }) =>
      /between us|and this/.test(JSON.stringify(d) ?? ''),
    );
    expect(secrets).toEqual([]);
    expect(bobSees.payloads.some(({ d }) => JSON.stringify(d ?? null).includes(id))).toBe(false);
    const history = await ok<{ content: string }[]>(
      alice.api.get(`/channels/${guild.generalId}/messages?limit=5`),
    );
    expect(history.map(({ content }) => content)).not.toContain('and this');
    expect(history[0]).toMatchObject({ content: 'no secret' });
  });

  it('hears of a button, asks with a form, and hears the answer', async () => {
    const row = new ActionRowBuilder<ButtonBuilder>().addComponents(
      new ButtonBuilder().setCustomId('yes').setLabel('Yes').setStyle(ButtonStyle.Primary),
    );
    await use('ask', async (interaction) => {
      if (!interaction.isChatInputCommand()) throw new Error('no command');
      await interaction.reply({ content: 'Ready?', components: [row] });
    });
    const asked = await sees(bobSees, 'MESSAGE_CREATE', says('Ready?'));
    const messageId = (asked.d as { id: string }).id;
    const press = { component_type: 2, custom_id: 'yes' };

    const input = new TextInputBuilder()
      .setCustomId('name')
      .setLabel('Your name')
      .setStyle(TextInputStyle.Short);
    const form = new ModalBuilder()
      .setCustomId('form')
      .setTitle('A form')
      .addComponents(new ActionRowBuilder<TextInputBuilder>().addComponents(input));
    const shown = botDoes(async (interaction) => {
      if (!interaction.isButton()) throw new Error('no button');
      expect(interaction.message.content).toBe('Ready?');
      await interaction.showModal(form);
    });
    await interact(bob, COMPONENT, press, { message_id: messageId });
    await shown;
    const modal = await sees(bobSees, 'INTERACTION_MODAL_CREATE', () => true);
    expect(modal.d).toMatchObject({ custom_id: 'form', title: 'A form' });

    const handedIn = botDoes(async (interaction) => {
      if (!interaction.isModalSubmit() || !interaction.isFromMessage()) throw new Error('no form');
      await interaction.update({
        content: `Ready, ${interaction.fields.getTextInputValue('name')}`,
        components: [],
      });
    });
    const fields = [{ type: 1, components: [{ type: 4, custom_id: 'name', value: 'Bob' }] }];
    const data = { id: (modal.d as { id: string }).id, custom_id: 'form', components: fields };
    await interact(bob, MODAL, data);
    await handedIn;
    const updated = await sees(aliceSees, 'MESSAGE_UPDATE', says('Ready, Bob'));
    expect(updated.d).toMatchObject({ id: messageId, components: [] });
    // The button is gone with the question.
    await expect(interact(bob, COMPONENT, press, { message_id: messageId })).rejects.toThrow('400');
  });

  it('hears of a button on what only one person sees', async () => {
    const row = new ActionRowBuilder<ButtonBuilder>().addComponents(
      new ButtonBuilder().setCustomId('ok').setLabel('OK').setStyle(ButtonStyle.Secondary),
    );
    let messageId = '';
    await use('ask', async (interaction) => {
      if (!interaction.isChatInputCommand()) throw new Error('no command');
      const flags = MessageFlags.Ephemeral;
      const options = {
        content: 'Only you?',
        components: [row],
        flags,
        withResponse: true,
      } as const;
      messageId = (await interaction.reply(options)).resource!.message!.id;
    });
    const press = { component_type: 2, custom_id: 'ok' };
    const more = { message_id: messageId, message_flags: EPHEMERAL };
    await expect(interact(bob, COMPONENT, press, more)).rejects.toThrow('404');
    const pressed = botDoes(async (interaction) => {
      if (!interaction.isButton()) throw new Error('no button');
      await interaction.deferUpdate();
      await interaction.editReply({ content: 'Only you.', components: [] });
    });
    await interact(alice, COMPONENT, press, more);
    await pressed;
    const updated = await sees(aliceSees, 'MESSAGE_UPDATE', says('Only you.'));
    expect(updated.d).toMatchObject({ id: messageId, flags: EPHEMERAL });
  });

  it('completes what is typed', async () => {
    const handler: Handler = async (interaction) => {
      if (!interaction.isAutocomplete()) throw new Error('nothing to complete');
      const typed = interaction.options.getFocused();
      await interaction.respond([{ name: `${typed}lin`, value: `${typed}lin` }]);
    };
    const options = [{ type: 3, name: 'text', value: 'Ber', focused: true }];
    await use('echo', handler, { type: AUTOCOMPLETE, data: { options } });
    const answer = await sees(aliceSees, 'APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE', () => true);
    expect(answer.d).toMatchObject({ choices: [{ name: 'Berlin', value: 'Berlin' }] });
  });

  it('is used on a message', async () => {
    const message = await world.send(bob, guild.generalId, 'well said');
    await use(
      'Quote',
      async (interaction) => {
        if (!interaction.isMessageContextMenuCommand()) throw new Error('no message command');
        await interaction.reply(`“${interaction.targetMessage.content}”`);
      },
      { data: { target_id: message.id } },
    );
    const quoted = await sees(bobSees, 'MESSAGE_CREATE', says('“well said”'));
    expect(quoted.d).toMatchObject({ type: 23 });
  });

  it('answers in private as well', async () => {
    const channelId = await world.openPrivateChannel(alice, bot);
    const more = { guild_id: undefined, channel_id: channelId };
    const handler: Handler = async (interaction) => {
      if (!interaction.isChatInputCommand()) throw new Error('no command');
      expect(interaction.inGuild()).toBe(false);
      await interaction.deferReply();
      await interaction.editReply('hello, you');
    };
    await use('echo', handler, { data: text('hello'), more });
    const updated = await sees(aliceSees, 'MESSAGE_UPDATE', says('hello, you'));
    expect(updated.d).toMatchObject({ channel_id: channelId, author: { id: bot.id } });
  });

  it('answers once, where it may not even look', async () => {
    const { id: roleId } = await world.createRole(guild, '0');
    await world.giveRole(guild, bob, { id: roleId });
    const shy = await world.addBot(await world.createBot(alice), guild, '0');
    const hidden = await world.createChannel(guild, 'hidden', {
      permission_overwrites: [
        { id: guild.id, type: 0, deny: '1024', allow: '0' },
        { id: roleId, type: 0, deny: '0', allow: '1024' },
      ],
    });
    await using session = await world.connect(shy);
    const command = await ok<Command>(
      shy.api.post(`/applications/${shy.id}/commands`, { name: 'hi', description: 'Greets' }),
    );
    const where = { application_id: shy.id, guild_id: guild.id, channel_id: hidden.id };
    const data = { id: command.id, name: 'hi', type: 1 };
    await ok(bob.api.post('/interactions', { type: COMMAND, ...where, data }));
    const told = await session.next('INTERACTION_CREATE', { timeoutMs: TIMEOUT_MS });
    const { id, token } = told.d as { id: string; token: string };
    const callback = `/interactions/${id}/${token}/callback`;
    const body = { type: 4, data: { content: 'hi from outside' } };
    await expect(
      ok(shy.api.post(`/channels/${hidden.id}/messages`, { content: 'hi' })),
    ).rejects.toThrow('403');
    const answers = await Promise.all([1, 2, 3].map(() => shy.api.post(callback, body)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 400, 400]);
    await sees(bobSees, 'MESSAGE_CREATE', says('hi from outside'));
    const messages = await ok<unknown[]>(bob.api.get(`/channels/${hidden.id}/messages`));
    expect(messages).toHaveLength(1);
  });
});
