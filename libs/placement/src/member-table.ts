// Who is alive, from nothing but what was heard. Pure: beats and times come in, views go out.
//
// A member is known by service and instance name. The word of a newer start of it (incarnation)
// replaces that of an older one, a later beat that of an earlier one, and everything else is stale.
// One that said it left is remembered for a lease, so that a late beat does not bring it back.
import type { Member } from '@guildhall/contracts';

/** What a living member says it is. Only `ready` ones own partitions. */
export type MemberState = 'joining' | 'ready' | 'draining';

/** A living member, as this process sees it. */
export interface MemberView {
  readonly service: string;
  readonly instance: string;
  readonly state: MemberState;
  /** Different for each start of a process. */
  readonly incarnation: bigint;
  readonly version: string;
}

/** What a beat told: nothing new, somebody who begins to join, or another change of the view. */
export type News = 'none' | 'joined' | 'changed';

interface Entry {
  view: MemberView;
  hasLeft: boolean;
  beat: bigint;
  heardAtMs: number;
}

const MEMBERS_MAX = 4_096;
const NOBODY: readonly MemberView[] = Object.freeze([]);

/** The members of all services. */
export class MemberTable {
  readonly #leaseMs: number;
  readonly #entries = new Map<string, Entry>();
  readonly #views = new Map<string, readonly MemberView[]>();

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /** Takes a beat. Past 4,096 members new ones are ignored. */
  hear(member: Member, nowMs: number): News {
    const { service, instance, incarnation, beat, version } = member;
    const key = keyOf(service, instance);
    const known = this.#entries.get(key);
    if (known !== undefined) {
      if (incarnation < known.view.incarnation) return 'none';
      if (incarnation === known.view.incarnation && beat <= known.beat) return 'none';
    } else if (this.#entries.size >= MEMBERS_MAX) {
      return 'none';
    }
    const hasLeft = member.state === 'left';
    const state = stateOf(member.state);
    const isSame =
      known !== undefined &&
      known.hasLeft === hasLeft &&
      known.view.incarnation === incarnation &&
      known.view.state === state &&
      known.view.version === version;
    if (isSame) {
      known.beat = beat;
      known.heardAtMs = nowMs;
      return 'none';
    }
    const view = Object.freeze({ service, instance, state, incarnation, version });
    this.#entries.set(key, { view, hasLeft, beat, heardAtMs: nowMs });
    this.#views.delete(service);
    if (hasLeft) return known === undefined || known.hasLeft ? 'none' : 'changed';
    return state === 'joining' ? 'joined' : 'changed';
  }

  /** Forgets those who were not heard for a lease, and gives them. */
  expire(nowMs: number): MemberView[] {
    const dead: MemberView[] = [];
    for (const [key, { view, hasLeft, heardAtMs }] of this.#entries) {
      if (nowMs - heardAtMs < this.#leaseMs) continue;
      this.#entries.delete(key);
      if (hasLeft) continue;
      this.#views.delete(view.service);
      dead.push(view);
    }
    return dead;
  }

  /** Forgets one member, whatever it said. */
  forget(service: string, instance: string): void {
    if (this.#entries.delete(keyOf(service, instance))) this.#views.delete(service);
  }

  /** The living members of a service by name. The same array until something changes. */
  of(service: string): readonly MemberView[] {
    let views = this.#views.get(service);
    if (views !== undefined) return views;
    const living = [...this.#entries.values()]
      .filter(({ view, hasLeft }) => view.service === service && !hasLeft)
      .map(({ view }) => view)
      .sort((a, b) => (a.instance < b.instance ? -1 : 1));
    views = living.length === 0 ? NOBODY : Object.freeze(living);
    this.#views.set(service, views);
    return views;
  }

  /** When the next one expires unless it is heard again; undefined when nobody is there. */
  get nextExpiryMs(): number | undefined {
    let next: number | undefined;
    for (const { heardAtMs } of this.#entries.values()) {
      if (next === undefined || heardAtMs + this.#leaseMs < next) next = heardAtMs + this.#leaseMs;
    }
    return next;
  }
}

/** A state that a newer version may have is taken for one that owns nothing. */
function stateOf(state: string): MemberState {
  return state === 'ready' || state === 'draining' ? state : 'joining';
}

const keyOf = (service: string, instance: string): string => `${service} ${instance}`;
