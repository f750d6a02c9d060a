// Writers send commands while instances are killed, drained, cut off and started, and the bus loses
// messages. What the edge was answered and what the log of each topic says must agree afterwards.
import { randomUUID } from 'node:crypto';
import {
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
} from '@bufbuild/protobuf';
import { Guilds, MEMBERS_SUBJECT, Messages, TopicEventSchema } from '@guildhall/contracts';
import { Fault, isRetryable } from '@guildhall/fault';
import {
  eventually,
  removePostgres,
  SeededRandom,
  seedFromEnv,
  startPostgres,
  tempDir,
  type PostgresServer,
} from '@guildhall/testkit';
import { dataOf, GuildsFleet, userNumbered, type MadeGuild } from './testing/guilds-fleet.js';

const START_MS = 120_000;
const STORY_MS = 180_000;
const GUILDS_COUNT = 3;
const WRITERS_PER_GUILD = 4;
const COMMANDS_PER_WRITER = 40;
const dir = tempDir();
const databaseDir = `${dir.path}/postgres`;
const random = new SeededRandom(seedFromEnv(process.env['SEED']));
const chaos = random.fork('chaos');
const losses = random.fork('losses');
let server: PostgresServer;
let fleet: GuildsFleet;

beforeAll(async () => {
  server = await startPostgres({ dir: databaseDir, durable: false });
  const schema = `guilds_${randomUUID().replaceAll('-', '')}`;
  fleet = new GuildsFleet(server.url, schema, () => random.next());
}, START_MS);

afterAll(async () => {
  await fleet?.close();
  await server?.stop();
  removePostgres(databaseDir);
  dir.remove();
}, START_MS);

interface Answer {
  readonly commandId: bigint;
  readonly bytes: Buffer;
}

/** Somebody who asks one thing after the other, and notes what it was answered. */
class Writer {
  readonly answers: Answer[] = [];
  /** Commands of which nobody knows what became: the edge gave up. */
  readonly givenUp: bigint[] = [];
  readonly #guild: MadeGuild;
  readonly #userId: bigint;
  readonly #random: SeededRandom;

  constructor(guild: MadeGuild, userId: bigint) {
    this.#guild = guild;
    this.#userId = userId;
    this.#random = random.fork(`writer ${userId}`);
  }

  async write(): Promise<void> {
    for (let count = 0; count < COMMANDS_PER_WRITER; count += 1) await this.#once(count);
  }

