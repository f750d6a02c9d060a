import { ManualClock } from '@guildhall/clock';
import { Bug, Fault, FaultCode } from '@guildhall/fault';
import type { Room, ServiceLog } from './room.js';
import { ServiceLife, type ServiceLifeOptions } from './service-life.js';

const never = (): Promise<void> => new Promise(() => undefined);

/** Rooms that write down what happens to them. */
function story(): { told: string[]; room(name: string, own?: Partial<Room>): Room } {
  const told: string[] = [];
  const tell =
    (what: string, then: (signal: AbortSignal) => Promise<void> = async () => undefined) =>
    (signal: AbortSignal): Promise<void> => {
      told.push(what);
      return then(signal);
    };
  return {
    told,
    room: (name, own = {}) => ({
      name,
      start: tell(`${name} starts`, own.start),
      drain: tell(`${name} drains`, own.drain),
      stop: tell(`${name} stops`, own.stop) as () => Promise<void>,
    }),
  };
}

function openLife(rooms: Room[], more: Partial<ServiceLifeOptions> = {}) {
  const clock = new ManualClock();
  const errors: string[] = [];
  const logger: ServiceLog = {
    info: () => undefined,
    warn: (message, fields) => errors.push(`${message} ${JSON.stringify(fields)}`),
    error: (message, fields) => errors.push(`${message} ${JSON.stringify(fields)}`),
  };
  const life = new ServiceLife({ name: 'guilds', rooms, clock, logger, ...more });
  return { life, clock, errors };
}

describe('ServiceLife', () => {
  it('brings rooms up in order and down in reverse', async () => {
    const { told, room } = story();
    const { life } = openLife([room('bus'), room('table'), room('http')]);

    expect(life.phase).toBe('idle');
    await life.start();
    expect([life.phase, life.isReady]).toEqual(['ready', true]);
    await life.drain();
    expect([life.phase, life.isReady]).toEqual(['draining', false]);
    await life.stop();
    expect(life.phase).toBe('stopped');

    expect(told.join(', ')).toBe(
      'bus starts, table starts, http starts, http drains, table drains, bus drains, ' +
        'http stops, table stops, bus stops',
    );
  });

  it('does each thing once, however often it is asked', async () => {
    const { told, room } = story();
    const { life } = openLife([room('bus')]);

    await Promise.all([life.start(), life.start()]);
    await Promise.all([life.drain(), life.drain()]);
    await Promise.all([life.stop(), life.stop()]);
    await life.stop();

    expect(told).toEqual(['bus starts', 'bus drains', 'bus stops']);
  });

  it('is not ready before the last room is', async () => {
    const { room } = story();
    let letIn = (): void => undefined;
    const gate = new Promise<void>((resolve) => (letIn = resolve));
    const { life } = openLife([room('bus'), room('table', { start: () => gate })]);

    const started = life.start();
    await Promise.resolve();
    expect([life.phase, life.isReady]).toEqual(['starting', false]);
    letIn();
    await started;
    expect(life.isReady).toBe(true);
  });

  it('lets down what is up when a room does not start, and names that room', async () => {
    const { told, room } = story();
    const cause = new Error('no such host');
    const { life } = openLife([
      room('bus'),
      room('table'),
      room('store', { start: () => Promise.reject(cause) }),
      room('http'),
    ]);

    const reason = await life.start().catch((thrown: unknown) => thrown);

    expect(reason).toBeInstanceOf(Fault);
    expect((reason as Fault).message).toBe('[internal] room store did not start: no such host');
    expect((reason as Fault).cause).toBe(cause);
    expect(told).toEqual([
      'bus starts',
      'table starts',
      'store starts',
      'table stops',
      'bus stops',
    ]);
    expect(life.phase).toBe('stopped');
  });

  it('gives up a start that is told to stop', async () => {
    const { told, room } = story();
    const waitsForPeers = (signal: AbortSignal): Promise<void> =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    const { life } = openLife([room('bus'), room('table', { start: waitsForPeers }), room('http')]);
    const started = life.start().catch((reason: unknown) => reason);
    await Promise.resolve();

    await life.stop();

    expect(await started).toMatchObject({ code: FaultCode.Unavailable });
    expect(told).toEqual(['bus starts', 'table starts', 'bus stops']);
    expect(life.phase).toBe('stopped');
  });

  it('does not start after it has stopped', async () => {
    const { told, room } = story();
    const { life } = openLife([room('bus')]);
    await life.stop();
    await expect(life.start()).rejects.toMatchObject({ code: FaultCode.Unavailable });
    expect(told).toEqual([]);
  });

  it('ends the drain when its budget is used up, tells the rooms, and stops them all', async () => {
    const { told, room } = story();
    let isTold = false;
    const slow = (signal: AbortSignal): Promise<void> => {
      signal.addEventListener('abort', () => (isTold = true));
      return never();
    };
    const { life, clock, errors } = openLife(
      [room('bus'), room('sessions', { drain: slow }), room('http')],
      { drainMs: 3_000 },
    );
    await life.start();

    const drained = life.drain();
    await clock.advanceAsync(2_999);
    expect(isTold).toBe(false);
    await clock.advanceAsync(1);
    await drained;
    await life.stop();

    expect(isTold).toBe(true);
    expect(told.slice(-3)).toEqual(['http stops', 'sessions stops', 'bus stops']);
    expect(told).not.toContain('bus drains');
    expect(errors.join()).toMatch(/room did not drain.*sessions.*room not drained.*bus/);
    expect(clock.timersCount).toBe(0);
  });

  it('drains no further when told to hurry', async () => {
    const { told, room } = story();
    const { life } = openLife([room('bus'), room('sessions', { drain: never })]);
    await life.start();
    const drained = life.drain();
    life.hurry();
    await drained;
    await life.stop();
    expect(told.slice(-2)).toEqual(['sessions stops', 'bus stops']);
  });

  it('stops without a drain when not told to drain', async () => {
    const { told, room } = story();
    const { life } = openLife([room('bus')]);
    await life.start();
    await life.stop();
    expect(told).toEqual(['bus starts', 'bus stops']);
  });

  it('goes on with the others when a room fails on the way down', async () => {
    const { told, room } = story();
    const fails = (): Promise<void> => Promise.reject(new Error('stuck'));
    const { life, errors } = openLife([room('bus'), room('table', { drain: fails, stop: fails })]);
    await life.start();
    await life.drain();
    await life.stop();

    expect(told.slice(-4)).toEqual(['table drains', 'bus drains', 'table stops', 'bus stops']);
    expect(errors).toHaveLength(2);
  });

  it('leaves a room that does not stop, when the budget is used up', async () => {
    const { told, room } = story();
    const { life, clock, errors } = openLife([room('bus'), room('http', { stop: never })], {
      stopMs: 500,
    });
    await life.start();
    const stopped = life.stop();
    await clock.advanceAsync(500);
    await stopped;

    expect(told.slice(-2)).toEqual(['http stops', 'bus stops']);
    expect(errors.join()).toContain('room did not stop');
    expect(life.phase).toBe('stopped');
  });

  it('never swallows a bug', async () => {
    const { room } = story();
    const bug = (): Promise<void> => Promise.reject(new Bug('broken'));

    await expect(openLife([room('bus', { start: bug })]).life.start()).rejects.toThrow(Bug);
    const { life } = openLife([room('bus', { drain: bug })]);
    await life.start();
    await expect(life.drain()).rejects.toThrow(Bug);
  });
});
