import type { Member } from '@guildhall/contracts';
import { MemberTable } from './member-table.js';

const LEASE_MS = 100;

describe('MemberTable', () => {
  let table: MemberTable;
  const member = (fields: Partial<Member>): Member => ({
    $typeName: 'fleet.placement.v1.Member',
    service: 'guilds',
    instance: 'a',
    state: 'ready',
    incarnation: 5n,
    version: '1',
    beat: 1n,
    ...fields,
  });
  const hear = (fields: Partial<Member>, nowMs = 0) => table.hear(member(fields), nowMs);
  const seen = () => table.of('guilds').map(({ instance, state }) => `${instance} ${state}`);

  beforeEach(() => {
    table = new MemberTable(LEASE_MS);
  });

  it('tells what a beat changed, and only that', () => {
    expect(hear({ state: 'joining' })).toBe('joined');
    expect(hear({ state: 'joining', beat: 2n })).toBe('none');
    const views = table.of('guilds');
    expect(hear({ state: 'joining', beat: 3n })).toBe('none');
    expect(table.of('guilds')).toBe(views);
    expect(hear({ state: 'ready', beat: 4n })).toBe('changed');
    expect(hear({ state: 'ready', beat: 5n, version: '2' })).toBe('changed');
    expect(hear({ state: 'left', beat: 6n })).toBe('changed');
    expect(seen()).toEqual([]);
  });

  it('ignores an older word of the same start, and any word of an older one', () => {
    hear({ state: 'draining', beat: 7n });
    expect(hear({ state: 'ready', beat: 7n })).toBe('none');
    expect(hear({ state: 'ready', beat: 6n })).toBe('none');
    expect(hear({ state: 'ready', beat: 9n, incarnation: 4n })).toBe('none');
    expect(seen()).toEqual(['a draining']);
    expect(hear({ state: 'joining', beat: 1n, incarnation: 6n })).toBe('joined');
    expect(seen()).toEqual(['a joining']);
  });

  it('forgets whom it has not heard for a lease, on the dot', () => {
    hear({ instance: 'a' }, 0);
    hear({ instance: 'b' }, 30);
    expect(table.nextExpiryMs).toBe(100);
    expect(table.expire(99)).toEqual([]);
    expect(table.expire(100).map(({ instance }) => instance)).toEqual(['a']);
    expect(seen()).toEqual(['b ready']);
    expect(table.nextExpiryMs).toBe(130);
    hear({ instance: 'b', beat: 2n }, 120);
    expect(table.nextExpiryMs).toBe(220);
  });

  it('does not bring back who left because a beat comes late, but does after a lease', () => {
    hear({ beat: 1n });
    hear({ state: 'left', beat: 3n }, 10);
    expect(hear({ beat: 2n }, 20)).toBe('none');
    expect(seen()).toEqual([]);
    expect(table.expire(110)).toEqual([]);
    expect(hear({ beat: 2n }, 120)).toBe('changed');
    expect(seen()).toEqual(['a ready']);
  });

  it('keeps services apart, and their members sorted', () => {
    for (const instance of ['b', 'a', 'c']) hear({ instance });
    hear({ service: 'gateway', instance: 'a' });
    expect(seen()).toEqual(['a ready', 'b ready', 'c ready']);
    table.forget('guilds', 'b');
    expect(seen()).toEqual(['a ready', 'c ready']);
    expect(table.of('gateway')).toHaveLength(1);
    expect(table.of('nobody')).toEqual([]);
  });

  it('has a bound', () => {
    for (let at = 0; at < 4_096; at += 1) hear({ instance: `i${at}` });
    expect(hear({ instance: 'one too many' })).toBe('none');
    expect(hear({ instance: 'i7', state: 'draining', beat: 2n })).toBe('changed');
    expect(table.of('guilds')).toHaveLength(4_096);
  });
});