  #once(count: number): Promise<void> {
    const { id, channelId, ownerId } = this.#guild;
    const commandId = fleet.newCommandId();
    const words = `${this.#userId} ${count}`;
    const kind = this.#random.int(10);
    if (kind === 0) {
      const request = { command: fleet.command(id, ownerId, commandId), name: words };
      return this.#ask(Guilds.method.modifyGuild, commandId, request);
    }
    if (kind === 1) {
      const command = fleet.command(id, this.#userId, commandId);
      const request = { command, userId: this.#userId, nick: `nick ${count}` };
      return this.#ask(Guilds.method.modifyMember, commandId, request);
    }
    return this.#ask(Messages.method.createMessage, commandId, {
      command: { commandId, actorId: this.#userId },
      channelId,
      author: userNumbered(this.#userId),
      content: words,
    });
  }

  async #ask<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    commandId: bigint,
    request: MessageInitShape<I>,
  ): Promise<void> {
    try {
      const reply = await fleet.ask(method, this.#guild.id, request);
      this.answers.push({ commandId, bytes: Buffer.from(toBinary(method.output, reply)) });
    } catch (error) {
      if (!isRetryable(Fault.from(error).code)) throw error;
      this.givenUp.push(commandId);
    }
  }
}

/** Some messages are lost; of placement none, or nobody would own anything for long. */
function loseMessages(): () => void {
  return fleet.hub.rule(({ subject }) =>
    subject !== MEMBERS_SUBJECT && losses.chance(0.02) ? 'drop' : undefined,
  );
}

/** One mishap after the other, until told to stop. At least one instance is left after each. */
async function mishaps(isOver: () => boolean): Promise<string[]> {
  const done: string[] = [];
  while (!isOver()) {
    const one = chaos.pick([...fleet.running]);
    const what = chaos.pick(['kill', 'drain', 'cut off', 'start'] as const);
    done.push(what);
    if (what === 'kill') await Promise.all([fleet.kill(one), fleet.start()]);
    if (what === 'drain') await Promise.all([fleet.drain(one), fleet.start()]);
    if (what === 'cut off') await cutOff(one.bus);
    if (what === 'start' && fleet.running.size < 4) await fleet.start();
    if (fleet.running.size > 3) await fleet.drain([...fleet.running][0]!);
  }
  return done;
}

/** Long enough for the others to take over, or just not. */
async function cutOff(bus: { disconnect(): void; reconnect(): void }): Promise<void> {
  bus.disconnect();
  const untilMs = performance.now() + 200 + chaos.int(600);
  await eventually(() => performance.now() > untilMs, { label: 'a while' });
  bus.reconnect();
}

describe(`The guilds app when everything goes wrong (${random})`, () => {
  it(
    'has in its logs what it answered, once, and the same',
    async () => {
      await fleet.start();
      await fleet.start();
      const guilds = await Promise.all(
        Array.from({ length: GUILDS_COUNT }, () => fleet.createGuild(fleet.newId())),
      );
      const followers = guilds.map(({ id }) => fleet.follow(id));
      const writers = new Map<MadeGuild, Writer[]>();
      for (const guild of guilds) {
        const userIds = Array.from({ length: WRITERS_PER_GUILD }, () => fleet.newId());
        for (const userId of userIds) await fleet.addMember(guild.id, userId);
        writers.set(
          guild,
          userIds.map((userId) => new Writer(guild, userId)),
        );
      }

      const heal = loseMessages();
      let isOver = false;
      const happened = mishaps(() => isOver);
      await Promise.all([...writers.values()].flat().map((writer) => writer.write()));
      isOver = true;
      expect((await happened).length).toBeGreaterThan(0);
      heal();

      for (const [at, guild] of guilds.entries()) {
        await followers[at]!.repair();
        await check(
          guild,
          writers.get(guild)!,
          followers[at]!.events.map(({ seq }) => seq),
        );
      }
    },
    STORY_MS,
  );
});

async function check(
  guild: MadeGuild,
  writers: readonly Writer[],
  told: readonly bigint[],
): Promise<void> {
  const rows = await fleet.log(guild.id);
  const seqs = rows.map((_, index) => BigInt(index + 1));
  expect(rows.map(({ seq }) => seq)).toEqual(seqs);
  expect(told).toEqual(seqs);

  const answers = writers.flatMap((writer) => writer.answers);
  const givenUp = new Set(writers.flatMap((writer) => writer.givenUp));
  expect(answers.length).toBeGreaterThan((WRITERS_PER_GUILD * COMMANDS_PER_WRITER) / 2);
  for (const { commandId, bytes } of answers) {
    const of = rows.filter((row) => row.command_id === commandId);
    expect([commandId, of.map(({ reply }) => reply?.equals(bytes))]).toEqual([commandId, [true]]);
  }
  const asked = new Set([...answers.map(({ commandId }) => commandId), ...givenUp]);
  const ofWriters = rows.filter(({ command_id }) => asked.has(command_id));
  expect(ofWriters.length).toBe(new Set(ofWriters.map(({ command_id }) => command_id)).size);
  // One of the guild's birth, and one for each writer that joined.
  expect(rows.length - ofWriters.length).toBe(1 + WRITERS_PER_GUILD);
  await checkState(
    guild,
    rows.map((row) => fromBinary(TopicEventSchema, row.event)),
  );
}

/** What the owner has in memory, and the tables, are what the events say. */
async function checkState(
  guild: MadeGuild,
  events: readonly { readonly type: string; readonly data: Uint8Array }[],
): Promise<void> {
  const ofType = (type: string) =>
    events.filter((event) => event.type === type).map((event) => dataOf(event));
  const { json } = await fleet.ask(Guilds.method.getGuild, guild.id, {
    command: fleet.command(guild.id, guild.ownerId, 0n),
  });
  const { name } = JSON.parse(Buffer.from(json).toString()) as { name: string };
  expect(name).toBe(ofType('GUILD_UPDATE').at(-1)?.['name'] ?? 'The guild');
  const { rows } = await fleet.database.query<{ message_id: bigint }>(
    { text: 'SELECT message_id FROM messages WHERE topic_id = $1' },
    [guild.id],
  );
  const created = ofType('MESSAGE_CREATE').map(({ id }) => BigInt(String(id)));
  expect(new Set(rows.map(({ message_id }) => message_id))).toEqual(new Set(created));
}
