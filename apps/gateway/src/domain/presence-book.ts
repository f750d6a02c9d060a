// What presence has to be told about the sessions of this gateway: which changed since they were
// last told, which are gone, and which leases are to be renewed. By partition of the user, since
// that is whom to tell. The sending is the port's.
import type { SessionPresence } from '@guildhall/contracts';
import type { Activity, Presence } from '@guildhall/gateway-protocol';
import { partitionOf } from '@guildhall/snowflake';
import type { Session } from './session.js';

type Plain<M> = Omit<M, '$typeName' | '$unknown'>;

export interface SessionName {
  readonly userId: bigint;
  readonly sessionId: string;
}

/** What one partition's owner is to be told now. */
export interface PartitionNews {
  readonly partition: number;
  readonly sessions: Session[];
}

/** See the top of the file. */
export class PresenceBook {
  readonly #present = new Map<number, Set<Session>>();
  readonly #changed = new Set<Session>();
  readonly #gone = new Map<number, SessionName[]>();
  readonly #find: (id: string) => Session | undefined;

  constructor(find: (id: string) => Session | undefined) {
    this.#find = find;
  }

  get presentCount(): number {
    let count = 0;
    for (const sessions of this.#present.values()) count += sessions.size;
    return count;
  }

  get isQuiet(): boolean {
    return this.#changed.size === 0 && this.#gone.size === 0;
  }

  /** The session is there and something about it changed. */
  put(session: Session): void {
    const partition = partitionOf(session.userId);
    let present = this.#present.get(partition);
    if (present === undefined) {
      present = new Set();
      this.#present.set(partition, present);
    }
    present.add(session);
    session.isPresent = true;
    session.presenceRevision += 1;
    this.#changed.add(session);
  }

  /** The session is gone. May be called twice. */
  remove(session: Session): void {
    if (!session.isPresent) return;
    session.isPresent = false;
    this.#changed.delete(session);
    const partition = partitionOf(session.userId);
    const present = this.#present.get(partition);
    present?.delete(session);
    if (present?.size === 0) this.#present.delete(partition);
    const name = { userId: session.userId, sessionId: session.id };
    const gone = this.#gone.get(partition);
    if (gone === undefined) this.#gone.set(partition, [name]);
    else gone.push(name);
  }

  /** Tell again: the telling failed, or the owner has not heard of them. */
  again(sessions: Iterable<Session>): void {
    for (const session of sessions) if (session.isPresent) this.#changed.add(session);
  }

  /** The same, by name or by partition. */
  againByName(names: Iterable<SessionName>): void {
    for (const { sessionId } of names) {
      const session = this.#find(sessionId);
      if (session !== undefined) this.again([session]);
    }
  }

  againByPartition(partitions: Iterable<number>): void {
    for (const partition of partitions) this.again(this.#present.get(partition) ?? []);
  }

  /** What changed since the last call. */
  takeChanged(): PartitionNews[] {
    const byPartition = new Map<number, Session[]>();
    for (const session of this.#changed) {
      const partition = partitionOf(session.userId);
      const sessions = byPartition.get(partition);
      if (sessions === undefined) byPartition.set(partition, [session]);
      else sessions.push(session);
    }
    this.#changed.clear();
    return [...byPartition].map(([partition, sessions]) => ({ partition, sessions }));
  }

  /** Who is gone since the last call. */
  takeGone(): { partition: number; names: SessionName[] }[] {
    const gone = [...this.#gone].map(([partition, names]) => ({ partition, names }));
    this.#gone.clear();
    return gone;
  }

  /** Everybody present, by partition, for renewing leases. */
  *leases(): Iterable<PartitionNews> {
    for (const [partition, sessions] of this.#present) yield { partition, sessions: [...sessions] };
  }
}

/** A session as presence wants it. */
export function sessionPresence(session: Session): Plain<SessionPresence> {
  const { presence, identity } = session;
  // Not private channels: a presence names the guild in which it is seen.
  const topicIds: bigint[] = [];
  for (const { relay } of session.followings.values()) {
    if (relay.kind === 'guild') topicIds.push(relay.topicId);
  }
  return {
    userId: session.userId,
    sessionId: session.id,
    status: statusOf(presence),
    activitiesJson: Buffer.from(JSON.stringify(activitiesJson(session))),
    client: identity.client.name,
    clientOs: identity.client.os,
    afk: presence.isAfk,
    sinceMs: BigInt(presence.sinceMs ?? 0),
    topicIds,
    isBot: session.isBot,
    revision: BigInt(session.presenceRevision),
  };
}

/** One library identifies as offline and means nothing by it; `unknown` is not remembered here. */
function statusOf({ status }: Presence): string {
  if (status === 'offline') return 'invisible';
  return status === 'unknown' ? 'online' : status;
}

/** What a session says it is doing. Bots may say less of it than people's clients. */
export function activitiesJson({ presence, isBot }: Session): Record<string, unknown>[] {
  if (!isBot) return presence.activities.map(activityJson);
  return presence.activities.map((activity) =>
    activityJson({
      ...activity,
      details: null,
      applicationId: null,
      timestamps: null,
      emoji: null,
    }),
  );
}

/** An activity as others see it; what was not said is left out. */
function activityJson(activity: Activity): Record<string, unknown> {
  const { name, type, state, url, details, applicationId, createdAtMs, timestamps, emoji } =
    activity;
  return {
    name,
    type,
    ...(state === null ? {} : { state }),
    ...(url === null ? {} : { url }),
    ...(details === null ? {} : { details }),
    ...(applicationId === null ? {} : { application_id: applicationId }),
    ...(createdAtMs === null ? {} : { created_at: createdAtMs }),
    ...(timestamps === null
      ? {}
      : {
          timestamps: {
            ...(timestamps.startMs === null ? {} : { start: timestamps.startMs }),
            ...(timestamps.endMs === null ? {} : { end: timestamps.endMs }),
          },
        }),
    ...(emoji === null
      ? {}
      : {
          emoji: {
            name: emoji.name,
            ...(emoji.id === null ? {} : { id: emoji.id, animated: emoji.isAnimated }),
          },
        }),
  };
}
