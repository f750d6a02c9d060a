/**
 * What one recipient of an event costs, by encoding, beside the plain way of encoding each frame.
 * Prints ns of wall and CPU time for each frame.
 */
import { codecOf, EncodedDispatch, plainForm, writeDispatchHead } from '../src/index.js';
import { data, measure } from './measure.js';

const event = new EncodedDispatch('MESSAGE_CREATE', Buffer.from(JSON.stringify(data)));
const target = Buffer.alloc(4096);
let sequence = 0;

console.log(`node ${process.version}, frame of ${event.frameSize('json', 1)} bytes as JSON`);
for (const encoding of ['json', 'etf'] as const) {
  const codec = codecOf(encoding);
  measure(`${encoding} each frame encoded anew`, 200_000, () =>
    codec.encode({ op: 0, s: ++sequence, t: 'MESSAGE_CREATE', d: data }),
  );
  measure(`${encoding} frame`, 2_000_000, () => event.frame(encoding, ++sequence));
  measure(`${encoding} writeFrame`, 2_000_000, () =>
    event.writeFrame(target, 0, encoding, ++sequence),
  );
  const shared = event.shared(plainForm(encoding));
  measure(`${encoding} SharedFrame patch`, 2_000_000, () => shared.patch(++sequence));
  measure(`${encoding} SharedFrame writeTo`, 2_000_000, () =>
    shared.writeTo(target, 0, ++sequence),
  );
  measure(`${encoding} writeDispatchHead`, 2_000_000, () =>
    writeDispatchHead(target, 0, encoding, ++sequence),
  );
}
