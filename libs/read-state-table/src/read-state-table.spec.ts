import { ReadStateTable } from './read-state-table.js';

describe('ReadStateTable', () => {
  it('keeps what is written', () => {
    const table = new ReadStateTable({ bytesMax: 4 << 20 });
    const added = table.add(7, 0xffffffff, 0);
    expect(table.find(7, 0xffffffff)).toBe(added);
    expect(table.find(7, 1)).toBe(0);
    for (let i = 0; i < 1000; i++) {
      let user = table.find(7, -1);
      user = table.reserve(user, 1);
      const entry = table.addEntry(user, i % 6, i, i * 7);
      expect(
        table.write(user, entry, i, i + 1, i * 3, i % 9, 4000 + i, i % 10 === 0 ? 1 : 0, 0),
      ).toBe(true);
      table.check();
    }
    const user = table.find(7, -1);
    for (let i = 0; i < 1000; i++) {
      const entry = table.findEntry(user, i % 6, i, i * 7);
      expect(table.mentionsOf(entry)).toBe(i * 3);
      expect(table.lastViewedOf(entry)).toBe(4000 + i);
      expect(table.entryVersionOf(user, entry)).toBe(i + 1);
    }
    for (let i = 0; i < 1000; i += 2) {
      table.remove(user, table.findEntry(user, i % 6, i, i * 7));
      table.check();
    }
    for (let i = 1; i < 1000; i += 2) {
      const entry = table.findEntry(user, i % 6, i, i * 7);
      expect(table.mentionsOf(entry)).toBe(i * 3);
    }
  });
  it('evicts', () => {
    const table = new ReadStateTable({ bytesMax: 4 << 20 });
    for (let i = 1; i < 20000; i++) {
      let user = table.add(i, i << 12, i % 50);
      for (let j = 0; j < i % 60; j++) {
        user = table.reserve(user, 1);
        table.write(user, table.addEntry(user, 0, i, j), 1, 1, 0, 0, 0, 0, 0);
      }
      if (i % 2_000 === 0) table.check();
      table.clearDirty(user, 0);
    }
    table.check();
    expect(table.bytesUsed).toBeLessThan(4 << 20);
    expect(table.evictionsCount).toBeGreaterThan(1000);
    expect(table.usersCount).toBeGreaterThan(1000);
    expect(table.movesCount).toBeGreaterThan(1);
  });
});
