// A bot with a few commands and two people who use them, in a world of api-world.conformance.ts.
import { makeWorld, type Ground, type World } from './api-world.conformance.js';

export const CHANNEL = '817000000000000001';
export const GUILD = '817000000000000002';
export const MESSAGE = '817000000000000003';
export const EPHEMERAL = 64;

export const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
// Specs look into requests of every shape.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export const parsed = (json: Uint8Array): any => JSON.parse(Buffer.from(json).toString());

interface Account {
  readonly token: string;
  readonly id: string;
}

interface Command {
  readonly id: string;
  readonly version: string;
  readonly type: number;
}

type Answered = ReturnType<World['ask']>;

/** An interaction as its bot has it. */
export interface Opened {
  readonly id: string;
  readonly token: string;
  readonly callback: (body: unknown, query?: string) => Answered;
  readonly webhook: (method: string, path?: string, body?: unknown) => Answered;
}

const COMMANDS = [
  { name: 'ping', description: 'Answers' },
  {
    name: 'say',
    description: 'Says',
    default_member_permissions: '8192',
    nsfw: true,
    contexts: [0],
    options: [
      { type: 3, name: 'text', description: 'what', required: true },
      { type: 6, name: 'who', description: 'to whom' },
      { type: 11, name: 'file', description: 'with what' },
      { type: 3, name: 'city', description: 'where', autocomplete: true },
    ],
  },
  { name: 'Greet', type: 2 },
  { name: 'Quote', type: 3 },
];

/** See the top of the file. */
export class InteractionScene {
  readonly world: World;
  readonly alice: Account;
  readonly bob: Account;
  readonly bot: Account;
  readonly commands: Readonly<Record<string, Command>>;

  constructor(
    parts: Pick<InteractionScene, 'world' | 'alice' | 'bob' | 'bot'>,
    commands: Readonly<Record<string, Command>>,
  ) {
    this.world = parts.world;
    this.alice = parts.alice;
    this.bob = parts.bob;
    this.bot = parts.bot;
    this.commands = commands;
  }

  static async make(ground: Ground): Promise<InteractionScene> {
    const world = await makeWorld(ground);
    const alice = await world.person('alice');
    const bob = await world.person('bob');
    const bot = await world.bot(alice.token, 'Helper');
    const made = await world.ask('PUT', `/applications/${bot.id}/commands`, {
      token: bot.token,
      body: COMMANDS,
    });
    const commands = (made.json as (Command & { name: string })[]).map(
      (command) => [command.name, command] as const,
    );
    return new InteractionScene({ world, alice, bob, bot }, Object.fromEntries(commands));
  }

  /** Somebody uses a command. */
  use(name: string, data: object = {}, more: object = {}, token = this.alice.token): Answered {
    const { id, type } = this.commands[name]!;
    return this.world.ask('POST', '/interactions', {
      token,
      body: {
        type: 2,
        application_id: this.bot.id,
        guild_id: GUILD,
        channel_id: CHANNEL,
        nonce: 'n1',
        data: { id, name, type, ...data },
        ...more,
      },
    });
  }

  /** Somebody presses a button. */
  press(more: object = {}, token = this.alice.token): Answered {
    return this.world.ask('POST', '/interactions', {
      token,
      body: {
        type: 3,
        application_id: this.bot.id,
        channel_id: CHANNEL,
        message_id: MESSAGE,
        data: { component_type: 2, custom_id: 'yes' },
        ...more,
      },
    });
  }

  /** What the bot was told of last. */
  opened(): Opened {
    const { world, bot } = this;
    const { interactionId, token } = world.owners.of('createInteraction').at(-1);
    const id = String(interactionId);
    return {
      id,
      token,
      callback: (body, query = '') =>
        world.ask('POST', `/interactions/${id}/${token}/callback${query}`, { body }),
      webhook: (method, path = '', body = undefined) =>
        world.ask(method, `/webhooks/${bot.id}/${token}${path}`, { body }),
    };
  }

  /** An interaction that waits for its answer. */
  async ping(): Promise<Opened> {
    const answer = await this.use('ping');
    if (answer.status !== 204) throw new Error(answer.text);
    return this.opened();
  }

  /** Owners that answer with messages of these ids, one after the other. */
  answerWith(...ids: readonly bigint[]): void {
    const left = [...ids];
    const { owners } = this.world;
    owners.on('createResponse', ({ message, ephemeral, loading }: never) => {
      const { content } = message as { content: string };
      const id = left.shift()!;
      const flags = (ephemeral ? EPHEMERAL : 0) | (loading ? 128 : 0);
      return {
        json: bytes({ id: String(id), content, flags, attachments: [] }),
        messageId: id,
        ...(ephemeral ? { document: bytes({ content, of: String(id) }) } : {}),
      };
    });
    owners.on('editResponse', ({ message, document }: never) => {
      const { content, messageId } = message as { content: string; messageId: bigint };
      const isEphemeral = (document as Uint8Array).length > 0;
      return {
        json: bytes({ id: String(messageId), content, attachments: [] }),
        messageId,
        ...(isEphemeral ? { document: bytes({ content, of: String(messageId) }) } : {}),
      };
    });
  }
}
