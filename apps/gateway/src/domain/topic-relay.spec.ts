import { create } from '@bufbuild/protobuf';
import { Signal, TopicEventSchema } from '@guildhall/contracts';
import { ALL_INTENTS } from '@guildhall/gateway-protocol';
import { TopicRelay } from './topic-relay.js';

const GUILD = 7n;

/** A relay with one session that hears everything, as of seq 3. */
function relayWithOne() {
  const limits = { recentEventsMax: 4, heldEventsMax: 4, earlyEventsMax: 4 };
  const one = { userId: 1n, isBot: true, intents: ALL_INTENTS, isFirstShard: true };
  const relay = new TopicRelay<typeof one>(GUILD, 'guild', limits);
  relay.attached(relay.begin(one), { seq: 3 });
  const hear = (type: string, seq: bigint) => {
    const event = create(TopicEventSchema, { topicId: GUILD, seq, type, data: Buffer.from('{}') });
    const { deliveries, signals } = relay.receive([event]);
    return { sent: deliveries.length, acted: signals.length };
  };
  return { hear };
}

describe('TopicRelay', () => {
  it('sends what may be lost at once, and leaves signals of that kind to the owner', () => {
    const { hear } = relayWithOne();
    expect(hear('TYPING_START', 0n)).toEqual({ sent: 1, acted: 0 });
    expect(hear(Signal.UsersGone, 0n)).toEqual({ sent: 0, acted: 0 });
    expect(hear(Signal.GuildJoined, 4n)).toEqual({ sent: 0, acted: 1 });
  });
});
