import { readOtlpSpans } from './otlp-reader.js';
import { startTelemetry, type Telemetry } from './telemetry.js';
import { SPAN } from './span-names.js';
import { startOtlpCollector, traceProblems, traceTree, type OtlpCollector } from './testing.js';

const METHOD = 'guilds/SendMessage';
const SUBJECT = 'guilds.v1.p{partition}.send_message';

function start(service: string, otlpEndpoint: string, lines: string[] = []): Telemetry {
  return startTelemetry({
    service,
    instance: `${service}-0`,
    version: '1.2.3',
    logLevel: 'info',
    traceRatio: 1,
    spansPerSecondMax: Infinity,
    otlpEndpoint,
    logDestination: { write: (line) => void lines.push(line) },
  });
}

/** A message from a client to two gateways, by three processes. */
function tellStory(api: Telemetry, guilds: Telemetry, gateway: Telemetry): void {
  const root = api.tracer.root(SPAN.httpServer('POST', '/channels/:channelId/messages'))!;
  const call = api.tracer.child(root.context, SPAN.rpcClient(METHOD, SUBJECT))!;
  const serve = guilds.tracer.child(call.context, SPAN.rpcServer(METHOD, SUBJECT))!;
  guilds.tracer.child(serve.context, SPAN.storeCommit)!.end();
  const publish = guilds.tracer
    .child(serve.context, SPAN.publishTopicEvent)!
    .set('guildhall.fanout.gateways', 2)
    .set('guildhall.topic.id', '81384788765712384')
    .set('guildhall.event.seq', 4_294_967_297);
  publish.end();
  serve.set('rpc.status_code', 'ok').end();
  for (let at = 0; at < 2; at += 1) {
    gateway.tracer
      .child(publish.context, SPAN.processTopicEvent)!
      .set('guildhall.fanout.sockets', 1_000)
      .set('guildhall.fanout.filtered', 3)
      .set('guildhall.fanout.bytes', 340_000)
      .set('guildhall.fanout.p50_us', 81.5)
      .set('guildhall.fanout.p99_us', 300)
      .set('guildhall.fanout.max_us', 912)
      .end();
  }
  call.set('rpc.status_code', 'ok').end();
  root.set('http.response.status_code', 200).end();
}

