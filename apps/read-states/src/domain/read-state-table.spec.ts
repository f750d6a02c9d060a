import { Bug } from '@guildhall/fault';
import { emptyReadState, type ReadState } from './read-state.js';
import { MappedReadStateTable } from './read-state-table.js';

const entry = (channelId: bigint, version: bigint): ReadState => ({
  ...emptyReadState(0, channelId),
  version,
});
const userIn = (partition: number, number: number): bigint =>
  (1n << 22n) | (BigInt(partition) << 12n) | BigInt(number);

describe('MappedReadStateTable', () => {
  it('counts users and entries through all that happens to them', () => {
    const table = new MappedReadStateTable();
    const user = userIn(3, 1);
    table.add(user, 2n, [entry(1n, 1n), entry(2n, 2n)]);
    expect([table.usersCount, table.entriesCount]).toEqual([1, 2]);

    table.put(user, entry(2n, 3n));
    table.put(user, entry(3n, 4n));
    expect([table.entriesCount, table.versionOf(user)]).toEqual([3, 4n]);

    table.remove(user, 0, 1n, 5n);
    expect([table.entriesCount, table.versionOf(user)]).toEqual([2, 5n]);
    expect(table.get(user, 0, 1n)).toBeUndefined();
    expect([...table.entriesOf(user)].map(({ channelId }) => channelId)).toEqual([2n, 3n]);

    table.drop(user);
    table.drop(user);
    expect([table.usersCount, table.entriesCount]).toEqual([0, 0]);
  });

  it('finds the users of a partition', () => {
    const table = new MappedReadStateTable();
    const users = [userIn(0, 1), userIn(0, 2), userIn(1023, 1)];
    for (const user of users) table.add(user, 0n, []);

    expect([...table.usersOf(0)]).toEqual(users.slice(0, 2));
    expect([...table.usersOf(1023)]).toEqual(users.slice(2));
    expect([...table.usersOf(512)]).toEqual([]);
  });

  it('takes a question about a user it does not have for a bug', () => {
    const table = new MappedReadStateTable();
    expect(() => table.get(1n, 0, 1n)).toThrow(Bug);
    table.add(1n, 0n, []);
    expect(() => table.add(1n, 0n, [])).toThrow(Bug);
  });
});
