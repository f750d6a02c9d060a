// IDENTIFY: who is it, may it, and what does it get. From a token to READY.
//
//   Authenticate -> rules (intents, shard, pace) -> AttachUser -> READY -> AttachTopic per guild
//
// A bot gets READY at once and a GUILD_CREATE for each guild as owners answer. A person's READY
// holds all of it, so it waits for them, and what happens meanwhile is held and follows READY.
import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '@guildhall/clock';
import type {
  AttachTopicReply,
  AttachUserReply,
  AuthenticateReply,
  MentionCount,
} from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import {
  ALL_INTENTS,
  CloseCode,
  Intent,
  type ApiVersion,
  type IdentifyPayload,
  type Presence,
} from '@guildhall/gateway-protocol';
import { partitionOf } from '@guildhall/snowflake';
import { SPAN, type Span, type TraceContext, type Tracer } from '@guildhall/telemetry';
import type { Dispatch } from '../domain/dispatch.js';
import type { GatewaySocket } from '../domain/gateway-socket.js';
import type { IdentifyLimiter } from '../domain/identify-limiter.js';
import type { AccountsPort, PresencePort, ReadStatesPort } from '../domain/ports.js';
import { activitiesJson } from '../domain/presence-book.js';
import {
  availableGuild,
  botReady,
  guildSettingsKnownTo,
  personReady,
  readPositions,
  readStatesKnownTo,
} from '../domain/ready-payload.js';
import type { SessionRegistry } from '../domain/session-registry.js';
import { Session, type SessionLimits } from '../domain/session.js';
import type { GatewayEvents } from '../events.js';
import { Attaching } from './attaching.js';
import type { Deliverer } from './deliverer.js';
import { DETACHED, type Relays } from './relays.js';
import type { SessionLife } from './session-life.js';

export interface IdentifyOptions {
  readonly instance: string;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly events: GatewayEvents;
  readonly accounts: AccountsPort;
  readonly readStates: ReadStatesPort;
  readonly presence: PresencePort;
  readonly registry: SessionRegistry;
  readonly limiter: IdentifyLimiter;
  readonly life: SessionLife;
  readonly relays: Relays;
  readonly attaching: Attaching;
  readonly deliverer: Deliverer;
  readonly sessionLimits: SessionLimits;
  readonly guildsPerShardMax: number;
  /** Asked for when it is needed: the port is known only when the server listens. */
  readonly resumeUrl: () => string;
}

/** Whose connection it is. */
export interface Caller {
  readonly socket: GatewaySocket;
  readonly version: ApiVersion;
  readonly isOpen: boolean;
}

/** What came of an IDENTIFY or RESUME. */
export type Entrance =
  | { readonly kind: 'session'; readonly session: Session }
  /** Nothing: the connection is gone. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'close'; readonly code: number; readonly reason?: string }
  /** op 9 `false`. */
  | { readonly kind: 'invalid' };

/** Application flags that grant an intent: fully, or below the size where it is reviewed. */
const GRANTS: readonly (readonly [intent: number, flags: number])[] = [
  [Intent.GuildPresences, (1 << 12) | (1 << 13)],
  [Intent.GuildMembers, (1 << 14) | (1 << 15)],
  [Intent.MessageContent, (1 << 18) | (1 << 19)],
];

/**
 * With so many IDENTIFYs left of the day nobody waits until one more is counted: more than these
 * are never under way at once.
 */
const SESSION_STARTS_AMPLE = 64;
const TRY_AGAIN_LATER = 1013;
const ONLINE: Presence = { status: 'online', isAfk: false, sinceMs: null, activities: [] };

/** See the top of the file. */
export class Identify {
  readonly #options: IdentifyOptions;

  constructor(options: IdentifyOptions) {
    this.#options = options;
  }

