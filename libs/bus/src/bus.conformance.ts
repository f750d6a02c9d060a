// What every bus must do, run by the specs of both twins.
import { type Bug, Fault, FaultCode } from '@guildhall/fault';
import type { TraceContext } from '@guildhall/telemetry';
import { until } from '@guildhall/testkit';
import type { Bus, Incoming } from './bus.js';
import type { BusOptions } from './bus-room.js';

/** What a twin brings: one place to meet, for the whole suite. */
export interface BusWorld {
  connect(options: Omit<BusOptions, 'clock'>): Promise<Bus>;
  /** Every connection is lost; resolves when all of them know. */
  interrupt(): Promise<void>;
  /** Every connection is back; resolves when all of them know. */
  restore(): Promise<void>;
  stop(): Promise<void>;
}

const TRACE: TraceContext = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
};
const SOON = { timeoutMs: 5_000 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);
const codeOf = async (work: Promise<unknown>): Promise<string> => {
  const reason = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  return reason instanceof Fault ? reason.code : `not a Fault: ${String(reason)}`;
};
const eventually = (condition: () => boolean): Promise<void> =>
  until(() => Promise.resolve(condition()), 5_000);

/** Runs the suite for one twin. */
export function describeBus(name: string, make: () => Promise<BusWorld>): void {
  describe(name, () => {
    let world: BusWorld;
    let owner: Bus;
    let asker: Bus;
    let open: Bus[] = [];
    let suffix = 0;
    /** A subject that no other test uses. */
    const fresh = (): string => `conformance.s${(suffix += 1)}`;
    const connect = async (
      of: string,
      options: Partial<Omit<BusOptions, 'clock'>> = {},
    ): Promise<Bus> => {
      const bus = await world.connect({ name: `${of}-${(suffix += 1)}`, ...options });
      open.push(bus);
      return bus;
    };

    beforeAll(async () => {
      world = await make();
    });

    beforeEach(async () => {
      owner = await connect('owner');
      asker = await connect('asker');
    });

    afterEach(async () => {
      await Promise.all(open.map((bus) => bus.close()));
      open = [];
    });

    afterAll(() => world.stop());

    it('brings an answer to whoever asked', async () => {
      const subject = fresh();
      owner.serve(subject, {}, (request) => request.reply(bytes(`${text(request.payload)}!`)));
      await owner.flush();
      expect(text(await asker.request(subject, bytes('hello'), SOON))).toBe('hello!');
      expect(await asker.request(subject, new Uint8Array(0), SOON)).toEqual(bytes('!'));
    });

    it('brings an empty answer', async () => {
      const subject = fresh();
      owner.serve(subject, {}, (request) => request.reply(new Uint8Array(0)));
      await owner.flush();
      expect((await asker.request(subject, bytes('x'), SOON)).length).toBe(0);
    });

    it('brings a fault with its code, its words and the refusal, and without its cause', async () => {
      const subject = fresh();
      const refusal = { discordCode: 50013, httpStatus: 403, message: 'Missing Permissions' };
      owner.serve(subject, {}, (request) => {
        if (text(request.payload) === 'refuse') request.fail(Fault.refused(refusal));
        else request.fail(new Fault(FaultCode.WrongOwner, 'not mine', { cause: 'a secret' }));
      });
      await owner.flush();
      const refused = await asker.request(subject, bytes('refuse'), SOON).catch((e: unknown) => e);
      expect(refused).toMatchObject({ code: FaultCode.Refused, refusal });
      const wrong = await asker.request(subject, bytes('x'), SOON).catch((e: unknown) => e);
      expect(wrong).toMatchObject({
        code: FaultCode.WrongOwner,
        message: '[wrong_owner] not mine',
      });
      expect(wrong).not.toHaveProperty('cause');
    });

    it('says at once when nobody serves the subject', async () => {
      const startedMs = performance.now();
      const patient = { timeoutMs: 60_000 };
      expect(await codeOf(asker.request(fresh(), bytes('x'), patient))).toBe('unavailable');
      expect(performance.now() - startedMs).toBeLessThan(5_000);
      expect(asker.counts().requestsInFlight).toBe(0);
    });

    it('gives up when no answer comes in time, and ignores the one that comes later', async () => {
      const subject = fresh();
      const taken: Incoming[] = [];
      owner.serve(subject, {}, (request) => void taken.push(request));
      await owner.flush();
      expect(await codeOf(asker.request(subject, bytes('x'), { timeoutMs: 20 }))).toBe('timeout');
      taken[0]!.reply(bytes('late'));
      await eventually(() => asker.counts().lateReplies === 1);
      expect(asker.counts()).toMatchObject({ timeouts: 1, requestsInFlight: 0 });
    });

    it('hands over an answer in its order among the events of the same owner', async () => {
      const requests = fresh();
      const events = fresh();
      const seen: string[] = [];
      owner.serve(requests, {}, (request) => {
        for (let seq = 1; seq <= 20; seq += 1) owner.publish(events, bytes(`event ${seq}`));
        request.reply(bytes(text(request.payload)));
        owner.publish(events, bytes('after'));
      });
      asker.subscribe(events, (payload) => void seen.push(text(payload)));
      await Promise.all([owner.flush(), asker.flush()]);
      for (let round = 1; round <= 3; round += 1) {
        asker.requestCallback(requests, bytes(`answer ${round}`), SOON, (_, body) => {
          seen.push(text(body));
        });
      }
      await eventually(() => seen.length === 66);
      const events20 = Array.from({ length: 20 }, (_, at) => `event ${at + 1}`);
      const round = (number: number): string[] => [...events20, `answer ${number}`, 'after'];
      expect(seen).toEqual([...round(1), ...round(2), ...round(3)]);
    });

    it('never calls back before the request has returned', async () => {
      let hasReturned = false;
      const isLater = new Promise<boolean>((resolve) => {
        const tooLarge = new Uint8Array(asker.payloadBytesMax + 1);
        asker.requestCallback(fresh(), tooLarge, SOON, () => resolve(hasReturned));
        hasReturned = true;
      });
      expect(await isLater).toBe(true);
    });

    it('gives back the trace a request was sent with', async () => {
      const subject = fresh();
      owner.serve(subject, {}, (request) => request.reply(bytes('ok')));
      await owner.flush();
      const trace = await new Promise((resolve) => {
        const options = { ...SOON, trace: TRACE };
        asker.requestCallback(subject, bytes('x'), options, (_fault, _body, mine) => resolve(mine));
      });
      expect(trace).toBe(TRACE);
    });

    it('carries the trace of what is sampled, and nothing else', async () => {
      const subject = fresh();
      const seen: (TraceContext | undefined)[] = [];
      owner.serve(`${subject}.ask`, {}, (request) => {
        seen.push(request.trace);
        request.reply(bytes('ok'));
      });
      owner.subscribe(`${subject}.tell`, (_payload, _subject, trace) => void seen.push(trace));
      await owner.flush();
      const thinned = { ...TRACE, threshold: '8' };
      await asker.request(`${subject}.ask`, bytes('x'), SOON);
      await asker.request(`${subject}.ask`, bytes('x'), { ...SOON, trace: thinned });
      asker.publish(`${subject}.tell`, bytes('x'));
      asker.publish(`${subject}.tell`, bytes('x'), TRACE);
      await eventually(() => seen.length === 4);
      expect(seen).toEqual([undefined, thinned, undefined, TRACE]);
    });

    it('brings what is published to all who listen, wherever a pattern matches', async () => {
      const subject = fresh();
      const seen: string[] = [];
      const note = (who: string) => (payload: Uint8Array, on: string) =>
        void seen.push(`${who} ${on.slice(subject.length + 1)} ${text(payload)}`);
      owner.subscribe(`${subject}.p1.a`, note('exact'));
      owner.subscribe(`${subject}.*.a`, note('star'));
      asker.subscribe(`${subject}.>`, note('rest'));
      asker.subscribe(`${subject}`, note('never'));
      await Promise.all([owner.flush(), asker.flush()]);
      for (const tail of ['p1.a', 'p2.a', 'p2.b']) asker.publish(`${subject}.${tail}`, bytes('x'));
      await eventually(() => seen.length === 6);
      expect(seen.sort()).toEqual([
        'exact p1.a x',
        'rest p1.a x',
        'rest p2.a x',
        'rest p2.b x',
        'star p1.a x',
        'star p2.a x',
      ]);
    });

    it('gives each request to one member of a queue', async () => {
      const subject = fresh();
      const third = await connect('third');
      const taken = new Map<string, number>();
      for (const bus of [owner, third]) {
        bus.serve(subject, { queue: 'any' }, (request) => {
          taken.set(bus.name, (taken.get(bus.name) ?? 0) + 1);
          request.reply(bytes(bus.name));
        });
        await bus.flush();
      }
      const asked = Array.from({ length: 100 }, () => asker.request(subject, bytes('x'), SOON));
      await Promise.all(asked);
      expect([...taken.keys()].sort()).toEqual([owner.name, third.name].sort());
      expect([...taken.values()].reduce((sum, count) => sum + count, 0)).toBe(100);
    });

    it('gathers what every instance says, faults included', async () => {
      const subject = fresh();
      const third = await connect('third');
      owner.serve(subject, {}, (request) => request.reply(bytes('mine')));
      third.serve(subject, {}, (request) => request.fail(new Fault(FaultCode.NotFound, 'none')));
      await Promise.all([owner.flush(), third.flush()]);
      const two = await asker.requestAll(subject, bytes('x'), { ...SOON, expected: 2 });
      expect(two.map(({ fault, body }) => fault?.code ?? text(body)).sort()).toEqual([
        'mine',
        'not_found',
      ]);
      const inTime = await asker.requestAll(subject, bytes('x'), { timeoutMs: 200 });
      expect(inTime).toHaveLength(2);
      expect(await asker.requestAll(fresh(), bytes('x'), SOON)).toEqual([]);
    });

    it('puts an answer together that is larger than a message, in order', async () => {
      const requests = fresh();
      const events = fresh();
      const seen: string[] = [];
      const large = Uint8Array.from({ length: 5_000_000 }, (_, at) => (at * 31) & 0xff);
      let answer: Uint8Array | undefined;
      owner.serve(requests, {}, (request) => {
        owner.publish(events, bytes('before'));
        request.reply(large);
        owner.publish(events, bytes('after'));
      });
      asker.subscribe(events, (payload) => void seen.push(text(payload)));
      await Promise.all([owner.flush(), asker.flush()]);
      asker.requestCallback(requests, bytes('x'), SOON, (_fault, body) => {
        answer = body;
        seen.push('answer');
      });
      await eventually(() => seen.length === 3);
      expect(seen).toEqual(['before', 'answer', 'after']);
      expect(Buffer.compare(answer!, large)).toBe(0);
      expect(asker.counts().assemblyBytes).toBe(0);
    });

    it('tells large answers of several instances apart', async () => {
      const subject = fresh();
      const third = await connect('third');
      for (const [at, bus] of [owner, third].entries()) {
        bus.serve(subject, {}, (request) => request.reply(new Uint8Array(2_000_000).fill(at + 1)));
        await bus.flush();
      }
      const both = await asker.requestAll(subject, bytes('x'), { ...SOON, expected: 2 });
      const filled = both.map(({ body }) => [body.length, body[0], new Set(body).size]);
      expect(filled.sort((a, b) => a[1]! - b[1]!)).toEqual([
        [2_000_000, 1, 1],
        [2_000_000, 2, 1],
      ]);
    });

    it('refuses what is too large, on either side', async () => {
      const subject = fresh();
      const tooLarge = new Uint8Array(asker.payloadBytesMax + 1);
      expect(await codeOf(asker.request(subject, tooLarge, SOON))).toBe('invalid');
      expect(() => asker.publish(subject, tooLarge)).toThrow(
        expect.objectContaining({ code: FaultCode.Invalid }),
      );
      const modest = await connect('modest', { limits: { replyBytesMax: 1_000 } });
      modest.serve(subject, {}, (request) => request.reply(new Uint8Array(1_001)));
      await modest.flush();
      expect(await codeOf(asker.request(subject, bytes('x'), SOON))).toBe('overloaded');
    });

    it('takes the largest payload it says it takes', async () => {
      const subject = fresh();
      owner.serve(subject, {}, (request) => request.reply(bytes(`${request.payload.length}`)));
      await owner.flush();
      const largest = new Uint8Array(asker.payloadBytesMax);
      const options = { ...SOON, trace: { ...TRACE, threshold: 'ffffffffffffff' } };
      const answer = await asker.request(subject, largest, options);
      expect(text(answer)).toBe(`${largest.length}`);
    });

    it('refuses requests past its bound, and takes them again when there is room', async () => {
      const subject = fresh();
      const bounded = await connect('bounded', { limits: { requestsInFlightMax: 2 } });
      const taken: Incoming[] = [];
      owner.serve(subject, {}, (request) => void taken.push(request));
      await owner.flush();
      const first = [1, 2].map(() => bounded.request(subject, bytes('x'), SOON));
      expect(await codeOf(bounded.request(subject, bytes('x'), SOON))).toBe('overloaded');
      await eventually(() => taken.length === 2);
      for (const request of taken) request.reply(bytes('ok'));
      await Promise.all(first);
      const again = bounded.request(subject, bytes('x'), SOON);
      await eventually(() => taken.length === 3);
      taken[2]!.reply(bytes('ok'));
      expect(text(await again)).toBe('ok');
    });

    it('answers `internal` for a handler that throws, and goes on', async () => {
      const subject = fresh();
      const seen: string[] = [];
      owner.serve(subject, {}, () => {
        throw new TypeError('a secret');
      });
      asker.subscribe(`${subject}.events`, (payload) => {
        seen.push(text(payload));
        throw new TypeError('a secret');
      });
      await Promise.all([owner.flush(), asker.flush()]);
      for (let time = 0; time < 2; time += 1) {
        const fault = await asker.request(subject, bytes('x'), SOON).catch((e: unknown) => e);
        expect(fault).toMatchObject({ code: 'internal' });
        expect((fault as Fault).message).not.toContain('secret');
        owner.publish(`${subject}.events`, bytes(`${time}`));
      }
      await eventually(() => seen.length === 2);
      expect(owner.counts().handlerFailures).toBe(2);
      expect(asker.counts().handlerFailures).toBe(2);
    });

    it('takes a second answer for a bug', async () => {
      const subject = fresh();
      const bugs: Bug[] = [];
      const twice = await connect('twice', { onBug: (bug) => void bugs.push(bug) });
      twice.serve(subject, {}, (request) => {
        request.reply(bytes('once'));
        request.reply(bytes('twice'));
      });
      await twice.flush();
      expect(text(await asker.request(subject, bytes('x'), SOON))).toBe('once');
      expect(bugs).toHaveLength(1);
    });

    it('hands over nothing after unsubscribing', async () => {
      const subject = fresh();
      const seen: string[] = [];
      const subscription = asker.subscribe(subject, (payload) => {
        seen.push(text(payload));
        subscription.unsubscribe();
      });
      await asker.flush();
      for (const word of ['first', 'second', 'third']) owner.publish(subject, bytes(word));
      await owner.flush();
      await asker.flush();
      expect(seen).toEqual(['first']);
      subscription.unsubscribe();
    });

    it('drains a served subject: what was taken is answered, what comes after goes elsewhere', async () => {
      const subject = fresh();
      const taken: Incoming[] = [];
      const subscription = owner.serve(subject, {}, (request) => void taken.push(request));
      await owner.flush();
      const asked = asker.request(subject, bytes('x'), SOON);
      await eventually(() => taken.length === 1);
      let isDrained = false;
      const drained = subscription.drain().then(() => (isDrained = true));
      await owner.flush();
      expect(await codeOf(asker.request(subject, bytes('x'), SOON))).toBe('unavailable');
      expect(isDrained).toBe(false);
      taken[0]!.reply(bytes('done'));
      expect(text(await asked)).toBe('done');
      await drained;
      expect(isDrained).toBe(true);
    });

    it('drains: answers what it took, with what others say, then closes', async () => {
      const subject = fresh();
      asker.serve(`${subject}.other`, {}, (request) => request.reply(bytes('other')));
      let taken = 0;
      owner.serve(subject, {}, (request) => {
        taken += 1;
        owner
          .request(`${subject}.other`, bytes('x'), SOON)
          .then((body) => request.reply(body))
          .catch((reason: unknown) => request.fail(Fault.from(reason)));
      });
      await Promise.all([owner.flush(), asker.flush()]);
      const asked = asker.request(subject, bytes('x'), SOON);
      await eventually(() => taken === 1);
      const statuses: string[] = [];
      owner.onStatus((status) => void statuses.push(status));
      await owner.drain();
      expect(text(await asked)).toBe('other');
      expect(statuses).toEqual(['draining', 'closed']);
      expect(await codeOf(owner.request(subject, bytes('x'), SOON))).toBe('unavailable');
      expect(owner.publish(subject, bytes('x'))).toBe(false);
      await owner.drain();
    });

    it('ends requests under way when it is closed', async () => {
      const subject = fresh();
      owner.serve(subject, {}, () => undefined);
      await owner.flush();
      const asked = codeOf(asker.request(subject, bytes('x'), SOON));
      await asker.close();
      expect(await asked).toBe('unavailable');
    });

    it('loses its connection, keeps nothing for later, and says so when it is back', async () => {
      const subject = fresh();
      const seen: string[] = [];
      const told: string[] = [];
      owner.serve(`${subject}.never`, {}, () => undefined);
      owner.serve(`${subject}.ask`, {}, (request) => request.reply(bytes('still here')));
      owner.subscribe(subject, (payload) => void seen.push(text(payload)));
      owner.onContinuityGap((reason) => void told.push(reason));
      asker.onStatus((status) => void told.push(status));
      await owner.flush();
      const asked = codeOf(asker.request(`${subject}.never`, bytes('x'), { timeoutMs: 60_000 }));
      await asker.flush();

      await world.interrupt();
      // It may have happened, and that is what `timeout` says.
      expect(await asked).toBe('timeout');
      expect(asker.status).toBe('disconnected');
      expect(asker.publish(subject, bytes('lost'))).toBe(false);
      expect(asker.counts().dropped).toBe(1);
      expect(await codeOf(asker.request(`${subject}.ask`, bytes('x'), SOON))).toBe('unavailable');
      expect(await codeOf(asker.flush())).toBe('unavailable');
      // Interest that is declared meanwhile holds afterwards.
      owner.serve(`${subject}.late`, {}, (request) => request.reply(bytes('late')));
      expect(told).toEqual(['disconnected']);

      await world.restore();
      await Promise.all([owner.flush(), asker.flush()]);
      expect(told.sort()).toEqual(['connected', 'disconnected', 'reconnect']);
      expect(text(await asker.request(`${subject}.ask`, bytes('x'), SOON))).toBe('still here');
      expect(text(await asker.request(`${subject}.late`, bytes('x'), SOON))).toBe('late');
      expect(asker.publish(subject, bytes('heard'))).toBe(true);
      await eventually(() => seen.length > 0);
      expect(seen).toEqual(['heard']);
    });
  });
}
