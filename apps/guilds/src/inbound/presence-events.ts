/** PRESENCE_UPDATE as this app says it, when presence itself did not get to. */
import { create } from '@bufbuild/protobuf';
import { TopicEventSchema, type TopicEvent, type UserPresence } from '@guildhall/contracts';
import type { PresenceJson } from '../domain/presences.js';

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The `d` of a user's presence as the presence app answers it. */
export function presenceJson(guildId: bigint, presence: UserPresence): PresenceJson {
  return {
    user: { id: String(presence.userId) },
    guild_id: String(guildId),
    status: presence.status,
    activities: parse(presence.activitiesJson, []),
    client_status: parse(presence.clientStatusJson, {}),
  } as PresenceJson;
}

/** The `d` of a user who is not there. */
export function offlineJson(guildId: bigint, userId: bigint): PresenceJson {
  return {
    user: { id: String(userId) },
    guild_id: String(guildId),
    status: 'offline',
    activities: [],
    client_status: {},
  } as PresenceJson;
}

/** The event; not for the user's own sessions. */
export function presenceEvent(guildId: bigint, userId: bigint, presence: PresenceJson): TopicEvent {
  return create(TopicEventSchema, {
    topicId: guildId,
    type: 'PRESENCE_UPDATE',
    data: encoder.encode(JSON.stringify(presence)),
    subjectUserId: userId,
    exceptUserId: userId,
  });
}

/** Whether both say the same, as they were rendered by the same app. */
export function isSamePresence(one: PresenceJson | undefined, other: PresenceJson): boolean {
  return one !== undefined && JSON.stringify(one) === JSON.stringify(other);
}

function parse(bytes: Uint8Array, whenEmpty: object): unknown {
  return bytes.length === 0 ? whenEmpty : JSON.parse(decoder.decode(bytes));
}
