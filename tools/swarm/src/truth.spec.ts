import type { Plan } from './plan.js';
import { EVERYBODY } from './plan.js';
import { Truth } from './truth.js';

/** One guild: channel 0 for all, channel 1 for role 1; account 0 has no role, 1 and 2 have. */
const PLAN: Plan = {
  botsCount: 4,
  accountsCount: 4,
  sessions: [],
  guilds: [
    {
      channels: [0, 1],
      masks: [EVERYBODY, 0b010],
      rolesCount: 2,
      members: Uint32Array.of(0, 1, 2),
      groups: Uint8Array.of(0, 1, 2),
    },
  ],
  guildOfChannel: [0, 0],
};

describe('Truth', () => {
  it('shows open channels to members, hidden ones to their roles, nothing to others', () => {
    const truth = new Truth(PLAN);
    const views = [0, 1, 2, 3].map((account) =>
      [0, 1].map((channel) => truth.mayView(account, channel, 0)),
    );
    expect(views).toEqual([
      [true, false],
      [true, true],
      [true, false],
      [false, false],
    ]);
  });

  it('knows of no epoch before it is told', () => {
    expect(new Truth(PLAN).mayView(1, 0, 1)).toBe(false);
  });

  it('keeps what was true of what was said before a change', () => {
    const truth = new Truth(PLAN);
    truth.change({ guild: 0, firstN: [5, 11], mask: { channel: 1, groups: 0b100 } });
    truth.change({ guild: 0, firstN: [5, 21], move: { account: 1, group: 2 } });
    truth.change({ guild: 0, firstN: [9, 31], move: { account: 1, group: 0 } });
    const epochs = [0, 1, 2, 3];
    expect(epochs.map((epoch) => truth.mayView(1, 1, epoch))).toEqual([true, false, true, false]);
    expect(epochs.map((epoch) => truth.mayView(2, 1, epoch))).toEqual([false, true, true, true]);
    expect(truth.visibleCount(1, 1, 1, 40)).toBe(10 + 10);
    expect(truth.visibleCount(1, 1, 8, 22)).toBe(3 + 2);
    expect(truth.visibleCount(2, 1, 1, 40)).toBe(30);
    expect(truth.visibleCount(2, 0, 3, 7)).toBe(5);
    expect(truth.visibleCount(2, 0, 7, 6)).toBe(0);
  });

  it('says whether a guild is as it was', () => {
    const truth = new Truth(PLAN);
    const before = truth.changesCount;
    expect(truth.isSameSince(0, before)).toBe(true);
    truth.change({ guild: 0, firstN: [1, 1], move: { account: 0, group: 1 } });
    expect(truth.isSameSince(0, before)).toBe(false);
    expect(truth.isSameSince(0, truth.changesCount)).toBe(true);
    expect(truth.epoch(0)).toBe(1);
  });
});
