import type { CollectedSpan } from './otlp-reader.js';
import { definitionOf, SPAN } from './span-names.js';
import { traceProblems, traceTree } from './trace-check.js';

const METHOD = 'guilds/SendMessage';

function span(
  id: number,
  parent: number | undefined,
  given: Partial<CollectedSpan>,
): CollectedSpan {
  return {
    traceId: '1'.repeat(32),
    spanId: String(id).padStart(16, '0'),
    parentSpanId: parent === undefined ? undefined : String(parent).padStart(16, '0'),
    name: 'store commit',
    kind: 'INTERNAL',
    startNs: 1_000_000n * BigInt(id),
    endNs: 100_000_000n - 1_000_000n * BigInt(id),
    attributes: {},
    links: [],
    service: 'api',
    instance: 'api-0',
    status: 'unset',
    tracestate: '',
    ...given,
  };
}

const guilds = { service: 'guilds', instance: 'guilds-0' };
const answered = { 'rpc.status_code': 'ok' };
const published = {
  'guildhall.fanout.gateways': 1,
  'guildhall.topic.id': '42',
  'guildhall.event.seq': 7,
};
const delivered = Object.fromEntries(
  SPAN.processTopicEvent.required.map((name) => [name, 1]),
) as CollectedSpan['attributes'];
const PUBLISH = SPAN.publishTopicEvent.name;
const PROCESS = SPAN.processTopicEvent.name;

const whole: readonly CollectedSpan[] = [
  span(1, undefined, { name: 'gateway/identify', kind: 'SERVER' }),
  span(2, 1, { name: METHOD, kind: 'CLIENT', attributes: answered }),
  span(3, 2, { name: METHOD, kind: 'SERVER', attributes: answered, ...guilds }),
  span(4, 3, { ...guilds }),
  span(5, 3, { name: PUBLISH, kind: 'PRODUCER', attributes: published, ...guilds }),
  span(6, 5, { name: PROCESS, kind: 'CONSUMER', attributes: delivered, endNs: 300_000_000n }),
];

/** The whole trace with one span replaced, or left out. */
const but = (id: number, given?: Partial<CollectedSpan>): CollectedSpan[] =>
  whole.flatMap((one, at) =>
    at + 1 !== id ? one : given === undefined ? [] : { ...one, ...given },
  );

describe('traceProblems', () => {
  it('lets an owner ask the owner of another partition, and be that owner itself', () => {
    expect(traceProblems(but(2, guilds))).toEqual([]);
  });

  it('finds nothing wrong with a whole trace', () => {
    expect(traceProblems(whole)).toEqual([]);
    expect(traceProblems([])).toEqual([]);
  });

  it.each([
    ['a missing root', but(1), ['has 0 roots', 'is an orphan']],
    ['a call nobody answered', but(3), ['was answered 0 times', 'is an orphan', 'is an orphan']],
    ['a call answered at home', but(3, { service: 'api', instance: 'api-0' }), ['that asked']],
    ['a gateway that never processed', but(6), ['expected 1 gateways and 0 processed it']],
    ['a child outside its parent', but(4, { endNs: 98_000_000n }), ['is not inside its parent']],
    ['an unregistered name', but(4, { name: 'do things' }), ['is not in the registry']],
    ['an id in a name', but(5, { name: 'publish topics.81384788765712384.events' }), ['registry']],
    [
      'message content',
      but(4, { attributes: { content: 'hi' } }),
      ['unregistered attribute content'],
    ],
    ['a missing attribute', but(2, { attributes: {} }), ['lacks rpc.status_code']],
  ])('finds %s', (_, spans, parts) => {
    const problems = traceProblems(spans);
    for (const part of parts) expect(problems.join('\n')).toContain(part);
    expect(problems).toHaveLength(parts.length);
  });

  it('asks less of a call that failed', () => {
    const failed = but(3).filter(({ spanId }) => Number(spanId) < 3);
    const error = { status: 'error', attributes: { 'error.type': 'timeout' } } as const;
    expect(
      traceProblems(failed.map((one) => (Number(one.spanId) === 2 ? { ...one, ...error } : one))),
    ).toEqual([]);
  });

  it('forgives clocks of two processes a fifth of a millisecond', () => {
    expect(traceProblems(but(3, { startNs: 1_900_000n }))).toEqual([]);
    expect(traceProblems(but(3, { startNs: 1_700_000n }))).toHaveLength(1);
  });
});

describe('traceTree', () => {
  it('prints names, kinds and services, and marks errors', () => {
    expect(traceTree(but(4, { status: 'error' }))).toBe(
      [
        'api: gateway/identify SERVER',
        '  api: guilds/SendMessage CLIENT',
        '    guilds: guilds/SendMessage SERVER',
        '      guilds: store commit INTERNAL !',
        '      guilds: publish topics.{topic_id}.events PRODUCER',
        '        api: process topics.{topic_id}.events CONSUMER',
      ].join('\n'),
    );
  });
});

describe('the registry', () => {
  it('knows its own, by name and kind', () => {
    expect(definitionOf('deliver', 'PRODUCER')).toBe(SPAN.deliver);
    expect(definitionOf('deliver', 'INTERNAL')).toBeUndefined();
    expect(definitionOf(PUBLISH, 'PRODUCER')).toBe(SPAN.publishTopicEvent);
    expect(SPAN.rpcClient(METHOD, 's')).toBe(SPAN.rpcClient(METHOD, 's'));
    expect(SPAN.rpcServer(METHOD, 's')).not.toBe(SPAN.rpcClient(METHOD, 's'));
    expect(definitionOf('GET /guilds/:guildId', 'SERVER')).toMatchObject({ budgetMs: 100 });
    expect(definitionOf('read-states/Ack', 'CLIENT')).toMatchObject({ kind: 'CLIENT' });
  });

  it('refuses names that hold an id', () => {
    expect(() => SPAN.publish('topics.81384788765712384.events')).toThrow(RangeError);
    expect(() => SPAN.httpServer('GET', '/guilds/81384788765712384')).toThrow(RangeError);
  });
});
