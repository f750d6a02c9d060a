import { create, toBinary } from '@bufbuild/protobuf';
import { TopicEventSchema } from '@guildhall/contracts';
import { eventSize, fitting } from './event-size.js';

describe('eventSize', () => {
  const event = create(TopicEventSchema, { topicId: 1n, seq: 1n, data: new Uint8Array(1_000) });

  it('is never less than what the event takes on the wire', () => {
    expect(eventSize(event)).toBeGreaterThanOrEqual(toBinary(TopicEventSchema, event).length);
  });

  it('parts events by the bytes they may take together, but leaves one at least', () => {
    const events = [event, event, event];
    expect(fitting(events, eventSize(event) * 2)).toHaveLength(2);
    expect(fitting(events, 1)).toHaveLength(1);
    expect(fitting(events, 1_000_000)).toHaveLength(3);
  });
});
