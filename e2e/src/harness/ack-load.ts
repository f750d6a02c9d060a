// Users who read and mark as read without end, straight over the bus, and what must be known of
// them afterwards: a model of each user that moves with what was answered.
//
// Every operation is repeated until it is answered, as any caller does. So once it is, whatever
// was killed meanwhile, the user's version is the model's and no other: one higher if the mark
// moved, however often it was sent. Only what is set by hand is not repeated when it is unclear
// whether it was done, since a late first try could undo what came after it: such a user is asked
// for nothing more, and has to be one of two things in the end.
import { callMethod, connectNats, type Bus } from '@guildhall/bus';
import { sleep } from '@guildhall/clock';
import {
  batchFaultCode,
  BatchStatus,
  inboxPrefix,
  OperationWriter,
  ReadStates,
  ResultReader,
  versionAfterDeletion,
  type ReadStateEntry,
} from '@guildhall/contracts';
import { Fault, FaultCode, isRetryable } from '@guildhall/fault';
import type { Fleet } from '@guildhall/fleet';
import { PARTITIONS_COUNT } from '@guildhall/snowflake';
import { eventually, type SeededRandom } from '@guildhall/testkit';

export interface AckLoadOptions {
  readonly workers: number;
  readonly usersPerWorker: number;
  /** Operations in one message, each of another user. */
  readonly operationsPerMessage: number;
  /** From an answer to the next message, ms. */
  readonly pauseMs: number;
}

/** What a user's client knows of one channel. */
interface Mark {
  readonly lastMessageId: bigint;
  readonly mentionCount: number;
  readonly manualUntilMessageId: bigint;
  readonly lastPinTimestampMs: bigint;
}

interface User {
  readonly id: bigint;
  version: bigint;
  /** A try may still be on its way until then: nothing is asked for that it could undo. */
  lateUntilMs: number;
  readonly marks: Map<bigint, Mark>;
}

/** One thing that is asked for. `after`: what it makes of the mark; undefined: nothing is left. */
interface Operation {
  readonly user: User;
  readonly channelId: bigint;
  readonly kind: 'get' | 'ack' | 'pins' | 'by hand' | 'delete';
  readonly write: (writer: OperationWriter) => void;
  readonly after: Mark | undefined;
  readonly moves: boolean;
  isUnclear: boolean;
}

const NO_MARK: Mark = {
  lastMessageId: 0n,
  mentionCount: 0,
  manualUntilMessageId: 0n,
  lastPinTimestampMs: 0n,
};
const CHANNELS = 8;
const TRY_TIMEOUT_MS = 1_000;
const AGAIN_MS = 20;
/** Nothing may be unanswered for so long. */
const PATIENCE_MS = 30_000;
/** Longer than any try lies anywhere. */
const LATE_MS = 10_000;
const LOAD_TIMEOUT_MS = 40_000;

/** See the top of the file. */
export class AckLoad {
  /** Operations that were answered, by kind, and tries that came to nothing. */
  readonly answered: Record<Operation['kind'], number> = {
    get: 0,
    ack: 0,
    pins: 0,
    'by hand': 0,
    delete: 0,
  };
  retriesCount = 0;
  /** What must not be, in words; the first is enough. */
  readonly wrongs: string[] = [];
  readonly #bus: Bus;
  readonly #random: SeededRandom;
  readonly #options: AckLoadOptions;
  readonly #workers: Worker[];
  /** What may have become of users that were set by hand when something died. */
  readonly #unclear: { readonly user: User; readonly operation: Operation }[] = [];
  #usersCount = 0;

