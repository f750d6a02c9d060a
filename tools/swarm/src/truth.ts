// Who may view which channel, and since when: what the fleet was told, in the order in which it
// confirmed it. Each change of a guild's permissions begins an epoch; while it is made nobody
// speaks in the guild, so every message belongs to exactly one epoch, and says so in its mark.
//
//   epoch 0        | epoch 1: role 2 loses #3  | epoch 2: account 7 gets role 2
//   #3  n = 1..40  | n = 41..63                | n = 64..
//
// A client process is told of an epoch before anything is said in it.

import { EVERYBODY } from './plan.js';
import type { Plan } from './plan.js';

/** A change of one guild's permissions. */
export interface EpochChange {
  readonly guild: number;
  /** By place of the channel in the guild: its first message in this epoch. */
  readonly firstN: readonly number[];
  /** A channel that other groups may view from now on. */
  readonly mask?: { readonly channel: number; readonly groups: number };
  /** An account that is in another group from now on. */
  readonly move?: { readonly account: number; readonly group: number };
}

interface Epoch {
  readonly masks: Uint32Array;
  readonly firstN: Int32Array;
  readonly moved: { readonly account: number; readonly from: number } | undefined;
  /** How many changes of any guild there had been, this one included. */
  readonly changeNumber: number;
}

const NO_MEMBER = 255;

/** See the top of the file. */
export class Truth {
  /** By channel. */
  readonly guildOfChannel: Int32Array;
  /** By channel: its place among its guild's. */
  readonly #placeOfChannel: Int32Array;
  readonly #accountsCount: number;
  /** By guild and account: the group now. */
  readonly #groups: Uint8Array;
  readonly #epochs: Epoch[][];
  #changesCount = 0;

  constructor(plan: Plan) {
    const { accountsCount, guilds } = plan;
    this.#accountsCount = accountsCount;
    this.guildOfChannel = Int32Array.from(plan.guildOfChannel);
    this.#placeOfChannel = new Int32Array(plan.guildOfChannel.length);
    this.#groups = new Uint8Array(guilds.length * accountsCount).fill(NO_MEMBER);
    this.#epochs = guilds.map(({ channels, masks, members, groups }, guild) => {
      channels.forEach((channel, place) => (this.#placeOfChannel[channel] = place));
      members.forEach((account, at) => {
        this.#groups[guild * accountsCount + account] = groups[at]!;
      });
      const firstN = new Int32Array(channels.length).fill(1);
      return [{ masks: Uint32Array.from(masks), firstN, moved: undefined, changeNumber: 0 }];
    });
  }

  /** Changes of all guilds so far. */
  get changesCount(): number {
    return this.#changesCount;
  }

  /** The guild's epoch now. */
  epoch(guild: number): number {
    return this.#epochs[guild]!.length - 1;
  }

  isMember(guild: number, account: number): boolean {
    return this.#groups[guild * this.#accountsCount + account] !== NO_MEMBER;
  }

  /** Whether nothing about the guild has changed since there had been so many changes. */
  isSameSince(guild: number, changesCount: number): boolean {
    return this.#epochs[guild]!.at(-1)!.changeNumber <= changesCount;
  }

  /** Begins an epoch. */
  change({ guild, firstN, mask, move }: EpochChange): void {
    const epochs = this.#epochs[guild]!;
    const masks = epochs.at(-1)!.masks.slice();
    if (mask !== undefined) masks[this.#placeOfChannel[mask.channel]!] = mask.groups;
    let moved: Epoch['moved'];
    if (move !== undefined) {
      const at = guild * this.#accountsCount + move.account;
      moved = { account: move.account, from: this.#groups[at]! };
      this.#groups[at] = move.group;
    }
    this.#changesCount += 1;
    const changeNumber = this.#changesCount;
    epochs.push({ masks, firstN: Int32Array.from(firstN), moved, changeNumber });
  }

  /**
   * Hot path. Whether the account may view what is said in the channel in this epoch. False for an
   * epoch that nobody has told of.
   */
  mayView(account: number, channel: number, epoch: number): boolean {
    const guild = this.guildOfChannel[channel]!;
    const epochs = this.#epochs[guild]!;
    if (epoch >= epochs.length) return false;
    const mask = epochs[epoch]!.masks[this.#placeOfChannel[channel]!]!;
    let group = this.#groups[guild * this.#accountsCount + account]!;
    if (group === NO_MEMBER) return false;
    if (mask === EVERYBODY) return true;
    for (let later = epochs.length - 1; later > epoch; later -= 1) {
      const { moved } = epochs[later]!;
      if (moved !== undefined && moved.account === account) group = moved.from;
    }
    return ((mask >>> group) & 1) === 1;
  }

  /** How many messages of the channel from `from` to `to`, both included, the account may view. */
  visibleCount(account: number, channel: number, from: number, to: number): number {
    if (to < from) return 0;
    const epochs = this.#epochs[this.guildOfChannel[channel]!]!;
    const place = this.#placeOfChannel[channel]!;
    let count = 0;
    for (let epoch = 0; epoch < epochs.length; epoch += 1) {
      const first = Math.max(from, epochs[epoch]!.firstN[place]!);
      const next = epochs[epoch + 1]?.firstN[place] ?? Infinity;
      const last = Math.min(to, next - 1);
      if (last >= first && this.mayView(account, channel, epoch)) count += last - first + 1;
    }
    return count;
  }
}
