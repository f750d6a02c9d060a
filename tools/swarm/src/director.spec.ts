import { eventually, SeededRandom, seedFromEnv } from '@guildhall/testkit';

import type { BuiltWorld } from './build-world.js';
import { Director } from './director.js';
import { MarkScanner, splitId } from './mark.js';
import { planFor } from './plan.js';
import { readScenario } from './scenario.js';
import type { Sender } from './senders.js';

const CHANNELS_COUNT = 6;
const scenario = readScenario({
  sessions: { bots: 4 },
  guilds: [{ count: 2, members: 2, channels: 3 }],
  traffic: { messagesPerS: 500, contentBytes: 60 },
});
const plan = planFor(scenario);
const owner = { id: '1', name: 'owner', token: '', isBot: false };
const world: BuiltWorld = {
  gatewayUrls: [],
  tokens: [],
  userIds: [],
  guildIds: ['10', '20'],
  channelIds: Array.from({ length: CHANNELS_COUNT }, (_, channel) => `channel ${channel}`),
  accounts: [],
  owners: [owner, owner],
  roleIds: [[], []],
};

/** Answers after turns of chance, out of order over all channels; fails when it is told to. */
class FakeSender implements Sender {
  readonly said: { channelId: string; content: string; id: string }[] = [];
  readonly underWay = new Map<string, number>();
  readonly #random: SeededRandom;
  mostAtOnce = 0;
  failure: Error | undefined;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  async send(_: unknown, channelId: string, content: string): Promise<string> {
    const atOnce = (this.underWay.get(channelId) ?? 0) + 1;
    this.underWay.set(channelId, atOnce);
    this.mostAtOnce = Math.max(this.mostAtOnce, atOnce);
    for (let turns = this.#random.int(4); turns > 0; turns -= 1) await new Promise(setImmediate);
    this.underWay.set(channelId, this.underWay.get(channelId)! - 1);
    if (this.failure !== undefined) throw this.failure;
    const id = String(1_000_000_000_000_000_000n + BigInt(this.said.length + 1));
    this.said.push({ channelId, content, id });
    return id;
  }

  async type(): Promise<void> {}
}

describe('Director', () => {
  const random = new SeededRandom(seedFromEnv(process.env['SEED']));

  function scene(): { sender: FakeSender; director: Director } {
    const sender = new FakeSender(random);
    const target = { api: '', gateways: [], bus: undefined, processes: () => [] };
    const tell = async (): Promise<void> => {};
    const options = { scenario, plan, world, target, sender, random, tell };
    return { sender, director: new Director(options) };
  }

  it(`says one thing at a time in a channel, each with what was before it (${random})`, async () => {
    const { sender, director } = scene();
    director.start();
    await eventually(() => sender.said.length > 100, { label: 'a hundred messages' }).finally(() =>
      director.stop(),
    );
    expect(sender.mostAtOnce).toBe(1);
    expect(director.counts).toMatchObject({ sent: sender.said.length, failed: 0, skipped: 0 });
    expect(director.answerLatency.count).toBe(sender.said.length);

    const mark = new MarkScanner();
    const final = director.final();
    for (let channel = 0; channel < CHANNELS_COUNT; channel += 1) {
      const said = sender.said.filter(({ channelId }) => channelId === `channel ${channel}`);
      let previous = '0';
      said.forEach(({ id, content }, at) => {
        expect(mark.read({ id, content })).toBe(true);
        expect([mark.channel, mark.n, mark.epoch]).toEqual([channel, at + 1, 0]);
        const { high, low } = splitId(previous);
        expect([mark.previousHigh, mark.previousLow]).toEqual([high, low]);
        previous = id;
      });
      const last = splitId(previous);
      expect(final.lastN[channel]).toBe(said.length);
      expect([final.idHighs[channel], final.idLows[channel]]).toEqual([last.high, last.low]);
    }
  });

  it('counts what fails, and does not count it as said', async () => {
    const { sender, director } = scene();
    sender.failure = new Error('no such channel');
    director.start();
    await eventually(() => director.counts.failed > 5, { label: 'failures' }).finally(() =>
      director.stop(),
    );
    expect(director.counts.sent).toBe(0);
    expect(director.counts.failures).toContain('no such channel');
    expect([...director.final().lastN]).toEqual(Array(CHANNELS_COUNT).fill(0));
  });
});
