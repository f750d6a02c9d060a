import { connectNats, type Bus } from '@guildhall/bus';
import { freePort, startNats, tempDir, until } from '@guildhall/testkit';
import { joinPlacement, type Placement } from './placement.js';

const PARTITIONS = Array.from({ length: 1024 }, (_, partition) => partition);

describe('Placement over NATS', () => {
  const dir = tempDir();
  let closing: (() => Promise<unknown>)[] = [];

  const join = async (
    url: string,
    instance: string,
  ): Promise<{ bus: Bus; placement: Placement }> => {
    const bus = await connectNats({ url, inboxPrefix: '_INBOX.spec', name: instance });
    const placement = joinPlacement({ bus, service: 'guilds', instance, version: '1.0.0' });
    placement.setReady();
    closing.push(async () => {
      await placement.leave();
      await bus.close();
    });
    return { bus, placement };
  };
  const owned = (...placements: Placement[]): number =>
    placements.reduce((sum, one) => sum + PARTITIONS.filter((p) => one.owns(p)).length, 0);

  afterEach(async () => {
    for (const close of closing.reverse()) await close();
    closing = [];
  });

  afterAll(() => dir.remove());

  it('takes over from the dead within 3 s, and rides out a restart of the server', async () => {
    const port = await freePort();
    let server = await startNats({ dir: dir.path, port });
    closing.push(() => server.stop());
    const members = await Promise.all(['a', 'b', 'c'].map((name) => join(server.url, name)));
    const [a, b, c] = members.map(({ placement }) => placement) as [
      Placement,
      Placement,
      Placement,
    ];
    await Promise.all([a.whenReady(), b.whenReady(), c.whenReady()]);
    await until(async () => owned(a, b, c) === 1024 && owned(c) < 600, 5_000);

    const startedMs = performance.now();
    await members[2]!.bus.close();
    await until(async () => owned(a, b) === 1024 && a.instances('guilds').length === 2, 10_000);
    expect(performance.now() - startedMs).toBeLessThan(3_000);

    const before = [...a.ownedPartitions()];
    await server.kill();
    server = await startNats({ dir: dir.path, port });
    await until(async () => [a, b].every((one) => one.isConnected), 10_000);
    await until(async () => owned(a, b) === 1024, 10_000);
    expect([...a.ownedPartitions()]).toEqual(before);
  }, 30_000);
});
