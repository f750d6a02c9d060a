import { create } from '@bufbuild/protobuf';
import { AuthenticateReplySchema, ReadStateEntrySchema } from '@guildhall/contracts';
import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import {
  Capability,
  guildSettingsKnownTo,
  personReady,
  readStatesKnownTo,
  type PersonFacts,
} from './ready-payload.js';

/** READY's `d` for a person of whom nothing is known but what a spec says. */
function readyOf(person: Partial<PersonFacts>): Record<string, unknown> {
  const [ready] = personReady(
    {
      version: 9,
      account: create(AuthenticateReplySchema, {}),
      sessionId: 'session',
      resumeUrl: 'ws://127.0.0.1',
      shard: null,
      guildIds: [],
      trace: [],
    },
    {
      capabilities: 0,
      guilds: new Map(),
      privateChannels: [],
      guildSettings: { entries: [], version: 0n },
      guildSettingsKnown: undefined,
      readStates: { entries: [], version: 0n },
      mentionCounts: [],
      readStatesKnown: undefined,
      sessions: [],
      authSessionIdHash: '',
      ...person,
    },
  );
  return JSON.parse(ready!.data.toString()) as Record<string, unknown>;
}

interface Told {
  readonly entries: readonly { id: string; last_message_id: string; mention_count: number }[];
  readonly partial: boolean;
  readonly version: number;
}

/** Channels of one person, of whom some are mentions, some read, and some both. */
class Channels {
  readonly #random: SeededRandom;
  readonly #read = new Map<bigint, { lastMessageId: bigint; version: bigint }>();
  readonly #messages = new Map<bigint, { id: bigint; isMention: boolean; isGone: boolean }[]>();
  version = 0n;
  #nextId = 1n;

  constructor(random: SeededRandom, count: number) {
    this.#random = random;
    for (let id = 1; id <= count; id += 1) this.#messages.set(BigInt(id), []);
  }

