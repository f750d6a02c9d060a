// What a client with a session may ask over its socket, apart from the session itself.
import { randomBytes } from 'node:crypto';
import type { Clock } from '@guildhall/clock';
import type { QueryMembersReply } from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import {
  Intent,
  MEMBER_REQUEST_USERS_MAX,
  MEMBERS_PER_CHUNK_MAX,
  Opcode,
  type PresenceUpdatePayload,
  type RequestChannelInfoPayload,
  type RequestGuildMembersPayload,
  type RequestSoundboardSoundsPayload,
  type VoiceStateUpdatePayload,
} from '@guildhall/gateway-protocol';
import { SPAN, type GatewayOp, type TraceContext, type Tracer } from '@guildhall/telemetry';
import { Dispatch } from '../domain/dispatch.js';
import type { MemberListLimiter } from '../domain/member-list-limiter.js';
import type { Asker, GuildsPort } from '../domain/ports.js';
import type { PresenceBook } from '../domain/presence-book.js';
import type { Session } from '../domain/session.js';
import type { GatewayEvents } from '../events.js';
import type { Deliverer } from './deliverer.js';
import { untilRead } from './pacing.js';
import type { SessionLife } from './session-life.js';

export interface ClientRequestsOptions {
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly events: GatewayEvents;
  readonly guilds: GuildsPort;
  readonly book: PresenceBook;
  readonly life: SessionLife;
  readonly deliverer: Deliverer;
  readonly memberLists: MemberListLimiter;
}

/** Answers come as dispatches of the session. Nothing here rejects but for a Bug. */
export class ClientRequests {
  readonly #options: ClientRequestsOptions;

  constructor(options: ClientRequestsOptions) {
    this.#options = options;
  }

  /** op 3. Beyond the limit the last update is applied when there is room again. */
  updatePresence(session: Session, { presence }: PresenceUpdatePayload): void {
    const { clock, book, life, tracer } = this.#options;
    const span = tracer.root(SPAN.gateway.presence_update);
    if (session.presenceLimiter.admit(clock.monotonicMs())) {
      session.presence = presence;
      session.presenceWaiting = undefined;
      book.put(session);
    } else {
      session.presenceWaiting = presence;
      life.delayPresence(session);
    }
    span?.set('guildhall.session.id', session.id).end();
  }

