import { Checker } from './checker.js';
import { MarkScanner, splitId } from './mark.js';
import { EVERYBODY } from './plan.js';
import type { Plan } from './plan.js';
import { Truth } from './truth.js';
import { Violations } from './violations.js';

/** One guild: channel 0 for all, channel 1 for role 1. Account 0 has it, account 1 does not. */
const PLAN: Plan = {
  botsCount: 2,
  accountsCount: 2,
  sessions: [],
  guilds: [
    {
      channels: [0, 1],
      masks: [EVERYBODY, 0b010],
      rolesCount: 1,
      members: Uint32Array.of(0, 1),
      groups: Uint8Array.of(1, 0),
    },
  ],
  guildOfChannel: [0, 0],
};
const [SEES_BOTH, SEES_OPEN] = [0, 1];

/** What is said in the guild, and two sessions that may be told of it. */
class Scene {
  readonly truth = new Truth(PLAN);
  readonly violations = new Violations();
  readonly checker = new Checker({
    truth: this.truth,
    violations: this.violations,
    accounts: Uint32Array.of(0, 1),
    channelsCount: 2,
    guildsCount: 1,
    nameOf: (session) => `session ${session}`,
  });
  readonly #said: { channel: number; n: number; epoch: number; id: string; previous: string }[] =
    [];

  /** Says something; its place among all that was said. */
  say(channel: number): number {
    const before = this.#said.filter((each) => each.channel === channel);
    const id = String(1_327_000_000_000_000_000n + BigInt(this.#said.length) * 997n);
    this.#said.push({
      channel,
      n: before.length + 1,
      epoch: this.truth.epoch(0),
      id,
      previous: before.at(-1)?.id ?? '0',
    });
    return this.#said.length - 1;
  }

