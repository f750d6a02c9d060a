// What others ask of the owner of a user's presence, and of every instance about a topic.
import type { Handlers } from '@guildhall/bus';
import type { Clock } from '@guildhall/clock';
import type { Presence, PresenceDirectory, UserPresence } from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { partitionOf } from '@guildhall/snowflake';
import { mergePresence, sessionsJson } from '../domain/presence-merge.js';
import type { PresenceTable } from '../domain/presence-table.js';
import type { Session } from '../domain/session.js';
import type { Events } from '../events.js';
import { sessionFacts } from './session-facts.js';

export interface PresenceRequestsOptions {
  readonly table: PresenceTable;
  readonly clock: Clock;
  readonly events: Events;
  readonly ownsPartition: (partition: number) => boolean;
  readonly activitiesBytesMax: number;
}

type UserPresenceFields = Omit<UserPresence, '$typeName' | '$unknown'>;

const NO_SESSIONS: readonly Session[] = Object.freeze([]);
/** What most users say; encoded once. */
const NO_ACTIVITIES = Buffer.from('[]');

/** Handlers for the owner of a partition. Fault wrong_owner: it has changed hands. */
export function presenceHandlers(
  options: PresenceRequestsOptions,
): Handlers<readonly [typeof Presence]> {
  const { table, clock, events, ownsPartition, activitiesBytesMax } = options;
  const checkOwned = (partition: number): void => {
    if (ownsPartition(partition) && table.holds(partition)) return;
    throw new Fault(FaultCode.WrongOwner, `partition ${partition} is not here`);
  };
  const leftOut = (): void => events.activitiesLeftOut();
  return {
    putSessions: ({ partition, gatewayInstance: gateway, sessions }) => {
      checkOwned(partition);
      checkUsers(partition, sessions);
      const nowMs = clock.monotonicMs();
      for (const session of sessions) {
        const { userId, isBot } = session;
        const facts = sessionFacts(session, activitiesBytesMax, leftOut);
        events.put(table.put(partition, { userId, isBot, gateway }, facts, nowMs));
      }
      return {};
    },
    renewLeases: ({ partition, gatewayInstance, sessions }) => {
      checkOwned(partition);
      checkUsers(partition, sessions);
      const nowMs = clock.monotonicMs();
      const unknown = sessions.filter(
        ({ userId, sessionId }) =>
          !table.renew(partition, { userId, sessionId, gateway: gatewayInstance }, nowMs),
      );
      events.renewalsUnknown(unknown.length);
      return { unknown };
    },
    removeSessions: ({ partition, gatewayInstance, sessions }) => {
      checkOwned(partition);
      checkUsers(partition, sessions);
      for (const { userId, sessionId } of sessions) {
        if (table.remove(partition, { userId, sessionId, gateway: gatewayInstance })) {
          events.removed();
        }
      }
      return {};
    },
    getUser: ({ userId }) => {
      const partition = partitionOf(userId);
      checkOwned(partition);
      const sessions = table.user(partition, userId)?.sessions ?? NO_SESSIONS;
      return {
        presence: userPresence(userId, sessions),
        sessionsJson: Buffer.from(sessionsJson(sessions)),
      };
    },
  };
}

/** Handlers that every instance answers for the users it holds. */
export function directoryHandlers(
  table: PresenceTable,
): Handlers<readonly [typeof PresenceDirectory]> {
  return {
    listTopic: ({ topicId }) => ({
      presences: Array.from(table.onlineIn(topicId), ({ id, sessions }) =>
        userPresence(id, sessions),
      ),
      hiddenUserIds: Array.from(table.hiddenIn(topicId), ({ id }) => id),
      isSettling: table.isSettling,
    }),
  };
}

function userPresence(userId: bigint, sessions: readonly Session[]): UserPresenceFields {
  const { status, activities, clientStatus } = mergePresence(sessions);
  return {
    userId,
    status,
    activitiesJson: activities === '[]' ? NO_ACTIVITIES : Buffer.from(activities),
    clientStatusJson: Buffer.from(clientStatus),
  };
}

function checkUsers(partition: number, keys: readonly { readonly userId: bigint }[]): void {
  for (const { userId } of keys) {
    if (partitionOf(userId) === partition) continue;
    throw new Fault(FaultCode.Invalid, `user ${userId} is not of partition ${partition}`);
  }
}