  step(): void {
    const messages = this.#random.pick([...this.#messages.values()]);
    const channelId = [...this.#messages].find(([, all]) => all === messages)![0];
    const what = this.#random.next();
    if (what < 0.5) {
      messages.push({ id: this.#nextId++, isMention: this.#random.chance(0.5), isGone: false });
    } else if (messages.length === 0) {
      return;
    } else if (what < 0.7) {
      this.#random.pick(messages).isGone = true;
    } else {
      const { id } = this.#random.chance(0.7) ? messages.at(-1)! : this.#random.pick(messages);
      if (id <= (this.#read.get(channelId)?.lastMessageId ?? 0n)) return;
      this.#read.set(channelId, { lastMessageId: id, version: (this.version += 1n) });
    }
  }

  /** READY for a client that says to know this version. */
  ready(saidVersion: number | null): Told {
    const known = readStatesKnownTo(Capability.VersionedReadStates, saidVersion, this.version);
    const entries = [...this.#read].map(([channelId, { lastMessageId, version }]) =>
      create(ReadStateEntrySchema, { channelId, lastMessageId, version }),
    );
    // As the owner of the channels counts; see the guilds app.
    const mentionCounts = [...this.#messages].flatMap(([channelId, messages]) => {
      const read = this.#read.get(channelId);
      const after = read?.lastMessageId ?? 0n;
      const mentionCount = messages.filter(
        ({ id, isMention, isGone }) => id > after && isMention && !isGone,
      ).length;
      const lastMessageId = messages.at(-1)?.id ?? 0n;
      const isWanted = mentionCount > 0 || (known !== undefined && lastMessageId !== 0n);
      return read === undefined && !isWanted ? [] : [{ channelId, mentionCount, lastMessageId }];
    });
    const ready = readyOf({
      capabilities: Capability.VersionedReadStates,
      readStates: { entries, version: this.version },
      mentionCounts,
      readStatesKnown: known,
    });
    return ready['read_state'] as Told;
  }
}

/** What a client shows, which has kept what it was told before. */
function shown(before: ReadonlyMap<string, string>, told: Told): Map<string, string> {
  const now = new Map(told.partial ? before : []);
  for (const { id, last_message_id: last, mention_count: count } of told.entries) {
    if (last === '0' && count === 0) now.delete(id);
    else now.set(id, `${last} ${count}`);
  }
  return now;
}

describe('the read states of READY', () => {
  const random = new SeededRandom(seedFromEnv(process.env['SEED']));

  it(`are the same told whole and in parts, whatever happened between (${random})`, () => {
    let [partsCount, leftOutCount] = [0, 0];
    for (let story = 0; story < 300; story += 1) {
      const channels = new Channels(random.fork(`story ${story}`), 1 + random.int(8));
      let kept = new Map<string, string>();
      let known: number | null = null;
      for (let visit = 0; visit < 6; visit += 1) {
        for (let steps = random.int(12); steps > 0; steps -= 1) channels.step();
        const told = channels.ready(known);
        const whole = channels.ready(null);
        kept = shown(kept, told);
        expect(kept).toEqual(shown(new Map(), whole));
        expect([whole.partial, told.version]).toEqual([false, whole.version]);
        if (told.partial) {
          partsCount += 1;
          leftOutCount += whole.entries.filter(
            ({ id }) => !told.entries.some((one) => one.id === id),
          ).length;
        }
        known = told.version;
      }
    }
    expect(partsCount).toBeGreaterThan(100);
    expect(leftOutCount).toBeGreaterThan(100);
  });

  it.each([
    ['does not ask for versions', 0, 5, undefined],
    ['says none', Capability.VersionedReadStates, null, undefined],
    ['says one that never was', Capability.VersionedReadStates, 8, undefined],
    ['says one of before', Capability.VersionedReadStates, 5, 5],
  ])('are told whole, or since a version, to who %s', (_who, capabilities, said, known) => {
    expect(readStatesKnownTo(capabilities, said, 7n)).toBe(known);
  });
});

describe('the user guild settings of READY', () => {
  const versioned = Capability.VersionedUserGuildSettings;
  const settings = (guildId: string | null, version: number) => ({
    json: Buffer.from(JSON.stringify({ guild_id: guildId, version })),
    version: BigInt(version),
  });
  const guildSettings = { entries: [settings('5', 2), settings(null, 3)], version: 4n };
  const told = (capabilities: number, guildSettingsKnown?: number): unknown =>
    readyOf({ capabilities, guildSettings, guildSettingsKnown })['user_guild_settings'];
  const all = [
    { guild_id: '5', version: 2 },
    { guild_id: null, version: 3 },
  ];

  it('are a list, or versioned where the client can read that', () => {
    expect(told(0)).toEqual(all);
    expect(told(versioned)).toEqual({ entries: all, partial: false, version: 4 });
    const none = readyOf({ capabilities: versioned })['user_guild_settings'];
    expect(none).toEqual({ entries: [], partial: false, version: 0 });
    expect(readyOf({})['user_guild_settings']).toEqual([]);
  });

  it('are what is newer than the version that the client knows', () => {
    expect(told(versioned, 0)).toEqual({ entries: all, partial: true, version: 4 });
    expect(told(versioned, 2)).toEqual({ entries: [all[1]], partial: true, version: 4 });
    expect(told(versioned, 4)).toEqual({ entries: [], partial: true, version: 4 });
  });

  it.each([
    ['does not ask for versions', 0, 5, undefined],
    ['says none', versioned, null, undefined],
    ['says one that never was', versioned, 8, undefined],
    ['says the first', versioned, 0, 0],
    ['says the newest', versioned, 7, 7],
  ])('are told whole, or since a version, to who %s', (_who, capabilities, said, known) => {
    expect(guildSettingsKnownTo(capabilities, said, 7n)).toBe(known);
  });
});