describe('spans over OTLP', () => {
  let collector: OtlpCollector;
  let fleet: Telemetry[];

  beforeEach(async () => {
    collector = await startOtlpCollector();
    fleet = ['api', 'guilds', 'gateway'].map((service) => start(service, collector.url));
  });

  afterEach(async () => {
    await Promise.all(fleet.map((telemetry) => telemetry.shutdown()));
    await collector.close();
  });

  it('arrive at a collector as one whole trace', async () => {
    const [api, guilds, gateway] = fleet as [Telemetry, Telemetry, Telemetry];
    tellStory(api, guilds, gateway);
    expect(await Promise.all(fleet.map((telemetry) => telemetry.flush(5_000)))).toEqual([
      ...[true, true, true],
    ]);
    expect(collector.malformedCount()).toBe(0);
    expect(traceProblems(collector.spans())).toEqual([]);
    expect(traceTree(collector.spans())).toBe(
      [
        'api: POST /channels/:channelId/messages SERVER',
        '  api: guilds/SendMessage CLIENT',
        '    guilds: guilds/SendMessage SERVER',
        '      guilds: store commit INTERNAL',
        '      guilds: publish topics.{topic_id}.events PRODUCER',
        '        gateway: process topics.{topic_id}.events CONSUMER',
        '        gateway: process topics.{topic_id}.events CONSUMER',
      ].join('\n'),
    );
    const publish = collector.spans().find((span) => span.kind === 'PRODUCER')!;
    expect(publish).toMatchObject({
      service: 'guilds',
      instance: 'guilds-0',
      status: 'unset',
      attributes: {
        'guildhall.event.seq': 4_294_967_297,
        'guildhall.topic.id': '81384788765712384',
        'messaging.system': 'nats',
      },
    });
    const process = collector.spans().find((span) => span.kind === 'CONSUMER')!;
    expect(process.attributes['guildhall.fanout.p50_us']).toBe(81.5);
    expect(fleet.map(({ tracer }) => tracer.counts().open)).toEqual([0, 0, 0]);
    expect(guilds.tracer.counts()).toMatchObject({ started: 3, exported: 3, failed: 0 });
  });

  it('arrive in full when there are many batches, some already under way', async () => {
    const [api] = fleet as [Telemetry];
    for (let round = 0; round < 3_000; round += 1) api.tracer.root(SPAN.storeCommit)!.end();
    await api.flush(1);
    for (let round = 0; round < 3_000; round += 1) api.tracer.root(SPAN.storeCommit)!.end();
    await api.flush(10_000);
    expect(collector.spans()).toHaveLength(6_000);
    expect(new Set(collector.spans().map((span) => span.spanId)).size).toBe(6_000);
  });

  it('are dropped and counted when the queue is full', async () => {
    const [api] = fleet as [Telemetry];
    for (let round = 0; round < 10_000; round += 1) api.tracer.root(SPAN.storeCommit)!.end();
    expect(await api.flush(10_000)).toBe(true);
    const { exported, dropped, ended } = api.tracer.counts();
    expect(dropped).toBeGreaterThan(0);
    expect(exported + dropped).toBe(ended);
    expect(collector.spans()).toHaveLength(exported);
  });

  it('after shutdown are not sent, and shutting down twice is once', async () => {
    const [api] = fleet as [Telemetry];
    api.tracer.root(SPAN.storeCommit)!.end();
    await Promise.all([api.shutdown(), api.shutdown()]);
    api.tracer.root(SPAN.storeCommit)!.end();
    await api.shutdown();
    expect(collector.spans()).toHaveLength(1);
    expect(api.tracer.counts()).toMatchObject({ exported: 1, dropped: 1 });
  });
});

describe('without a collector that answers', () => {
  it('flushing gives up in time and says so, and the log hears of it once', async () => {
    const collector = await startOtlpCollector();
    await collector.close();
    const lines: string[] = [];
    const api = start('api', collector.url, lines);
    api.tracer.root(SPAN.storeCommit)!.end();
    expect(await api.flush(50)).toBe(false);
    api.tracer.root(SPAN.storeCommit)!.end();
    await api.shutdown();
    expect(api.tracer.counts().exported).toBe(0);
    expect(lines.length).toBeLessThanOrEqual(1);
  }, 15_000);

  it('refused spans are counted and reported', async () => {
    const collector = await startOtlpCollector();
    const lines: string[] = [];
    const api = start('api', `${collector.url}/nowhere/`, lines);
    api.tracer.root(SPAN.storeCommit)!.end();
    expect(await api.flush(5_000)).toBe(false);
    expect(api.tracer.counts()).toMatchObject({ exported: 0, failed: 1 });
    expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).toEqual([
      'spans could not be exported',
    ]);
    await api.shutdown();
    await collector.close();
  });
});

describe('the collector', () => {
  it('refuses what is not protobuf, and counts it', async () => {
    const collector = await startOtlpCollector();
    const body = Buffer.from('{"resourceSpans":[]}');
    const response = await fetch(`${collector.url}/v1/traces`, { method: 'POST', body });
    expect(response.status).toBe(400);
    expect(collector.malformedCount()).toBe(1);
    await collector.close();
  });

  it('reads any bytes to an end, with spans or a RangeError', () => {
    let state = 42;
    for (let round = 0; round < 20_000; round += 1) {
      const bytes = Uint8Array.from({ length: round % 64 }, () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return state >>> 24;
      });
      bytes[0] = 0x0a;
      try {
        readOtlpSpans(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }
  });
});