  change(change: {
    mask?: { channel: number; groups: number };
    move?: { account: number; group: number };
  }): void {
    const firstN = [0, 1].map((channel) => this.#count(channel) + 1);
    this.truth.change({ guild: 0, firstN, ...change });
  }

  /** The session is told of it. */
  tell(session: number, place: number): void {
    const { channel, n, epoch, id, previous } = this.#said[place]!;
    const mark = new MarkScanner();
    const [own, before] = [splitId(id), splitId(previous)];
    this.checker.message(
      session,
      Object.assign(mark, {
        channel,
        n,
        epoch,
        idHigh: own.high,
        idLow: own.low,
        previousHigh: before.high,
        previousLow: before.low,
      }),
    );
  }

  /** The session begins, knowing all that was said so far. */
  begin(session: number, channels = [0, 1]): void {
    this.checker.begin(session);
    for (const channel of channels) {
      const last = this.#said.filter((each) => each.channel === channel).at(-1);
      const { high, low } = splitId(last?.id ?? '0');
      this.checker.snapshot(session, channel, high, low);
    }
  }

  missing(report = false): number {
    const lasts = [0, 1].map((channel) =>
      splitId(this.#said.filter((each) => each.channel === channel).at(-1)?.id ?? '0'),
    );
    return this.checker.missing(
      {
        lastN: Int32Array.from([0, 1], (channel) => this.#count(channel)),
        idHighs: Float64Array.from(lasts, ({ high }) => high),
        idLows: Float64Array.from(lasts, ({ low }) => low),
      },
      report,
    );
  }

  counts(): Record<string, number> {
    return Object.fromEntries(this.violations.counts);
  }

  #count(channel: number): number {
    return this.#said.filter((each) => each.channel === channel).length;
  }
}

function sceneWithBoth(): Scene {
  const scene = new Scene();
  scene.begin(SEES_BOTH);
  scene.begin(SEES_OPEN, [0]);
  return scene;
}

describe('Checker', () => {
  it('finds nothing wrong with what is right', () => {
    const scene = sceneWithBoth();
    for (let turn = 0; turn < 20; turn += 1) {
      const place = scene.say(turn % 2);
      scene.tell(SEES_BOTH, place);
      if (turn % 2 === 0) scene.tell(SEES_OPEN, place);
    }
    expect(scene.missing(true)).toBe(0);
    expect(scene.counts()).toEqual({});
  });

  it('finds a message that is left out', () => {
    const scene = sceneWithBoth();
    const places = [0, 0, 0, 0].map((channel) => scene.say(channel));
    scene.tell(SEES_BOTH, places[0]!);
    scene.tell(SEES_BOTH, places[3]!);
    expect(scene.counts()).toEqual({ gap: 2 });
  });

  it('finds a message that comes twice, and then goes on', () => {
    const scene = sceneWithBoth();
    const places = [0, 0].map((channel) => scene.say(channel));
    scene.tell(SEES_BOTH, places[0]!);
    scene.tell(SEES_BOTH, places[0]!);
    scene.tell(SEES_BOTH, places[1]!);
    expect(scene.counts()).toEqual({ duplicate: 1 });
  });

  it('finds messages of one channel in another order', () => {
    const scene = sceneWithBoth();
    const places = [0, 0, 0].map((channel) => scene.say(channel));
    for (const at of [0, 2, 1]) scene.tell(SEES_BOTH, places[at]!);
    expect(scene.counts()).toEqual({ gap: 1, reorder: 1 });
  });

  it('finds messages of two channels of a guild in another order', () => {
    const scene = sceneWithBoth();
    const [first, second] = [scene.say(0), scene.say(1)];
    scene.tell(SEES_BOTH, second);
    scene.tell(SEES_BOTH, first);
    expect(scene.counts()).toEqual({ reorder: 1 });
  });

  it('finds what the session may not view', () => {
    const scene = sceneWithBoth();
    scene.tell(SEES_OPEN, scene.say(1));
    expect(scene.counts()).toEqual({ leak: 1 });
    expect(scene.violations.examples).toEqual(['leak: session 1: message 1 of channel 1, epoch 0']);
  });

  it('takes for right what is not told while a channel is out of view', () => {
    const scene = sceneWithBoth();
    scene.tell(SEES_BOTH, scene.say(1));
    scene.change({ mask: { channel: 1, groups: 0 } });
    scene.say(1);
    scene.say(1);
    scene.change({ mask: { channel: 1, groups: 0b010 } });
    scene.tell(SEES_BOTH, scene.say(1));
    expect(scene.counts()).toEqual({});
    expect(scene.missing()).toBe(0);
  });

  it('finds a message that is told after the channel was lost, and one left out before', () => {
    const scene = sceneWithBoth();
    scene.tell(SEES_BOTH, scene.say(1));
    scene.say(1);
    scene.change({ move: { account: 0, group: 0 } });
    const hidden = scene.say(1);
    scene.tell(SEES_BOTH, hidden);
    expect(scene.counts()).toEqual({ leak: 1 });
    scene.change({ move: { account: 0, group: 1 } });
    scene.tell(SEES_BOTH, scene.say(1));
    expect(scene.counts()).toEqual({ leak: 1, gap: 1 });
  });

  it('takes a message of before a change for what it was, though it comes after', () => {
    const scene = sceneWithBoth();
    const place = scene.say(1);
    scene.change({ move: { account: 0, group: 0 } });
    scene.tell(SEES_BOTH, place);
    expect(scene.counts()).toEqual({});
  });

  it('finds at the end what never came', () => {
    const scene = sceneWithBoth();
    scene.tell(SEES_BOTH, scene.say(0));
    scene.say(0);
    scene.say(1);
    expect(scene.missing()).toBe(3);
    expect(scene.counts()).toEqual({});
    scene.missing(true);
    expect(scene.counts()).toEqual({ missing: 3 });
  });

  it('takes a session that begins anew from its snapshot', () => {
    const scene = sceneWithBoth();
    scene.tell(SEES_BOTH, scene.say(0));
    scene.say(0);
    scene.say(0);
    scene.begin(SEES_BOTH);
    scene.tell(SEES_BOTH, scene.say(0));
    expect(scene.counts()).toEqual({});
  });

  it('finds what is missing between a snapshot and the first message, or told again', () => {
    const scene = sceneWithBoth();
    const [first] = [scene.say(0), scene.say(0)];
    scene.begin(SEES_BOTH);
    scene.say(0);
    const later = scene.say(0);
    scene.tell(SEES_BOTH, later);
    expect(scene.counts()).toEqual({ gap: 1 });
    scene.begin(SEES_BOTH);
    scene.tell(SEES_BOTH, first!);
    expect(scene.counts()).toEqual({ gap: 1, duplicate: 1 });
  });

  it('does not judge the first of a channel that changed while the session began', () => {
    const scene = sceneWithBoth();
    scene.begin(SEES_BOTH, [0]);
    scene.change({ mask: { channel: 1, groups: 0b010 } });
    scene.say(1);
    scene.tell(SEES_BOTH, scene.say(1));
    expect(scene.counts()).toEqual({});
    expect(scene.checker.unjudgedCount).toBe(1);
  });

  it('finds holes and repeats in s', () => {
    const scene = sceneWithBoth();
    for (const s of [1, 2, 4, 4, 5, 3, 6]) scene.checker.sequence(0, s);
    expect(scene.counts()).toEqual({ sequenceGap: 1, sequenceRepeat: 2 });
    expect(scene.checker.sequenceOf(0)).toBe(6);
    scene.checker.begin(0);
    scene.checker.sequence(0, 1);
    expect(scene.violations.total).toBe(3);
  });
});
