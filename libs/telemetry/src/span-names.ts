// Every span this fleet makes: its name, its kind, what it must say, and how long it may take.
//
// One list for the code, the tests, the documentation and the console. A name never contains an
// id: names are for grouping, attributes are for finding. Attributes are an allow-list with types,
// so message content has no way into a trace.
//
// Request and reply is a CLIENT and a SERVER span, the reply being the end of the CLIENT span.
// A publish is a PRODUCER and one CONSUMER per receiving process, never one per socket.

/** Every attribute a span may carry, with the type of its value. */
export const SPAN_ATTRIBUTES = {
  'error.type': 'string',
  'http.request.method': 'string',
  'http.response.status_code': 'number',
  'http.route': 'string',
  'messaging.destination.template': 'string',
  'messaging.message.body.size': 'number',
  'messaging.message.id': 'string',
  'messaging.operation.name': 'string',
  'messaging.operation.type': 'string',
  'messaging.system': 'string',
  'rpc.method': 'string',
  'rpc.status_code': 'string',
  'rpc.system.name': 'string',
  'guildhall.attempt': 'number',
  'guildhall.batch.count': 'number',
  'guildhall.event.seq': 'number',
  'guildhall.event.type': 'string',
  'guildhall.eventloop.delay_us': 'number',
  'guildhall.fanout.bytes': 'number',
  'guildhall.fanout.dropped': 'number',
  'guildhall.fanout.encodings': 'number',
  'guildhall.fanout.filtered': 'number',
  'guildhall.fanout.gateways': 'number',
  'guildhall.fanout.max_us': 'number',
  'guildhall.fanout.p50_us': 'number',
  'guildhall.fanout.p99_us': 'number',
  'guildhall.fanout.probability': 'number',
  'guildhall.fanout.sockets': 'number',
  'guildhall.frame.bytes': 'number',
  'guildhall.links.dropped': 'number',
  'guildhall.mailbox.depth': 'number',
  'guildhall.mailbox.wait_us': 'number',
  'guildhall.members.count': 'number',
  'guildhall.partition': 'number',
  'guildhall.sample': 'string',
  'guildhall.session.id': 'string',
  'guildhall.shard': 'number',
  'guildhall.socket.buffered_bytes': 'number',
  'guildhall.topic.id': 'string',
  'guildhall.user.id': 'string',
} as const satisfies Record<string, 'string' | 'number'>;

/** The values a span's attributes take. */
export type SpanAttributes = {
  -readonly [K in keyof typeof SPAN_ATTRIBUTES]: (typeof SPAN_ATTRIBUTES)[K] extends 'number'
    ? number
    : string;
};
export type SpanAttribute = keyof SpanAttributes;
export type SpanKindName = 'INTERNAL' | 'SERVER' | 'CLIENT' | 'PRODUCER' | 'CONSUMER';

/** What is known about a span before it starts. Obtained from `SPAN`, never made elsewhere. */
export interface SpanDefinition {
  readonly name: string;
  readonly kind: SpanKindName;
  /** Attributes that follow from the name; set when the span starts. */
  readonly fixed: Partial<SpanAttributes>;
  /** Attributes that a finished span without an error must carry. */
  readonly required: readonly SpanAttribute[];
  /** How long it may take at the 99th percentile, in milliseconds. */
  readonly budgetMs: number;
  /** For roots: multiplies the process's ratio, unless that is 1. */
  readonly weight: number;
}

const GATEWAY_OPS = {
  identify: { budgetMs: 50, weight: 10 },
  resume: { budgetMs: 50, weight: 10 },
  presence_update: { budgetMs: 20, weight: 0.1 },
  request_guild_members: { budgetMs: 100, weight: 1 },
  voice_state_update: { budgetMs: 20, weight: 1 },
  lazy_request: { budgetMs: 50, weight: 1 },
  request_soundboard_sounds: { budgetMs: 50, weight: 1 },
  request_channel_info: { budgetMs: 50, weight: 1 },
} as const;

/** The client's requests over a socket that start a trace. */
export type GatewayOp = keyof typeof GATEWAY_OPS;

const TOPIC_EVENTS = 'topics.{topic_id}.events';
const HTTP_BUDGET_MS = 100;
const RPC_BUDGET_MS = 20;
const MESSAGE_BUDGET_MS = 10;

/** Templated definitions made so far: a route or a method asks once, at start-up. */
const interned = new Map<string, SpanDefinition>();
const DEFINITIONS_MAX = 2_000;
const HOLDS_ID = /\d{5,}/;

const gatewayOp = (op: GatewayOp): SpanDefinition => ({
  name: `gateway/${op}`,
  kind: 'SERVER',
  fixed: { 'rpc.system.name': 'guildhall.gateway', 'rpc.method': `gateway/${op}` },
  required: [],
  ...GATEWAY_OPS[op],
});

const internal = (
  name: string,
  budgetMs: number,
  required: readonly SpanAttribute[] = [],
): SpanDefinition => ({ name, kind: 'INTERNAL', fixed: {}, required, budgetMs, weight: 1 });

/**
 * The registry. Functions return the same definition for the same arguments; call them once at
 * start-up, per route, method or subject, not per request. They throw on a name that holds an id.
 */
