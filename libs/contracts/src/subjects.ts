/**
 * Where every message between the apps is sent. This file is the only place that writes a subject.
 *
 *   <service>.v1.p<partition>.<method>        a request to the owner of a partition
 *   <service>.v1.any.<method>                 a request to any one instance (a queue group)
 *   <service>.v1.all.<method>                 a request that every instance answers for its part
 *   topics.v1.p<partition>.t<topic>.events    what happened in a topic, with seq
 *   topics.v1.p<partition>.t<topic>.ephemeral presence and typing: no seq, may be lost
 *   topics.v1.digest                          how far each owner's topics have come
 *   placement.v1.members                      who is alive
 *   presence.v1.taken                         partitions of users that changed hands
 *
 * An id's partition is in its bits (see @guildhall/snowflake), so a subject needs no look-up.
 */
import type { DescMethodUnary } from '@bufbuild/protobuf';
import { partitionOf } from '@guildhall/snowflake';

/** The apps that take requests by partition. */
export const PartitionedService = {
  Guilds: 'guilds',
  Presence: 'presence',
  ReadStates: 'read-states',
} as const;
export type PartitionedService = (typeof PartitionedService)[keyof typeof PartitionedService];

/** Who answers a request: the owner of a partition, any instance, or every instance. */
export type Route = { partition: number } | 'any' | 'all';

/** The service name on the bus of each protobuf service, by its full type name. */
const SERVICE_NAMES: Readonly<Record<string, string>> = {
  'fleet.guilds.v1.Guilds': 'guilds',
  'fleet.guilds.v1.Interactions': 'guilds',
  'fleet.guilds.v1.Messages': 'guilds',
  'fleet.guilds.v1.Topics': 'guilds',
  'fleet.presence.v1.Presence': 'presence',
  'fleet.presence.v1.PresenceDirectory': 'presence',
  'fleet.readstates.v1.ReadStates': 'read-states',
  'fleet.accounts.v1.Accounts': 'accounts',
};

/**
 * The bus name of the service a method belongs to. Throws for a service that is not in the table.
 */
export function serviceNameOf(method: DescMethodUnary): string {
  const name = SERVICE_NAMES[method.parent.typeName];
  if (name === undefined) throw new Error(`no subject for service ${method.parent.typeName}`);
  return name;
}

const snakeCase = (name: string): string =>
  name.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();

/** `CreateMessage` is `create_message` on the bus. */
export function methodToken(method: DescMethodUnary): string {
  return snakeCase(method.name);
}

/** Where a request for this method goes. */
export function requestSubject(method: DescMethodUnary, route: Route): string {
  return `${serviceNameOf(method)}.v1.${routeToken(route)}.${methodToken(method)}`;
}

/** The subject with its partition left open, for span names and metrics: few values, no ids. */
export function requestTemplate(method: DescMethodUnary, route: Route): string {
  const token = typeof route === 'string' ? route : 'p{partition}';
  return `${serviceNameOf(method)}.v1.${token}.${methodToken(method)}`;
}

/** All requests to one partition of a service; the last token is the method. */
export function partitionRequests(service: PartitionedService, partition: number): string {
  return `${service}.v1.p${partition}.*`;
}

const routeToken = (route: Route): string =>
  typeof route === 'string' ? route : `p${route.partition}`;

/** The queue group in which owners take requests: at most one instance gets each. */
export const OWNER_QUEUE = 'owner';
/** The queue group of stateless instances. */
export const ANY_QUEUE = 'any';

/** Durable events of one topic. */
export function topicEvents(topicId: bigint): string {
  return `topics.v1.p${partitionOf(topicId)}.t${topicId}.events`;
}

/** Presence and typing of one topic. */
export function topicEphemeral(topicId: bigint): string {
  return `topics.v1.p${partitionOf(topicId)}.t${topicId}.ephemeral`;
}

/** Everything published for one topic: what a relay subscribes to. */
export function topicAll(topicId: bigint): string {
  return `topics.v1.p${partitionOf(topicId)}.t${topicId}.*`;
}

/** The ephemeral events of all topics of a partition: what an owner listens to. */
export function partitionEphemeral(partition: number): string {
  return `topics.v1.p${partition}.*.ephemeral`;
}

/** Span names and metrics of topic events: no ids. */
export const TOPIC_EVENTS_TEMPLATE = 'topics.{topic_id}.events';
export const TOPIC_EPHEMERAL_TEMPLATE = 'topics.{topic_id}.ephemeral';

/** True for the subject of durable events, false for ephemeral ones. */
export function isDurableSubject(subject: string): boolean {
  return subject.endsWith('.events');
}

export const DIGEST_SUBJECT = 'topics.v1.digest';
export const MEMBERS_SUBJECT = 'placement.v1.members';
export const PARTITIONS_TAKEN_SUBJECT = 'presence.v1.taken';

export type AppName = 'gateway' | 'api' | 'guilds' | 'presence' | 'read-states';

/** What an app may publish and subscribe to: its NATS permissions. */
export interface NatsPermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

const EVERYONE = { publish: [MEMBERS_SUBJECT], subscribe: [MEMBERS_SUBJECT] };

const PERMISSIONS: Readonly<Record<AppName, NatsPermissions>> = {
  gateway: {
    publish: ['guilds.v1.>', 'presence.v1.>', 'read-states.v1.>', 'accounts.v1.any.*'],
    subscribe: ['topics.v1.>', PARTITIONS_TAKEN_SUBJECT],
  },
  api: {
    publish: ['guilds.v1.>', 'read-states.v1.>', 'presence.v1.>'],
    subscribe: ['accounts.v1.any.*'],
  },
  guilds: {
    publish: ['guilds.v1.>', 'topics.v1.>', 'presence.v1.all.*'],
    subscribe: ['guilds.v1.>', 'topics.v1.>', PARTITIONS_TAKEN_SUBJECT],
  },
  presence: {
    publish: ['topics.v1.*.*.ephemeral', PARTITIONS_TAKEN_SUBJECT],
    subscribe: ['presence.v1.>'],
  },
  'read-states': {
    publish: ['topics.v1.*.*.ephemeral'],
    subscribe: ['read-states.v1.>'],
  },
};

/**
 * The NATS permissions of an app: just its subjects. Replies go to the inbox prefix that the app
 * was given (`inboxPrefix`), so no app reads another's answers; those who serve requests may answer
 * any.
 */
export function natsPermissions(app: AppName): NatsPermissions {
  const own = PERMISSIONS[app];
  return {
    publish: [...EVERYONE.publish, ...own.publish, '_INBOX.>'],
    subscribe: [...EVERYONE.subscribe, ...own.subscribe, `${inboxPrefix(app)}.>`],
  };
}

/** The prefix of an app's reply inboxes. */
export function inboxPrefix(app: AppName): string {
  return `_INBOX.${app}`;
}
