import { PlacementRing, moved } from './placement-ring.js';

const instances = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `guilds-${i}`);

function countsOf(ring: PlacementRing): number[] {
  return ring.instances.map((instance) => ring.partitionsOf(instance).length);
}

describe('PlacementRing', () => {
  it('has no owner when nobody takes part', () => {
    const ring = new PlacementRing([]);
    expect(ring.ownerOf(0)).toBeUndefined();
    expect(ring.partitionsOf('guilds-0')).toEqual([]);
  });

  it('gives everything to an only instance', () => {
    const ring = new PlacementRing(['guilds-0']);
    expect(ring.partitionsOf('guilds-0')).toHaveLength(1024);
    expect(ring.ownerOf(1023)).toBe('guilds-0');
  });

  it('knows no partition outside its range', () => {
    const ring = new PlacementRing(['guilds-0'], 16);
    for (const partition of [-1, 16, 0.5, Number.NaN]) {
      expect(ring.ownerOf(partition)).toBeUndefined();
    }
  });

  it('is the same for everyone, whatever the order they heard of one another', () => {
    const one = new PlacementRing(['a', 'b', 'c']);
    const other = new PlacementRing(['c', 'a', 'b', 'a']);
    expect(moved(one, other)).toEqual([]);
    expect(other.instances).toEqual(['a', 'b', 'c']);
  });

  it('stays the same from one version to the next: a fleet may run two at once', () => {
    const ring = new PlacementRing(['guilds-0', 'guilds-1', 'guilds-2'], 16);
    const owners = Array.from({ length: 16 }, (_, p) => ring.ownerOf(p)?.at(-1));
    expect(owners.join('')).toBe('0000022022001111');
  });

  it.each([2, 3, 5, 8])('shares many partitions evenly among %i, within 5 %%', (count) => {
    const partitionsCount = 65_536;
    const fair = partitionsCount / count;
    for (const own of countsOf(new PlacementRing(instances(count), partitionsCount))) {
      expect(Math.abs(own - fair) / fair).toBeLessThan(0.05);
    }
  });

  it('shares 1024 partitions as fair chance would: within 4 standard deviations', () => {
    for (const count of [2, 3, 4, 7, 16, 32]) {
      const fair = 1024 / count;
      const deviation = Math.sqrt(fair * (1 - 1 / count));
      for (const own of countsOf(new PlacementRing(instances(count)))) {
        expect(Math.abs(own - fair)).toBeLessThan(4 * deviation);
      }
    }
  });

  it('moves only what a leaver had, and spreads it over all the others', () => {
    const before = new PlacementRing(instances(8));
    const after = new PlacementRing(instances(8).filter((name) => name !== 'guilds-3'));

    expect(moved(before, after)).toEqual(before.partitionsOf('guilds-3'));
    const heirs = new Set(moved(before, after).map((partition) => after.ownerOf(partition)));
    expect(heirs.size).toBe(7);
  });

  it('moves only what a newcomer gets', () => {
    const before = new PlacementRing(instances(4));
    const after = new PlacementRing(instances(5));

    expect(moved(before, after)).toEqual(after.partitionsOf('guilds-4'));
    expect(moved(before, after).length).toBeGreaterThan(0);
  });

  it('comes back to the same owners when an instance comes back', () => {
    const before = new PlacementRing(instances(5));
    expect(moved(before, new PlacementRing(instances(5)))).toEqual([]);
  });

  it('does not confuse names that differ little', () => {
    const names = ['guilds-1', 'guilds-11', 'guilds-111', '1-guilds', 'Guilds-1', 'guilds-1 ', ''];
    const ring = new PlacementRing(names);
    for (const own of countsOf(ring)) expect(own).toBeGreaterThan(80);
  });

  it('is a generation of its own: later changes to the list do not reach it', () => {
    const names = ['a', 'b'];
    const ring = new PlacementRing(names);
    const owner = ring.ownerOf(5);
    names.length = 0;
    expect(ring.ownerOf(5)).toBe(owner);
    expect(Object.isFrozen(ring.instances)).toBe(true);
  });
});