  /** Never rejects but for a Bug. The session that comes out has had its READY. */
  async identify(caller: Caller, payload: IdentifyPayload): Promise<Entrance> {
    const { tracer, events, clock } = this.#options;
    const span = tracer.root(SPAN.gateway.identify);
    const startedMs = clock.monotonicMs();
    let entrance: Entrance;
    try {
      entrance = await this.#enter(caller, payload, span?.context, startedMs);
    } catch (reason) {
      const fault = Fault.from(reason);
      events.requestFailed('identify', fault, span?.context);
      span?.fail(fault);
      entrance = closeWith(CloseCode.UnknownError);
    }
    events.identified(outcomeOf(entrance));
    endSpan(span, entrance);
    return entrance;
  }

  async #enter(
    caller: Caller,
    payload: IdentifyPayload,
    trace: TraceContext | undefined,
    startedMs: number,
  ): Promise<Entrance> {
    const { accounts, registry, limiter, clock, life, events } = this.#options;
    const account = await authenticated(accounts, payload.token, trace);
    if (account === undefined) return closeWith(CloseCode.AuthenticationFailed);
    const user = account.user!;
    const refusal = user.bot ? botRefusal(account, payload) : undefined;
    if (refusal !== undefined) return closeWith(refusal);
    let room = registry.room(user.id);
    const isRoomMade = room !== 'free' && life.makeRoom(room === 'full' ? undefined : user.id);
    if (isRoomMade) room = registry.room(user.id);
    if (room === 'full') return closeWith(TRY_AGAIN_LATER, 'This gateway is full.');
    if (room === 'user_full') {
      return closeWith(user.bot ? CloseCode.RateLimited : CloseCode.TooManySessions);
    }
    if (user.bot && !limiter.admit(user.id, payload.shard?.id ?? 0, clock.monotonicMs())) {
      return { kind: 'invalid' };
    }
    const counting = user.bot ? accounts.startSession(user.id, trace) : Promise.resolve();
    const isAmple = account.sessionStartsLeft >= SESSION_STARTS_AMPLE;
    const counted = isAmple ? Promise.resolve() : counting;
    // Awaited below, or not at all.
    counting.catch((reason: unknown) => {
      if (isAmple) events.requestFailed('start session', Fault.from(reason), trace);
    });
    const session = this.#newSession(account, payload);
    registry.add(session);
    try {
      const has = await this.#options.relays.attachUser(session, trace);
      if (has instanceof Fault) throw has;
      await counted;
      const entrance = await this.#ready(caller, session, account, payload, has, trace, startedMs);
      if (entrance.kind !== 'session') life.end(session);
      return entrance;
    } catch (reason) {
      life.end(session);
      if (!(reason instanceof Fault) || reason.code !== FaultCode.Refused) throw reason;
      return closeWith(CloseCode.RateLimited, 'The IDENTIFYs of today are used up.');
    }
  }

  async #ready(
    caller: Caller,
    session: Session,
    account: AuthenticateReply,
    payload: IdentifyPayload,
    has: AttachUserReply,
    trace: TraceContext | undefined,
    startedMs: number,
  ): Promise<Entrance> {
    const { instance, clock, guildsPerShardMax, deliverer, life, attaching, events } =
      this.#options;
    const guildIds = has.guildIds.filter((guildId) => session.hasGuild(guildId));
    if (session.isBot && guildIds.length > guildsPerShardMax) {
      return closeWith(CloseCode.ShardingRequired);
    }
    const facts = {
      version: caller.version,
      account,
      sessionId: session.id,
      resumeUrl: this.#options.resumeUrl(),
      shard: payload.shard,
      guildIds,
    };
    const tracing = (): readonly string[] => [
      JSON.stringify([
        instance,
        { micros: Math.round((clock.monotonicMs() - startedMs) * 1000), calls: [] },
      ]),
    ];
    const unanswered = new Map<bigint, Fault>();
    const readies = session.isBot
      ? [botReady({ ...facts, trace: tracing() })]
      : await this.#personReady({ session, payload, has, facts, trace, tracing, unanswered });
    // Ended by a signal of its own topic, or for what it missed, while it waited.
    if (session.isEnded) {
      const { endCode } = session;
      return endCode === undefined ? { kind: 'invalid' } : closeWith(endCode);
    }
    if (!caller.isOpen) return { kind: 'gone' };

    if (payload.compress) caller.socket.compressPayloads();
    const held = session.open();
    life.connect(session, caller.socket);
    for (const dispatch of [...readies, ...held]) deliverer.own(session, dispatch);
    events.ready(clock.monotonicMs() - startedMs, trace);

    for (const [guildId, fault] of unanswered) attaching.unavailable(session, guildId, fault);
    if (session.isBot) {
      void attaching.guilds(session, guildIds, trace);
      if (Attaching.wantsPrivateChannels(session)) {
        for (const { topicId } of has.privateChannels) {
          void attaching.privateChannel(session, topicId, { trace });
        }
      }
    }
    return { kind: 'session', session };
  }

  async #personReady({
    session,
    payload,
    has,
    facts,
    trace,
    tracing,
    unanswered,
  }: {
    session: Session;
    payload: IdentifyPayload;
    has: AttachUserReply;
    facts: Omit<Parameters<typeof personReady>[0], 'trace'>;
    trace: TraceContext | undefined;
    tracing: () => readonly string[];
    unanswered: Map<bigint, Fault>;
  }): Promise<Dispatch[]> {
    const { relays, readStates, presence, attaching } = this.#options;
    const [readState, others] = await Promise.all([
      readStates.load(session.userId, trace),
      presence.user(session.userId, trace).catch(() => undefined),
    ]);
    const capabilities = payload.capabilities ?? 0;
    const { readStateVersion, userGuildSettingsVersion } = payload.clientState ?? {};
    const readStatesKnown = readStatesKnownTo(capabilities, readStateVersion, readState.version);
    const mentionCounts: MentionCount[] = [];
    const attach = async (
      topicId: bigint,
      kind: 'guild' | 'private',
    ): Promise<AttachTopicReply | Fault> => {
      const positions = readPositions(
        readState.entries,
        (channelId) => partitionOf(channelId) === partitionOf(topicId),
      );
      const request = Attaching.request(session, {
        positions,
        wantsMentionCounts: true,
        wantsUnreadChannels: readStatesKnown !== undefined,
      });
      if (session.followings.has(topicId)) return DETACHED;
      const answer = await relays.attachTopic(session, topicId, kind, request, { trace });
      if (!(answer instanceof Fault)) mentionCounts.push(...answer.mentionCounts);
      return answer;
    };
    const guilds = new Map<bigint, Uint8Array>();
    const privateChannels: Uint8Array[] = [];
    await Promise.all([
      ...facts.guildIds.map(async (guildId) => {
        const answer = await attach(guildId, 'guild');
        if (!(answer instanceof Fault)) guilds.set(guildId, availableGuild(answer.json));
        else if (answer !== DETACHED) unanswered.set(guildId, answer);
      }),
      ...has.privateChannels.map(async ({ topicId, json, isClosed }) => {
        const answer = await attach(topicId, 'private');
        if (answer instanceof Fault && answer !== DETACHED) {
          void attaching.privateChannel(session, topicId);
        }
        if (isClosed) return;
        const isNewer = !(answer instanceof Fault) && answer.json.length > 0;
        privateChannels.push(isNewer ? answer.json : json);
      }),
    ]);
    return personReady(
      { ...facts, trace: tracing() },
      {
        capabilities,
        guilds,
        privateChannels,
        guildSettings: { entries: has.guildSettings, version: has.guildSettingsVersion },
        guildSettingsKnown: guildSettingsKnownTo(
          capabilities,
          userGuildSettingsVersion,
          has.guildSettingsVersion,
        ),
        readStates: readState,
        mentionCounts,
        readStatesKnown,
        sessions: sessionsJson(session, others?.sessionsJson),
        authSessionIdHash: createHash('sha256').update(session.id).digest('base64'),
      },
    );
  }

  #newSession(account: AuthenticateReply, payload: IdentifyPayload): Session {
    const { sessionLimits } = this.#options;
    const user = account.user!;
    const identity = {
      id: randomBytes(16).toString('hex'),
      userId: user.id,
      isBot: user.bot,
      applicationId: account.applicationId,
      tokenDigest: tokenDigest(payload.token),
      intents: payload.intents ?? ALL_INTENTS,
      shard: (user.bot ? payload.shard : null) ?? { id: 0, count: 1 },
      largeThreshold: payload.largeThreshold,
      client: { name: clientName(payload), os: payload.properties.os.toLowerCase() },
    };
    // One library identifies as `offline`, and means nothing by it.
    const said = payload.presence ?? ONLINE;
    const presence = said.status === 'offline' ? { ...said, status: 'online' as const } : said;
    return new Session(identity, presence, sessionLimits);
  }
}