export const SPAN = {
  /** An HTTP request, by the pattern of its route: `POST /channels/:channelId/messages`. */
  httpServer: (method: string, route: string): SpanDefinition =>
    intern(`${method} ${route}`, http(method, route)),

  /** One definition per client request over a socket. */
  gateway: Object.fromEntries(
    Object.keys(GATEWAY_OPS).map((op) => [op, gatewayOp(op as GatewayOp)]),
  ) as Readonly<Record<GatewayOp, SpanDefinition>>,

  /** The asking side of a request over the bus; `method` is `<service>/<Method>`. */
  rpcClient: (method: string, subjectTemplate: string): SpanDefinition =>
    intern(method, rpc('CLIENT', method, subjectTemplate)),

  /** The answering side; starts when the message arrived, not when its turn came. */
  rpcServer: (method: string, subjectTemplate: string): SpanDefinition =>
    intern(method, rpc('SERVER', method, subjectTemplate)),

  /** A broadcast over the bus, by the template of its subject. */
  publish: (subjectTemplate: string): SpanDefinition =>
    intern(
      `publish ${subjectTemplate}`,
      message('PRODUCER', 'publish', 'send', subjectTemplate, []),
    ),

  /** What one process does with one broadcast message. */
  process: (subjectTemplate: string): SpanDefinition =>
    intern(
      `process ${subjectTemplate}`,
      message('CONSUMER', 'process', 'process', subjectTemplate, []),
    ),

  /** An event leaves its owner; says how many gateways must process it. */
  publishTopicEvent: intern(
    `publish ${TOPIC_EVENTS}`,
    message('PRODUCER', 'publish', 'send', TOPIC_EVENTS, [
      'guildhall.fanout.gateways',
      'guildhall.topic.id',
      'guildhall.event.seq',
    ]),
  ),

  /** One gateway delivers an event to all its sockets; says to how many, and how fast. */
  processTopicEvent: intern(
    `process ${TOPIC_EVENTS}`,
    message('CONSUMER', 'process', 'process', TOPIC_EVENTS, [
      'guildhall.fanout.sockets',
      'guildhall.fanout.filtered',
      'guildhall.fanout.bytes',
      'guildhall.fanout.p50_us',
      'guildhall.fanout.p99_us',
      'guildhall.fanout.max_us',
    ]),
  ),

  /** One of the first, the median and the slowest socket of a delivery, made afterwards. */
  deliver: {
    name: 'deliver',
    kind: 'PRODUCER',
    fixed: {},
    required: ['guildhall.sample', 'guildhall.session.id'],
    budgetMs: MESSAGE_BUDGET_MS,
    weight: 1,
  } satisfies SpanDefinition as SpanDefinition,

  /** A commit to the database, from joining the batch to being durable. */
  storeCommit: internal('store commit', 10),

  /** From arrival to the turn of the topic's owner. Only made when it is worth seeing. */
  mailboxWait: internal('mailbox wait', 5),

  /** Encoding an event once per codec. */
  encode: internal('encode', 1),

  /** Compressing an event once per class of sessions. */
  compress: internal('compress', 2),
} as const;

/** The definition that a finished span claims to follow, or `undefined` for an unknown name. */
export function definitionOf(name: string, kind: SpanKindName): SpanDefinition | undefined {
  const known =
    interned.get(`${kind} ${name}`) ??
    fixedDefinitions.find((fixed) => fixed.name === name && fixed.kind === kind);
  if (known !== undefined) return known;
  if (HOLDS_ID.test(name)) return undefined;
  const templated = templateOf(name, kind);
  return templated === undefined ? undefined : { name, weight: 1, ...templated };
}

const fixedDefinitions: readonly SpanDefinition[] = [
  ...Object.values(SPAN.gateway),
  SPAN.deliver,
  SPAN.storeCommit,
  SPAN.mailboxWait,
  SPAN.encode,
  SPAN.compress,
];

/** The template a name fits, for spans that another process made. */
function templateOf(name: string, kind: SpanKindName): Templated | undefined {
  const [first = '', second = ''] = name.split(' ', 2);
  if (kind === 'PRODUCER' && first === 'publish') return message(kind, first, 'send', second, []);
  if (kind === 'CONSUMER' && first === 'process') return message(kind, first, first, second, []);
  if (kind === 'SERVER' && /^[A-Z]+ \//.test(name)) return http(first, second);
  const isCall = (kind === 'CLIENT' || kind === 'SERVER') && /^[a-z][a-z-]*\/[A-Z]\w*$/.test(name);
  return isCall ? rpc(kind, name, '') : undefined;
}

type Templated = Omit<SpanDefinition, 'name' | 'weight'>;

function http(method: string, route: string): Templated {
  return {
    kind: 'SERVER',
    fixed: { 'http.request.method': method, 'http.route': route },
    required: ['http.response.status_code'],
    budgetMs: HTTP_BUDGET_MS,
  };
}

function rpc(kind: SpanKindName, method: string, subjectTemplate: string): Templated {
  return {
    kind,
    fixed: {
      'rpc.system.name': 'nats',
      'rpc.method': method,
      ...(subjectTemplate === '' ? {} : { 'messaging.destination.template': subjectTemplate }),
    },
    required: ['rpc.status_code'],
    budgetMs: RPC_BUDGET_MS,
  };
}

function message(
  kind: SpanKindName,
  name: string,
  type: string,
  subjectTemplate: string,
  required: readonly SpanAttribute[],
): Templated {
  return {
    kind,
    fixed: {
      'messaging.system': 'nats',
      'messaging.operation.name': name,
      'messaging.operation.type': type,
      'messaging.destination.template': subjectTemplate,
    },
    required,
    budgetMs: MESSAGE_BUDGET_MS,
  };
}

function intern(name: string, templated: Templated): SpanDefinition {
  const key = `${templated.kind} ${name}`;
  const known = interned.get(key);
  if (known !== undefined) return known;
  if (HOLDS_ID.test(name)) throw new RangeError(`a span name holds an id: ${name}`);
  if (interned.size >= DEFINITIONS_MAX) {
    throw new RangeError(`more than ${DEFINITIONS_MAX} span names: a name must not be per request`);
  }
  const definition = { name, weight: 1, ...templated };
  interned.set(key, definition);
  return definition;
}
