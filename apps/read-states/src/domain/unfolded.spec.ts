import { emptyReadState, type UserReadState } from './read-state.js';
import { newestOf, Unfolded } from './unfolded.js';

const change = (userId: bigint, channelId: bigint, version: bigint): UserReadState => ({
  ...emptyReadState(0, channelId),
  userId,
  version,
});

const versions = (changes: Iterable<UserReadState>): bigint[] =>
  [...changes].map((one) => one.version).sort();

describe('Unfolded', () => {
  it('keeps of each entry the last change only', () => {
    const unfolded = new Unfolded();
    for (const version of [1n, 2n, 3n]) unfolded.add(change(1n, 10n, version));
    unfolded.add(change(1n, 11n, 4n));
    unfolded.add(change(2n, 10n, 1n));

    expect(unfolded.count).toBe(3);
    expect(versions(unfolded.of(1n))).toEqual([3n, 4n]);
    expect(versions(unfolded.take())).toEqual([1n, 3n, 4n]);
  });

  it('knows what is being written, beside what came meanwhile, until it is written', () => {
    const unfolded = new Unfolded();
    unfolded.add(change(1n, 10n, 1n));
    unfolded.take();
    unfolded.add(change(1n, 10n, 2n));

    expect(versions(unfolded.of(1n))).toEqual([1n, 2n]);
    expect(unfolded.count).toBe(2);
    unfolded.written();
    expect(versions(unfolded.of(1n))).toEqual([2n]);
    expect(unfolded.count).toBe(1);
  });

  it('takes back what was not written, unless it is overtaken', () => {
    const unfolded = new Unfolded();
    unfolded.add(change(1n, 10n, 1n));
    unfolded.add(change(1n, 11n, 2n));
    unfolded.take();
    unfolded.add(change(1n, 10n, 3n));
    unfolded.putBack();

    expect(unfolded.count).toBe(2);
    expect(versions(unfolded.take())).toEqual([2n, 3n]);
  });
});

describe('newestOf', () => {
  it('chooses by version, whatever the order', () => {
    const states = [change(1n, 10n, 5n), change(1n, 11n, 2n), change(1n, 10n, 4n)];
    expect(newestOf(states).map((one) => one.version)).toEqual([5n, 2n]);
    expect(
      newestOf(states.toReversed())
        .map((one) => one.version)
        .sort(),
    ).toEqual([2n, 5n]);
  });
});
