// The whole gateway under a bus that loses and repeats, with clients that come, vanish and resume
// while events flow: every session gets every event since its snapshot, once, in order.
import { isDurableSubject } from '@guildhall/contracts';
import { ALL_INTENTS, type Encoding, type TransportCompression } from '@guildhall/gateway-protocol';
import { eventually, SeededRandom, seedFromEnv, TestGatewayClient } from '@guildhall/testkit';
import { fakeId } from './testing/fake-fleet.js';
import { runGateway } from './testing/running-gateway.js';

const EVENTS_COUNT = 300;
const SESSIONS_MAX = 12;
const WAYS: readonly (readonly [Encoding, TransportCompression])[] = [
  ['json', 'none'],
  ['json', 'zlib-stream'],
  ['etf', 'none'],
  ['etf', 'zstd-stream'],
];

/** One session over all its connections. */
interface Story {
  client: TestGatewayClient;
  /** Numbers of the events it got, over all connections. */
  readonly got: number[];
  /** The event its snapshot was as of. */
  snapshot: number | undefined;
  readCount: number;
}

const seed = seedFromEnv(process.env['SEED']);

describe(`a gateway on a bad bus (SEED=${seed})`, () => {
  it('gives every session every event, once and in order', async () => {
    const random = new SeededRandom(seed);
    await using gateway = await runGateway({ followIntervalMs: 100 });
    const { fleet, hub } = gateway;
    const botId = fleet.user('token');
    const channelId = fakeId();
    const guild = fleet.guild([botId], [channelId]);
    const unrule = hub.rule(({ subject }) => {
      if (!isDurableSubject(subject)) return undefined;
      const chance = random.int(10);
      return chance < 2 ? 'drop' : chance === 2 ? 'duplicate' : undefined;
    });
    const stories: Story[] = [];
    const connect = (): Promise<TestGatewayClient> => {
      const [encoding, compression] = WAYS[random.int(WAYS.length)]!;
      return TestGatewayClient.connect({ url: gateway.url, encoding, compression });
    };
    const read = (story: Story): void => {
      const { payloads } = story.client;
      for (const { t, d } of payloads.slice(story.readCount)) {
        if (t === 'GUILD_CREATE') story.snapshot = (d as { seq: number }).seq;
        if (t === 'MESSAGE_CREATE') story.got.push(Number((d as { content: string }).content));
      }
      story.readCount = payloads.length;
    };
    const vanishAndResume = async (story: Story): Promise<void> => {
      await story.client.terminate();
      read(story);
      const { session } = story.client;
      // Before READY there is nothing to resume.
      if (session === undefined) return;
      story.client = await connect();
      story.readCount = 0;
      await story.client.resume(session);
    };

    let busy: Promise<void> = Promise.resolve();
    for (let number = 1; number <= EVENTS_COUNT; number += 1) {
      fleet.message(guild, channelId, String(number));
      const chance = random.int(20);
      if (chance === 0 && stories.length < SESSIONS_MAX) {
        const client = await connect();
        stories.push({ client, got: [], snapshot: undefined, readCount: 0 });
        const identified = client.identify({ token: 'token', intents: ALL_INTENTS });
        busy = Promise.all([busy, identified]).then(() => undefined);
      } else if (chance === 1 && stories.length > 0) {
        await busy;
        await vanishAndResume(stories[random.int(stories.length)]!);
      } else if (chance < 6) {
        // Lets the gateway do what it has to.
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await busy;
    unrule();
    for (const story of stories) {
      await eventually(
        () => {
          read(story);
          return story.snapshot === EVENTS_COUNT || story.got.at(-1) === EVENTS_COUNT;
        },
        { label: 'the last event has come' },
      );
      const { snapshot, got } = story;
      const expected = Array.from(
        { length: EVENTS_COUNT - snapshot! },
        (_, at) => snapshot! + at + 1,
      );
      expect(got).toEqual(expected);
      expect(story.client.violation).toBeUndefined();
    }
    expect(stories.length).toBeGreaterThan(0);
    await Promise.all(stories.map(({ client }) => client.close()));
  }, 30_000);
});
