// A presence instance as far as owners of guilds know one; for specs.
import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { serveMethods, type MemoryBus, type ServedMethods } from '@guildhall/bus';
import {
  EventBatchSchema,
  PARTITIONS_TAKEN_SUBJECT,
  PartitionsTakenSchema,
  PresenceDirectory,
  Signal,
  topicEphemeral,
  type TopicEventSchema,
} from '@guildhall/contracts';
import { joinPlacement, type Placement } from '@guildhall/placement';

/** See the top of the file. */
export class FakePresence {
  /** Who has sessions in every guild, and how it looks to itself. */
  readonly statuses = new Map<bigint, string>();
  isSettling = false;
  asksCount = 0;
  readonly #bus: MemoryBus;
  readonly #placement: Placement;
  readonly #served: ServedMethods;

  private constructor(bus: MemoryBus) {
    this.#bus = bus;
    this.#placement = joinPlacement({
      bus,
      service: 'presence',
      instance: bus.name,
      version: '1',
      beatMs: 40,
      leaseMs: 400,
    });
    const where = { services: [PresenceDirectory], route: 'all' } as const;
    this.#served = serveMethods(bus, where, {
      listTopic: () => {
        this.asksCount += 1;
        const users = [...this.statuses];
        const isHidden = (status: string): boolean => status === 'invisible';
        return {
          presences: users
            .filter(([, status]) => !isHidden(status))
            .map(([userId, status]) => ({ userId, status, activitiesJson: Buffer.from('[]') })),
          hiddenUserIds: users.filter(([, status]) => isHidden(status)).map(([userId]) => userId),
          isSettling: this.isSettling,
        };
      },
    });
  }

  /** Resolves when the others know of it. */
  static async start(bus: MemoryBus): Promise<FakePresence> {
    const presence = new FakePresence(bus);
    presence.#placement.setReady();
    await presence.#placement.whenReady();
    return presence;
  }

  /** Answers nobody any more, though it is there. */
  fallSilent(): void {
    this.#served.unsubscribe();
  }

  async stop(): Promise<void> {
    this.#served.unsubscribe();
    await this.#placement.leave();
  }

  /** Has taken over what was another's. */
  take(): void {
    const taken = create(PartitionsTakenSchema, { instance: this.#bus.name, partitions: [1] });
    this.#bus.publish(PARTITIONS_TAKEN_SUBJECT, toBinary(PartitionsTakenSchema, taken));
  }

  /** Says in a guild what a user is now. */
  say(guildId: bigint, userId: bigint, status: string): void {
    const data = { user: { id: String(userId) }, guild_id: String(guildId), status };
    this.#publish(guildId, {
      type: 'PRESENCE_UPDATE',
      data: Buffer.from(JSON.stringify({ ...data, activities: [], client_status: {} })),
      subjectUserId: userId,
      exceptUserId: userId,
    });
  }

  /** Says in a guild whose last sessions have ended. */
  sayGone(guildId: bigint, userIds: readonly bigint[]): void {
    const data = Buffer.from(JSON.stringify({ user_ids: userIds.map(String) }));
    this.#publish(guildId, { type: Signal.UsersGone, data });
  }

  #publish(topicId: bigint, event: MessageInitShape<typeof TopicEventSchema>): void {
    const batch = create(EventBatchSchema, { events: [{ topicId, ...event }] });
    this.#bus.publish(topicEphemeral(topicId), toBinary(EventBatchSchema, batch));
  }
}
