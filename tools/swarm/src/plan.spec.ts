import { EVERYBODY, planFor } from './plan.js';
import { readScenario } from './scenario.js';

const scenario = readScenario({
  seed: 7,
  fleet: { gateways: 2 },
  clients: { processes: 3 },
  sessions: { bots: 50, people: 31, perAccount: 2 },
  wires: [{ share: 3 }, { encoding: 'etf', share: 1 }],
  guilds: [
    { count: 2, members: 20, channels: 2, hiddenChannels: 3, roles: 4 },
    { count: 1, members: 41, channels: 1 },
  ],
  slowReaders: { share: 0.2 },
});

describe('planFor', () => {
  const plan = planFor(scenario);

  it('comes to the same from the same seed, and to another from another', () => {
    expect(planFor(scenario)).toEqual(plan);
    expect(planFor(scenario, 8)).not.toEqual(plan);
  });

  it('shares accounts among sessions, bots first', () => {
    expect([plan.botsCount, plan.accountsCount]).toEqual([25, 41]);
    expect(plan.sessions).toHaveLength(81);
    expect(plan.sessions.slice(0, 3).map(({ account }) => account)).toEqual([0, 0, 1]);
    expect(plan.sessions.at(-1)!.account).toBe(40);
  });

  it('has sessions of every gateway in every process', () => {
    const pairs = new Set(plan.sessions.map(({ process, gateway }) => `${process} ${gateway}`));
    expect(pairs.size).toBe(6);
  });

  it('numbers channels over all guilds, and has members once', () => {
    expect(plan.guildOfChannel).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2]);
    for (const { members } of plan.guilds) {
      expect(new Set(members).size).toBe(members.length);
      expect(Math.max(...members)).toBeLessThan(41);
    }
  });

  it('shows a hidden channel to some role, and never to those without one', () => {
    const { masks, groups, rolesCount } = plan.guilds[0]!;
    expect(masks.slice(0, 2)).toEqual([EVERYBODY, EVERYBODY]);
    for (const mask of masks.slice(2)) {
      expect(mask & 1).toBe(0);
      expect(mask).toBeGreaterThan(0);
      expect(mask).toBeLessThan(2 ** (rolesCount + 1));
    }
    expect(Math.max(...groups)).toBeLessThanOrEqual(rolesCount);
  });

  it('draws wires and slow readers by their shares', () => {
    const etf = plan.sessions.filter(({ wire }) => wire.encoding === 'etf').length;
    const slow = plan.sessions.filter(({ isSlow }) => isSlow).length;
    expect(etf).toBeGreaterThan(5);
    expect(etf).toBeLessThan(40);
    expect(slow).toBeGreaterThan(3);
    expect(slow).toBeLessThan(40);
  });
});