/** A digest: a session need not remember the token itself. */
export function tokenDigest(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** Whose token it is; undefined when nobody's. Rejects with a Fault when that cannot be told. */
export async function authenticated(
  accounts: AccountsPort,
  token: string,
  trace: TraceContext | undefined,
): Promise<AuthenticateReply | undefined> {
  try {
    const account = await accounts.authenticate(token, trace);
    return account.user === undefined ? undefined : account;
  } catch (reason) {
    const fault = Fault.from(reason);
    const isNobody = fault.code === FaultCode.Unauthorized || fault.code === FaultCode.Invalid;
    if (isNobody || fault.code === FaultCode.NotFound) return undefined;
    throw fault;
  }
}

/** Why a bot may not do what it asks; undefined if it may. */
function botRefusal(account: AuthenticateReply, payload: IdentifyPayload): number | undefined {
  const { intents } = payload;
  if (intents === null) return CloseCode.InvalidIntents;
  const isGranted = GRANTS.every(
    ([intent, flags]) => (intents & intent) === 0 || (account.applicationFlags & flags) !== 0,
  );
  return isGranted ? undefined : CloseCode.DisallowedIntents;
}

function closeWith(code: number, reason?: string): Entrance {
  return reason === undefined ? { kind: 'close', code } : { kind: 'close', code, reason };
}

/** For metrics: what came of it. */
export function outcomeOf(entrance: Entrance): string {
  return entrance.kind === 'close' ? String(entrance.code) : entrance.kind;
}

function endSpan(span: Span | undefined, entrance: Entrance): void {
  if (span === undefined) return;
  if (entrance.kind === 'session') {
    const { session } = entrance;
    span
      .set('guildhall.session.id', session.id)
      .set('guildhall.user.id', String(session.userId))
      .set('guildhall.shard', session.identity.shard.id);
  }
  span.set('rpc.status_code', entrance.kind === 'session' ? 'ok' : outcomeOf(entrance)).end();
}

/** What presence calls the kind of client. */
function clientName({ properties }: IdentifyPayload): string {
  const browser = properties.browser.toLowerCase();
  const device = properties.device.toLowerCase();
  if (/ios|android/.test(browser) || /iphone|android|ipad/.test(device)) return 'mobile';
  return /discord client|desktop/.test(browser) ? 'desktop' : 'web';
}

/** The sessions presence knows of, and this one, which it does not know of yet. */
function sessionsJson(session: Session, json: Uint8Array | undefined): unknown[] {
  const others =
    json === undefined || json.length === 0
      ? []
      : (JSON.parse(Buffer.from(json).toString()) as { session_id?: string }[]);
  const { presence, identity } = session;
  const own = {
    session_id: session.id,
    client_info: { client: identity.client.name, os: identity.client.os, version: 0 },
    status: presence.status === 'unknown' ? 'online' : presence.status,
    activities: activitiesJson(session),
    hidden_activities: [],
    active: true,
  };
  return [...others.filter((other) => other.session_id !== session.id), own];
}
