import { ManualClock } from '@guildhall/clock';
import {
  Accounts,
  inboxPrefix,
  PartitionedService,
  partitionRequests,
  Presence,
  PresenceDirectory,
  ReadStates,
  Topics,
} from '@guildhall/contracts';
import { Bug, Fault, FaultCode } from '@guildhall/fault';
import { fakeTelemetry, SPAN, type FakeTelemetry } from '@guildhall/telemetry';
import { createMemoryBus, type MemoryBus, type MemoryHub } from './bus-memory.js';
import { showBusCounts } from './bus-metrics.js';
import type { Incoming } from './bus.js';
import { callAll, callMethod, callOwner } from './call.js';
import { publishMessage, subscribeMessages } from './messages.js';
import { partitionMethods, serveMethods, servePartition } from './serve.js';

const SOON = { timeoutMs: 1_000 };
const LOAD = ReadStates.method.load;

describe('methods over the bus', () => {
  let clock: ManualClock;
  let hub: MemoryHub;
  let bugs: Bug[];
  let owner: MemoryBus;
  let asker: MemoryBus;
  let telemetry: FakeTelemetry;

  beforeEach(() => {
    clock = new ManualClock();
    hub = createMemoryBus(clock);
    bugs = [];
    telemetry = fakeTelemetry({ service: 'read-states' });
    owner = hub.connect({
      name: 'owner',
      onBug: (bug) => void bugs.push(bug),
      logger: telemetry.logger,
    });
    asker = hub.connect({ name: 'asker' });
  });

  /** What the call gives, once time has passed for it. */
  const after = async <T>(ms: number, work: Promise<T>): Promise<T | Fault> => {
    const settled = work.catch((reason: unknown) => {
      if (reason instanceof Fault) return reason;
      throw reason;
    });
    await clock.advanceAsync(ms);
    return settled;
  };
  const load = (partition = 1, userId = 7n) =>
    callMethod(asker, LOAD, { partition }, { userId }, SOON);

  describe('served by the owner of a partition', () => {
    it('are answered at once or later, from fields, a message or its bytes', async () => {
      const table = partitionMethods([ReadStates], {
        load: ({ userId }) => ({ version: userId + 1n }),
        ack: async () => Promise.resolve({}),
        delete: () => new Uint8Array(0),
      });
      servePartition(owner, PartitionedService.ReadStates, 1, table);
      expect(await after(0, load())).toMatchObject({ version: 8n });
      const ack = callMethod(asker, ReadStates.method.ack, { partition: 1 }, {}, SOON);
      expect(await after(0, ack)).toMatchObject({ $typeName: 'fleet.readstates.v1.AckReply' });
      const del = callMethod(asker, ReadStates.method.delete, { partition: 1 }, {}, SOON);
      expect(await after(0, del)).toMatchObject({ $typeName: 'fleet.readstates.v1.AckReply' });
    });

    it('are answered in the turn they arrive when the handler answers at once', async () => {
      const table = partitionMethods([ReadStates], { load: () => ({}) });
      const order: string[] = [];
      asker.subscribe('events', () => void order.push('event'));
      owner.subscribe('never', () => undefined);
      owner.serve(partitionRequests('read-states', 2), {}, (request) => {
        table.answer(request);
        expect(request.isAnswered).toBe(true);
        owner.publish('events', Uint8Array.of(1));
      });
      const call = load(2).then(() => order.push('answer'));
      await after(0, call);
      expect(order.sort()).toEqual(['answer', 'event']);
    });

    it('are known to be missing at start-up, and answered `not_found`', async () => {
      const table = partitionMethods([ReadStates], { load: () => ({}) }, telemetry);
      const served = servePartition(owner, PartitionedService.ReadStates, 1, table);
      const missing = ['Ack', 'AckPins', 'Delete', 'Batch'].map((name) => `read-states/${name}`);
      expect(served.missing).toEqual(missing);
      expect(telemetry.logs()).toContainEqual(
        expect.objectContaining({ message: 'methods without a handler', missing }),
      );
      const ack = callMethod(asker, ReadStates.method.ack, { partition: 1 }, {}, SOON);
      expect(await after(0, ack)).toMatchObject({ code: FaultCode.NotFound });
    });

    it('fail with the Fault that was thrown, or `internal` with its cause in the log only', async () => {
      const boom = new TypeError('a secret');
      const table = partitionMethods(
        [ReadStates],
        {
          load: ({ userId }) => {
            if (userId === 1n) throw new Fault(FaultCode.WrongOwner, 'moved');
            if (userId === 2n) return Promise.reject(new Fault(FaultCode.Invalid, 'no'));
            if (userId === 3n) throw boom;
            return Promise.reject(boom);
          },
        },
        telemetry,
      );
      servePartition(owner, PartitionedService.ReadStates, 1, table);
      const codes: unknown[] = [];
      for (const userId of [1n, 2n, 3n, 4n]) {
        const fault = await after(0, load(1, userId));
        expect((fault as Fault).message).not.toContain('secret');
        codes.push((fault as Fault).code);
      }
      expect(codes).toEqual(['wrong_owner', 'invalid', 'internal', 'internal']);
      const logged = telemetry.logs().filter(({ message }) => message === 'a request failed');
      expect(logged).toHaveLength(2);
    });

    it('set aside a request that cannot be read, and go on', async () => {
      const table = partitionMethods([ReadStates], { load: () => ({}) });
      servePartition(owner, PartitionedService.ReadStates, 1, table);
      const subject = 'read-states.v1.p1.load';
      const garbage = asker.request(subject, Uint8Array.of(0xff, 0xff), SOON);
      expect(await after(0, garbage)).toMatchObject({ code: FaultCode.Malformed });
      expect(owner.counts().malformed).toBe(1);
      expect(await after(0, load())).toMatchObject({ version: 0n });
    });

    it('hand a bug on, and do not answer for it', async () => {
      const table = partitionMethods([ReadStates], {
        load: () => {
          throw new Bug('broken');
        },
      });
      servePartition(owner, PartitionedService.ReadStates, 1, table);
      expect(await after(1_000, load())).toMatchObject({ code: FaultCode.Timeout });
      expect(bugs).toHaveLength(1);
    });

    it('refuse what is more than they may have in hand', async () => {
      const hold = Promise.withResolvers<object>();
      const table = partitionMethods(
        [ReadStates],
        { load: () => hold.promise },
        { inFlightMax: 2 },
      );
      servePartition(owner, PartitionedService.ReadStates, 1, table);
      const first = [load(), load()];
      expect(await after(0, load())).toMatchObject({ code: FaultCode.Overloaded });
      hold.resolve({});
      await after(0, Promise.all(first));
      expect(await after(0, load())).toMatchObject({ version: 0n });
    });

    it('refuse to share a subject', () => {
      expect(() => partitionMethods([ReadStates, ReadStates], {})).toThrow(Bug);
    });

    it('have a subject each on the bus, over all the services that partitions serve', () => {
      const services = [[Presence, PresenceDirectory], [ReadStates], [Topics]] as const;
      for (const some of services) expect(partitionMethods(some, {}).missing).not.toEqual([]);
    });
  });

  describe('asked of an owner', () => {
    const serving = (handler: (request: Incoming, taken: number) => void): Uint8Array[] => {
      const payloads: Uint8Array[] = [];
      owner.serve(partitionRequests('read-states', 1), { queue: 'owner' }, (request) => {
        payloads.push(request.payload);
        handler(request, payloads.length);
      });
      return payloads;
    };
    const options = { random: () => 0.5 };

    it('are asked again, with the same bytes, while the partition changes hands', async () => {
      const codes = [FaultCode.WrongOwner, FaultCode.Unavailable];
      const payloads = serving((request, taken) => {
        const code = codes[taken - 1];
        if (code === undefined) request.reply(new Uint8Array(0));
        else request.fail(new Fault(code, 'not now'));
      });
      const reply = await after(1_000, callOwner(asker, LOAD, 1, { userId: 7n }, options));
      expect(reply).toMatchObject({ version: 0n });
      expect(payloads).toHaveLength(3);
      expect(new Set(payloads.map((payload) => payload.join())).size).toBe(1);
    });

    it('wait for an owner to appear', async () => {
      const asked = callOwner(asker, LOAD, 1, { userId: 7n }, options);
      await clock.advanceAsync(3_000);
      serving((request) => request.reply(new Uint8Array(0)));
      expect(await after(500, asked)).toMatchObject({ version: 0n });
    });

    it('are asked of the next one when the first is silent', async () => {
      serving((request, taken) => {
        if (taken > 1) request.reply(new Uint8Array(0));
      });
      expect(await after(2_100, callOwner(asker, LOAD, 1, {}, options))).toMatchObject({
        version: 0n,
      });
    });

    it('give up at the deadline, with the last reason', async () => {
      const startedMs = clock.monotonicMs();
      const payloads = serving((request) => request.fail(new Fault(FaultCode.WrongOwner, 'moved')));
      let endedMs = 0;
      const asked = callOwner(asker, LOAD, 1, {}, { ...options, deadlineMs: 3_000 }).finally(
        () => (endedMs = clock.monotonicMs()),
      );
      expect(await after(10_000, asked)).toMatchObject({ code: FaultCode.WrongOwner });
      expect(endedMs - startedMs).toBeLessThanOrEqual(3_000);
      expect(endedMs - startedMs).toBeGreaterThan(2_500);
      expect(payloads.length).toBeGreaterThan(5);
      expect(payloads.length).toBeLessThan(30);
      expect(clock.timersCount).toBe(0);
    });

    it.each([FaultCode.Refused, FaultCode.Overloaded, FaultCode.NotFound, FaultCode.Internal])(
      'are not asked again after `%s`',
      async (code) => {
        const payloads = serving((request) => request.fail(new Fault(code, 'no')));
        expect(await after(0, callOwner(asker, LOAD, 1, {}, options))).toMatchObject({ code });
        expect(payloads).toHaveLength(1);
      },
    );

    it('are not asked again on a bus that was closed', async () => {
      const asked = callOwner(asker, LOAD, 1, {}, options);
      await asker.close();
      expect(await after(100, asked)).toMatchObject({ code: FaultCode.Unavailable });
    });
  });

  describe('served by any instance, or by all', () => {
    it('go to one of many', async () => {
      const third = hub.connect({ name: 'third' });
      const taken: string[] = [];
      for (const bus of [owner, third]) {
        const where = { services: [Accounts], route: 'any' } as const;
        const served = serveMethods(bus, where, {
          authenticate: () => {
            taken.push(bus.name);
            return {};
          },
        });
        expect(served.missing).toEqual(['accounts/StartSession']);
      }
      const ask = () => callMethod(asker, Accounts.method.authenticate, 'any', {}, SOON);
      await after(0, Promise.all([ask(), ask(), ask(), ask()]));
      expect(taken.sort()).toEqual(['owner', 'owner', 'third', 'third']);
    });

    it('go to all, whose faults are gathered too', async () => {
      const third = hub.connect({ name: 'third' });
      const where = { services: [PresenceDirectory], route: 'all' } as const;
      const served = serveMethods(owner, where, { listTopic: () => ({}) });
      serveMethods(third, where, {
        listTopic: () => {
          throw new Fault(FaultCode.Unavailable, 'starting');
        },
      });
      const method = PresenceDirectory.method.listTopic;
      const both = await after(0, callAll(asker, method, {}, { ...SOON, expected: 2 }));
      expect(both).toMatchObject({ replies: [{}], faults: [{ code: FaultCode.Unavailable }] });
      await after(0, served.drain());
      const one = await after(1_000, callAll(asker, method, {}, SOON));
      expect(one).toMatchObject({ replies: [], faults: [{}] });
    });
  });

  describe('traced', () => {
    it.each([
      ['an answer', () => ({})],
      [
        'a fault',
        () => {
          throw new Fault(FaultCode.Unavailable, 'not now');
        },
      ],
    ])('end their SERVER span before %s is sent, however long that takes', (_what, load) => {
      const spanClock = new ManualClock();
      const timed = fakeTelemetry({ service: 'read-states', clock: spanClock });
      const table = partitionMethods([ReadStates], { load }, timed);
      const asking = timed.tracer.forcedRoot(SPAN.gateway.identify)!;
      const send = (): void => spanClock.advance(5);
      table.answer({
        subject: partitionRequests('read-states', 1).replace('*', 'load'),
        payload: new Uint8Array(0),
        trace: asking.context,
        arrivedAtMs: 0,
        isAnswered: false,
        ageMs: () => 0,
        reply: send,
        fail: send,
      });
      const [span] = timed.spans();
      expect(span).toMatchObject({ name: 'read-states/Load', kind: 'SERVER' });
      expect(span!.endNs - span!.startNs).toBe(0n);
      // And the log says which trace it was.
      const line = { message: 'request served', method: 'read-states/Load' };
      expect(timed.logs().at(-1)).toMatchObject({ ...line, trace_id: asking.context.traceId });
    });

    it('make a CLIENT and a SERVER span that know each other, and pass the context on', async () => {
      const { tracer } = telemetry;
      let inside: string | undefined;
      const table = partitionMethods(
        [ReadStates],
        {
          load: (_, call) => {
            inside = call.trace?.spanId;
            call.span?.set('guildhall.batch.count', 3);
            return {};
          },
          ack: () => {
            throw new Fault(FaultCode.Invalid, 'no');
          },
        },
        telemetry,
      );
      servePartition(owner, PartitionedService.ReadStates, 1, table);
      const root = tracer.forcedRoot(SPAN.gateway.identify)!;
      const options = { ...SOON, trace: root.context, tracer };
      await after(0, callMethod(asker, LOAD, { partition: 1 }, {}, options));
      const ack = ReadStates.method.ack;
      await after(0, callMethod(asker, ack, { partition: 1 }, {}, options));
      root.end();
      const spans = telemetry.spans();
      const outline = spans.map(({ name, kind, attributes }) => [
        name,
        kind,
        attributes['rpc.status_code'],
      ]);
      expect(outline).toEqual([
        ['read-states/Load', 'SERVER', 'ok'],
        ['read-states/Load', 'CLIENT', 'ok'],
        ['read-states/Ack', 'SERVER', 'invalid'],
        ['read-states/Ack', 'CLIENT', 'invalid'],
        ['gateway/identify', 'SERVER', undefined],
      ]);
      const [server, client] = spans;
      expect(client!.parentSpanId).toBe(root.context.spanId);
      expect(server!.parentSpanId).toBe(client!.spanId);
      expect(inside).toBe(server!.spanId);
      expect(client!.attributes['guildhall.partition']).toBe(1);
      expect(server!.attributes['messaging.destination.template']).toBe(
        'read-states.v1.p{partition}.load',
      );
    });

    it('make none when the request is not sampled', async () => {
      const table = partitionMethods([ReadStates], { load: () => ({}) }, telemetry);
      servePartition(owner, PartitionedService.ReadStates, 1, table);
      const { tracer } = telemetry;
      await after(0, callMethod(asker, LOAD, { partition: 1 }, {}, { ...SOON, tracer }));
      expect(telemetry.spans()).toEqual([]);
    });

    it('measure every answer by method and outcome', async () => {
      const table = partitionMethods([ReadStates], { load: () => ({}) }, telemetry);
      servePartition(owner, PartitionedService.ReadStates, 1, table);
      showBusCounts(owner, telemetry.metrics);
      await after(0, Promise.all([load(), load()]));
      const text = telemetry.metrics.writeOpenMetrics();
      expect(text).toMatch(
        /rpc_server_call_duration_seconds_count\{method="read-states\/Load",code="ok"\} 2/,
      );
      expect(text).toMatch(/^bus_received_total 2(\.0)?$/m);
      expect(text).toMatch(/^bus_served_in_flight 0(\.0)?$/m);
    });
  });

  it('publishes messages, and sets aside what is none', async () => {
    const seen: bigint[] = [];
    const subject = inboxPrefix('api');
    subscribeMessages(owner, LOAD.input, subject, ({ userId }) => void seen.push(userId));
    publishMessage(asker, LOAD.input, subject, { userId: 1n });
    asker.publish(subject, Uint8Array.of(0xff, 0xff));
    publishMessage(asker, LOAD.input, subject, { userId: 2n });
    await clock.advanceAsync(0);
    expect(seen).toEqual([1n, 2n]);
    expect(owner.counts()).toMatchObject({ malformed: 1, handlerFailures: 0 });
  });
});