  private constructor(bus: Bus, random: SeededRandom, options: AckLoadOptions) {
    this.#bus = bus;
    this.#random = random;
    this.#options = options;
    const partitions = random
      .shuffle(Array.from({ length: PARTITIONS_COUNT }, (_, partition) => partition))
      .slice(0, options.workers);
    this.#workers = partitions.map((partition) => ({
      partition,
      users: Array.from({ length: options.usersPerWorker }, () => this.#newUser(partition)),
      isAtWork: false,
      answeredSinceMs: 0,
      lastFault: 'nothing went wrong',
      running: Promise.resolve(),
    }));
  }

  /** Connects as an api would. Nothing is asked for until `resume`. */
  static async open(fleet: Fleet, random: SeededRandom, options: AckLoadOptions): Promise<AckLoad> {
    const url = fleet.natsUrl('api');
    const bus = await connectNats({ name: 'ack-load', url, inboxPrefix: inboxPrefix('api') });
    return new AckLoad(bus, random, options);
  }

  /** Marks that moved, by an answer. */
  get acksCount(): number {
    return this.answered.ack;
  }

  get unclearCount(): number {
    return this.#unclear.length;
  }

  resume(): void {
    for (const worker of this.#workers) {
      worker.isAtWork = true;
      worker.running = this.#work(worker);
    }
  }

  /** Resolves when everything that was asked for is answered. */
  async pause(): Promise<void> {
    for (const worker of this.#workers) worker.isAtWork = false;
    await Promise.all(this.#workers.map(({ running }) => running));
  }

  /** Resolves when so many more operations have been answered. */
  async goesOnFor(operationsCount: number): Promise<void> {
    const enough = this.#answeredCount() + operationsCount;
    await eventually(() => this.#isOver(this.#answeredCount() >= enough), {
      label: `${operationsCount} more operations are answered`,
      timeoutMs: LOAD_TIMEOUT_MS,
    });
  }

  /** Resolves when every worker has had an answer to something it asked for after that moment. */
  async flowsSince(atMs: number): Promise<void> {
    const isServed = (worker: Worker): boolean => worker.answeredSinceMs >= atMs;
    await eventually(() => this.#isOver(this.#workers.every(isServed)), {
      label: 'all partitions are served again',
      timeoutMs: LOAD_TIMEOUT_MS,
    });
  }

  /** Compares every user with the model; when paused. Gives how many entries were compared. */
  async compare(): Promise<number> {
    let entriesCount = 0;
    const users = this.#workers.flatMap(({ users: own }) => own);
    await this.#forEach(users, async (user) => {
      const loaded = await this.load(user.id);
      entriesCount += loaded.entries.length;
      this.#expectSame(user, loaded, `${user.id}`);
    });
    return entriesCount;
  }

  /** The same for the users of whom it is unclear what they are; each is one of two things. */
  async compareUnclear(): Promise<void> {
    await this.#forEach(this.#unclear, async ({ user, operation }) => {
      const loaded = await this.load(user.id);
      if (loaded.version !== user.version) apply(operation);
      this.#expectSame(user, loaded, `${user.id}, unclear`);
    });
  }

  /** All entries of a user, asked for until they come. */
  async load(
    userId: bigint,
  ): Promise<{ readonly version: bigint; readonly entries: readonly ReadStateEntry[] }> {
    const route = { partition: Number((userId >> 12n) & 1023n) };
    return eventually(
      () => callMethod(this.#bus, ReadStates.method.load, route, { userId }, { timeoutMs: 2_000 }),
      { label: `user ${userId} is loaded`, timeoutMs: LOAD_TIMEOUT_MS },
    );
  }

  async close(): Promise<void> {
    await this.pause();
    await this.#bus.close();
  }

  /** Nothing comes any more once something was wrong, which is for the story to say. */
  #isOver(isSo: boolean): boolean {
    return isSo || this.wrongs.length > 0;
  }

  #answeredCount(): number {
    return Object.values(this.answered).reduce((sum, count) => sum + count, 0);
  }

  #newUser(partition: number): User {
    this.#usersCount += 1;
    const id = (BigInt(this.#usersCount) << 22n) | (BigInt(partition) << 12n);
    return { id, version: 0n, lateUntilMs: 0, marks: new Map() };
  }

  async #work(worker: Worker): Promise<void> {
    const { operationsPerMessage, pauseMs } = this.#options;
    const { clock } = this.#bus;
    while (worker.isAtWork && this.wrongs.length === 0) {
      const users = this.#random.shuffle(worker.users).slice(0, operationsPerMessage);
      let operations = users.map((user) => this.#operation(user));
      const firstMs = performance.now();
      while (operations.length > 0 && this.wrongs.length === 0) {
        const sentMs = performance.now();
        if (sentMs - firstMs > PATIENCE_MS) {
          this.#wrong(`partition ${worker.partition} is not served: ${worker.lastFault}`);
        }
        operations = await this.#ask(worker, operations);
        if (operations.length === 0) worker.answeredSinceMs = sentMs;
        else await sleep(clock, AGAIN_MS);
      }
      await sleep(clock, pauseMs);
    }
  }

  /** Sends operations once. Gives those that have to be sent again. */
  async #ask(worker: Worker, operations: readonly Operation[]): Promise<Operation[]> {
    const writer = new OperationWriter();
    for (const { write } of operations) write(writer);
    let results: ResultReader | undefined;
    let fault: Fault | undefined;
    try {
      const { partition } = worker;
      const request = { operations: writer.take() };
      const { batch } = ReadStates.method;
      const options = { timeoutMs: TRY_TIMEOUT_MS };
      results = new ResultReader(
        await callMethod(this.#bus, batch, { partition }, request, options),
      );
    } catch (reason) {
      fault = Fault.from(reason);
    }
    return operations.filter((operation, at) => {
      const code = fault?.code ?? batchFaultCode(results!.statusAt(at));
      if (code === undefined) this.#answered(operation, results!, at);
      else return this.#failed(worker, operation, code);
      return false;
    });
  }

  #answered(operation: Operation, results: ResultReader, at: number): void {
    const { user, kind, channelId, moves, isUnclear } = operation;
    this.answered[kind] += 1;
    const hasMoved = results.statusAt(at) === BatchStatus.Moved;
    // A try before this one may have moved it.
    if (hasMoved !== moves && !(moves && isUnclear)) {
      this.#wrong(`${user.id}: ${kind} of ${channelId} ${hasMoved ? 'moved' : 'did not move'}`);
    }
    apply(operation);
    if (results.versionAt(at) !== user.version) {
      const versions = `${results.versionAt(at)}, not ${user.version}`;
      this.#wrong(`${user.id}: version after ${kind} of ${channelId} is ${versions}`);
    }
    if (kind !== 'get') return;
    const entry = results.entryAt(at);
    const mark = user.marks.get(channelId);
    if (entry === undefined ? mark !== undefined : !isSame(entry, mark)) {
      this.#wrong(`${user.id}: ${channelId} is ${shown(entry)}, not ${shown(mark)}`);
    }
  }

  /** Whether to send it again. */
  #failed(worker: Worker, operation: Operation, code: FaultCode): boolean {
    this.retriesCount += 1;
    worker.lastFault = code;
    const { user, kind } = operation;
    if (code === FaultCode.Overloaded) return true;
    if (!isRetryable(code)) {
      this.#wrong(`${user.id}: ${kind} is ${code}`);
      return false;
    }
    operation.isUnclear = true;
    user.lateUntilMs = performance.now() + LATE_MS;
    if (kind !== 'by hand' && kind !== 'delete') return true;
    this.#unclear.push({ user, operation });
    worker.users[worker.users.indexOf(user)] = this.#newUser(worker.partition);
    return false;
  }

  #operation(user: User): Operation {
    const random = this.#random;
    const channelId = BigInt(1 + random.int(CHANNELS));
    const before = user.marks.get(channelId);
    const mark = before ?? NO_MARK;
    const chance = random.next();
    const about = { user, channelId, isUnclear: false };
    if (chance < 0.1) {
      const write = (writer: OperationWriter) => writer.get(user.id, 0, channelId);
      return { ...about, kind: 'get', write, after: before, moves: false };
    }
    const isLate = performance.now() < user.lateUntilMs;
    if (chance < 0.12 && !isLate) {
      const write = (writer: OperationWriter) => writer.delete(user.id, 0, channelId);
      return { ...about, kind: 'delete', write, after: undefined, moves: before !== undefined };
    }
    if (chance < 0.17) {
      const at = mark.lastPinTimestampMs + BigInt(random.int(3));
      const moves = at > mark.lastPinTimestampMs;
      const after = moves ? { ...mark, lastPinTimestampMs: at } : before;
      const write = (writer: OperationWriter) => writer.ackPins(user.id, channelId, at);
      return { ...about, kind: 'pins', write, after, moves };
    }
    const isByHand = chance < 0.22 && !isLate;
    const furthest = mark.lastMessageId + 3n;
    const messageId = isByHand
      ? BigInt(1 + random.int(Number(furthest)))
      : mark.lastMessageId + BigInt(random.int(4) - 1);
    const mentionCount = random.int(9);
    const channelLastMessageId = messageId + 5n;
    const ack = { channelId, messageId, mentionCount, manual: isByHand, channelLastMessageId };
    const after: Mark = {
      ...mark,
      lastMessageId: messageId,
      mentionCount,
      manualUntilMessageId: isByHand ? channelLastMessageId : 0n,
    };
    const moves = isByHand
      ? before === undefined || !isSame(after, before)
      : messageId > mark.lastMessageId;
    const write = (writer: OperationWriter) =>
      writer.ack(user.id, messageId < 0n ? { ...ack, messageId: 0n } : ack);
    const kind = isByHand ? 'by hand' : 'ack';
    return { ...about, kind, write, after: moves ? after : before, moves };
  }

  #expectSame(
    user: User,
    loaded: { readonly version: bigint; readonly entries: readonly ReadStateEntry[] },
    name: string,
  ): void {
    if (loaded.version !== user.version) {
      this.#wrong(`${name}: version ${loaded.version}, not ${user.version}`);
    }
    const versions = new Set(loaded.entries.map(({ version }) => version));
    if (versions.size !== loaded.entries.length) this.#wrong(`${name}: a version was used twice`);
    const entries = new Map(loaded.entries.map((entry) => [entry.channelId, entry]));
    for (const channelId of new Set([...entries.keys(), ...user.marks.keys()])) {
      const [entry, mark] = [entries.get(channelId), user.marks.get(channelId)];
      if (entry !== undefined && mark !== undefined && isSame(entry, mark)) continue;
      this.#wrong(`${name}: ${channelId} is ${shown(entry)}, not ${shown(mark)}`);
    }
  }

  async #forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    const left = [...items];
    const some = async (): Promise<void> => {
      for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item);
    };
    await Promise.all(Array.from({ length: 32 }, some));
  }

  #wrong(text: string): void {
    this.wrongs.push(text);
  }
}

interface Worker {
  readonly partition: number;
  readonly users: User[];
  isAtWork: boolean;
  /** When the last message that was answered whole was sent. */
  answeredSinceMs: number;
  lastFault: string;
  running: Promise<void>;
}

function apply({ user, channelId, after, moves }: Operation): void {
  if (!moves) return;
  if (after === undefined) {
    user.version = BigInt(versionAfterDeletion(Number(user.version)));
    user.marks.delete(channelId);
  } else {
    user.version += 1n;
    user.marks.set(channelId, after);
  }
}

function isSame(entry: Mark, mark: Mark | undefined): boolean {
  return (
    mark !== undefined &&
    entry.lastMessageId === mark.lastMessageId &&
    entry.mentionCount === mark.mentionCount &&
    entry.manualUntilMessageId === mark.manualUntilMessageId &&
    entry.lastPinTimestampMs === mark.lastPinTimestampMs
  );
}

function shown(mark: Mark | undefined): string {
  if (mark === undefined) return 'nothing';
  const { lastMessageId, mentionCount, manualUntilMessageId, lastPinTimestampMs } = mark;
  return [lastMessageId, mentionCount, manualUntilMessageId, lastPinTimestampMs].join('/');
}