  /** op 4. The new state comes to all who see the channel as an event of the guild. */
  async updateVoiceState(session: Session, payload: VoiceStateUpdatePayload): Promise<void> {
    // Calls in private channels are not offered.
    if (payload.guildId === null) return;
    const guildId = BigInt(payload.guildId);
    if (!session.followings.has(guildId)) return;
    await this.#traced(session, 'voice_state_update', async (trace) => {
      const channelId = BigInt(payload.channelId ?? 0);
      await this.#options.guilds.updateVoiceState(askerOf(session, guildId, trace), {
        channelId,
        selfMute: payload.isSelfMute,
        selfDeaf: payload.isSelfDeaf,
        selfVideo: payload.isSelfVideo,
        sessionId: session.id,
      });
      if (channelId === 0n) {
        session.voiceGuilds?.delete(guildId);
        return;
      }
      session.voiceGuilds ??= new Set();
      session.voiceGuilds.add(guildId);
      // There is no voice server here; null is how clients are told to wait for one.
      this.#own(session, 'VOICE_SERVER_UPDATE', {
        token: randomBytes(8).toString('hex'),
        guild_id: payload.guildId,
        endpoint: null,
      });
    });
  }

  /** op 8. */
  async guildMembers(session: Session, payload: RequestGuildMembersPayload): Promise<void> {
    const guildId = BigInt(payload.guildId);
    const { query, userIds } = payload;
    if (!session.followings.has(guildId)) {
      this.#chunk(session, payload, { notFound: userIds ?? [] }, 0, 1);
      return;
    }
    const isWholeList = userIds === null && query === '' && payload.limit === 0;
    if (isWholeList && (session.intents & Intent.GuildMembers) === 0) {
      // Not granted: an empty answer ends the client's wait, and says nothing of anybody.
      this.#chunk(session, payload, { notFound: [] }, 0, 1);
      return;
    }
    if (isWholeList) {
      const { memberLists, clock } = this.#options;
      const waitMs = memberLists.ask(session.userId, guildId, clock.monotonicMs());
      if (waitMs > 0) {
        this.#own(session, 'RATE_LIMITED', {
          opcode: Opcode.RequestGuildMembers,
          retry_after: waitMs / 1000,
          meta: {
            guild_id: payload.guildId,
            ...(payload.nonce === null ? {} : { nonce: payload.nonce }),
          },
        });
        return;
      }
    }
    await this.#traced(session, 'request_guild_members', (trace) =>
      this.#memberPages(session, payload, guildId, trace),
    );
  }

  /** op 31. There are no sounds here: one empty answer for each guild. */
  soundboardSounds(session: Session, { guildIds }: RequestSoundboardSoundsPayload): void {
    const span = this.#options.tracer.root(SPAN.gateway.request_soundboard_sounds);
    for (const guildId of guildIds) {
      if (!session.followings.has(BigInt(guildId))) continue;
      this.#own(session, 'SOUNDBOARD_SOUNDS', { guild_id: guildId, soundboard_sounds: [] });
    }
    span?.set('guildhall.session.id', session.id).end();
  }

  /** op 43. */
  async channelInfo(session: Session, payload: RequestChannelInfoPayload): Promise<void> {
    const guildId = BigInt(payload.guildId);
    if (!session.followings.has(guildId)) return;
    await this.#traced(session, 'request_channel_info', async (trace) => {
      const asker = askerOf(session, guildId, trace);
      const json = await this.#options.guilds.channelInfo(asker, payload.fields);
      this.#options.deliverer.own(session, new Dispatch('CHANNEL_INFO', json, true));
    });
  }

  async #memberPages(
    session: Session,
    payload: RequestGuildMembersPayload,
    guildId: bigint,
    trace: TraceContext | undefined,
  ): Promise<void> {
    const { guilds } = this.#options;
    const { query, userIds, wantsPresences } = payload;
    const request = {
      ...(userIds === null ? { query: query ?? '' } : { userIds: userIds.map(BigInt) }),
      limit: memberLimit(payload),
      presences: wantsPresences && (session.intents & Intent.GuildPresences) !== 0,
    };
    let after = 0n;
    let chunksCount = 1;
    for (let index = 0; index < chunksCount && !session.isEnded; index += 1) {
      const asker = askerOf(session, guildId, trace);
      const page = await guilds.queryMembers(asker, { ...request, after });
      // Decided by the first page: a client counts on it, whoever joins meanwhile.
      if (index === 0) chunksCount = chunksOf(page);
      after = page.nextAfter;
      const isLast = after === 0n;
      this.#chunk(session, payload, pageOf(page), index, chunksCount);
      if (isLast) return;
      await untilRead(session, this.#options.clock);
    }
  }

  /** One GUILD_MEMBERS_CHUNK; members and presences are JSON of the owner's, put in as they are. */
  #chunk(
    session: Session,
    payload: RequestGuildMembersPayload,
    page: { members?: Uint8Array; presences?: Uint8Array; notFound: readonly string[] },
    index: number,
    count: number,
  ): void {
    const rest = {
      guild_id: payload.guildId,
      chunk_index: index,
      chunk_count: count,
      ...(page.notFound.length === 0 ? {} : { not_found: page.notFound }),
      ...(payload.nonce === null ? {} : { nonce: payload.nonce }),
    };
    const presences = payload.wantsPresences
      ? [Buffer.from('"presences":'), page.presences ?? EMPTY_LIST, Buffer.from(',')]
      : [];
    const json = Buffer.concat([
      Buffer.from('{"members":'),
      page.members ?? EMPTY_LIST,
      Buffer.from(','),
      ...presences,
      Buffer.from(JSON.stringify(rest)).subarray(1),
    ]);
    this.#options.deliverer.own(session, new Dispatch('GUILD_MEMBERS_CHUNK', json, true));
  }

  async #traced(
    session: Session,
    op: GatewayOp,
    work: (trace: TraceContext | undefined) => Promise<void>,
  ): Promise<void> {
    const { tracer, events } = this.#options;
    const span = tracer.root(SPAN.gateway[op]);
    try {
      await work(span?.context);
      span?.set('rpc.status_code', 'ok');
    } catch (reason) {
      const fault = Fault.from(reason);
      span?.set('rpc.status_code', fault.code).fail(fault);
      // What the rules refuse is no news here; the protocol has no words for it either.
      if (fault.code !== FaultCode.Refused) events.requestFailed(op, fault, span?.context);
    } finally {
      span?.set('guildhall.session.id', session.id).end();
    }
  }

  #own(session: Session, type: string, data: unknown): void {
    this.#options.deliverer.own(session, Dispatch.own(type, data));
  }
}

const EMPTY_LIST = Buffer.from('[]');

function memberLimit({ query, userIds, limit }: RequestGuildMembersPayload): number {
  if (userIds !== null || query === '') return limit;
  return limit === 0 ? MEMBER_REQUEST_USERS_MAX : Math.min(limit, MEMBER_REQUEST_USERS_MAX);
}

function chunksOf(page: QueryMembersReply): number {
  if (page.nextAfter === 0n) return 1;
  return Math.max(1, Math.ceil(page.membersCount / MEMBERS_PER_CHUNK_MAX));
}

function pageOf(page: QueryMembersReply) {
  return {
    ...(page.membersJson.length === 0 ? {} : { members: page.membersJson }),
    ...(page.presencesJson.length === 0 ? {} : { presences: page.presencesJson }),
    notFound: page.notFound.map(String),
  };
}

function askerOf(session: Session, topicId: bigint, trace: TraceContext | undefined): Asker {
  return { topicId, actorId: session.userId, isBot: session.isBot, trace };
}
