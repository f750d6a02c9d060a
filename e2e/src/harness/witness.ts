// Somebody who minds their own business while others misbehave: a bot that talks to itself, slowly
// and steadily, over one session. It must hear every word once, in order, and keep the session.

import { setTimeout as pause } from 'node:timers/promises';

import type { TestGatewayClient } from '@guildhall/testkit';

import type { Bot, Message, World } from './world.js';

/** A pace, not a wait: what is said is awaited before the next. */
const PACE_MS = 100;
const HEARD_WITHIN_MS = 20_000;

export class Witness {
  readonly #world: World;
  readonly #bot: Bot;
  readonly #channelId: string;
  readonly #client: TestGatewayClient;
  #saidCount = 0;
  #isDone = false;
  readonly #talk: Promise<void>;
  #trouble: unknown;

  /** Begins to talk, in a guild of its own. */
  static async begin(world: World, gateway: string): Promise<Witness> {
    const owner = await world.register('witness');
    const guild = await world.createGuild(owner);
    const bot = await world.addBot(await world.createBot(owner), guild);
    const client = await world.connect(bot, { gateway });
    return new Witness(world, bot, guild.generalId, client);
  }

  private constructor(world: World, bot: Bot, channelId: string, client: TestGatewayClient) {
    this.#world = world;
    this.#bot = bot;
    this.#channelId = channelId;
    this.#client = client;
    this.#talk = this.#goOn().catch((reason: unknown) => {
      this.#trouble = reason;
    });
  }

  /**
   * Says and hears one thing more, and then: what was said so far is what was heard. Rejects when
   * anything was lost, late or twice, or the session was disturbed in any way.
   */
  async testify(): Promise<void> {
    const count = this.#saidCount;
    while (this.#trouble === undefined && this.#saidCount <= count) await pause(PACE_MS);
    const heardCount = this.check();
    if (heardCount < count) throw new Error(`the witness heard ${heardCount} of ${count}`);
  }

  /** Throws when anything is wrong so far; gives how much was heard. */
  check(): number {
    if (this.#trouble !== undefined) throw this.#trouble;
    if (this.#client.violation !== undefined) throw this.#client.violation;
    const heard = this.#client
      .dispatches('MESSAGE_CREATE')
      .map(({ d }) => Number((d as Message).content));
    const isInOrder = heard.every((number, at) => number === at + 1);
    if (!isInOrder) throw new Error(`the witness heard ${heard.join(' ')}`);
    return heard.length;
  }

  async end(): Promise<void> {
    this.#isDone = true;
    await this.#talk;
    await this.#client.close();
  }

  async #goOn(): Promise<void> {
    while (!this.#isDone) {
      const content = String(this.#saidCount + 1);
      const said = this.#world.send(this.#bot, this.#channelId, content);
      await Promise.all([
        said,
        this.#client.next('MESSAGE_CREATE', { timeoutMs: HEARD_WITHIN_MS }),
      ]);
      this.#saidCount += 1;
      await pause(PACE_MS);
    }
  }
}
