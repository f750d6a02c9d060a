// Which topics a session follows, and what it is told when it begins to: GUILD_CREATE, or
// GUILD_DELETE with `unavailable` when the guild's owner does not answer, and GUILD_CREATE when it
// does later.
import { Backoff, type Clock } from '@guildhall/clock';
import type { AttachTopicReply } from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { Intent } from '@guildhall/gateway-protocol';
import type { TraceContext } from '@guildhall/telemetry';
import { Dispatch } from '../domain/dispatch.js';
import type { PresenceBook } from '../domain/presence-book.js';
import { availableGuild } from '../domain/ready-payload.js';
import type { Session } from '../domain/session.js';
import type { GatewayEvents } from '../events.js';
import type { Deliverer } from './deliverer.js';
import { untilRead } from './pacing.js';
import { DETACHED, type AttachRequest, type Relays } from './relays.js';

export interface AttachingOptions {
  readonly relays: Relays;
  readonly deliverer: Deliverer;
  readonly book: PresenceBook;
  readonly events: GatewayEvents;
  readonly clock: Clock;
  readonly random: () => number;
  readonly retryMs: number;
}

const RETRY_MS_MAX = 60_000;
/** Guilds of one session that are asked for at once. */
const GUILDS_AT_ONCE = 32;

/** Bots without any of these hear nothing of private channels. */
const PRIVATE_INTENTS =
  Intent.DirectMessages |
  Intent.DirectMessageReactions |
  Intent.DirectMessageTyping |
  Intent.DirectMessagePolls |
  Intent.PrivateChannels;

/** See the top of the file. */
export class Attaching {
  readonly #options: AttachingOptions;

  constructor(options: AttachingOptions) {
    this.#options = options;
  }

  /** What the owner needs to know to make a snapshot for this session. */
  static request(session: Session, more: AttachRequest = {}): AttachRequest {
    return {
      wantsPresences: (session.intents & Intent.GuildPresences) !== 0,
      wantsMembers: (session.intents & Intent.GuildMembers) !== 0,
      largeThreshold: session.identity.largeThreshold,
      ...more,
    };
  }

  static wantsPrivateChannels(session: Session): boolean {
    return session.isFirstShard && (session.intents & PRIVATE_INTENTS) !== 0;
  }

  /** Follows a guild and tells the session. Never rejects; does nothing if it is followed. */
  async guild(session: Session, guildId: bigint, trace?: TraceContext): Promise<void> {
    const { relays, deliverer, book, events } = this.#options;
    if (session.isEnded || session.followings.has(guildId)) return;
    const answer = await relays.attachTopic(session, guildId, 'guild', Attaching.request(session), {
      trace,
      onSnapshot: (reply) => {
        if (this.#hearsOfGuilds(session)) deliverer.own(session, guildCreate(reply));
      },
    });
    if (session.isEnded || answer === DETACHED) return;
    if (!(answer instanceof Fault)) {
      if (session.isPresent) book.put(session);
      return;
    }
    events.topicUnavailable(guildId, answer);
    this.unavailable(session, guildId, answer);
  }

  /** Follows many guilds, no faster than the client reads of them. Never rejects. */
  async guilds(session: Session, guildIds: readonly bigint[], trace?: TraceContext): Promise<void> {
    const left = [...guildIds].reverse();
    const work = async (): Promise<void> => {
      for (let id = left.pop(); id !== undefined && !session.isEnded; id = left.pop()) {
        await this.guild(session, id, trace);
        await untilRead(session, this.#options.clock);
      }
    };
    await Promise.all(Array.from({ length: GUILDS_AT_ONCE }, work));
  }

  /** A guild could not be followed: says so, and tries again if that may help. */
  unavailable(session: Session, guildId: bigint, fault: Fault): void {
    const isOut = isFinal(fault);
    this.#tellDeleted(session, guildId, !isOut);
    if (!isOut) this.retryLater(session, guildId);
  }

  /** Tries until it works, it is clear that it will not, or the session is over. */
  retryLater(session: Session, guildId: bigint): void {
    const { clock, random, retryMs } = this.#options;
    const backoff = new Backoff({ firstMs: retryMs, capMs: RETRY_MS_MAX, random });
    const retry = (): void => {
      if (session.isEnded || session.followings.has(guildId)) return;
      void this.#guildAgain(session, guildId).then((fault) => {
        if (fault === undefined || session.isEnded) return;
        if (isFinal(fault)) this.#tellDeleted(session, guildId, false);
        else clock.setTimer(backoff.nextMs(), retry);
      });
    };
    clock.setTimer(backoff.nextMs(), retry);
  }

  /**
   * Follows a private channel; nothing is said of it. One that has just come to be is followed from
   * its beginning, so that the message that opened it is not missed.
   */
  async privateChannel(
    session: Session,
    topicId: bigint,
    options: { trace?: TraceContext | undefined; isNew?: boolean } = {},
  ): Promise<void> {
    const { relays, book, events } = this.#options;
    if (session.isEnded || session.followings.has(topicId)) return;
    const answer = await relays.attachTopic(
      session,
      topicId,
      'private',
      Attaching.request(session),
      { trace: options.trace, isFromStart: options.isNew === true },
    );
    if (session.isEnded || answer === DETACHED) return;
    if (!(answer instanceof Fault)) {
      if (session.isPresent) book.put(session);
      return;
    }
    events.topicUnavailable(topicId, answer);
    if (isFinal(answer)) return;
    this.#options.clock.setTimer(this.#options.retryMs, () => {
      void this.privateChannel(session, topicId, options);
    });
  }

  /** The user is out of a guild, and the guild itself has not said so yet. */
  left(session: Session, guildId: bigint): void {
    if (!session.followings.has(guildId)) return;
    this.#options.relays.detach(session, guildId);
    this.#tellDeleted(session, guildId, false);
    if (session.isPresent) this.#options.book.put(session);
  }

  async #guildAgain(session: Session, guildId: bigint): Promise<Fault | undefined> {
    const { relays, deliverer, book } = this.#options;
    const answer = await relays.attachTopic(session, guildId, 'guild', Attaching.request(session), {
      onSnapshot: (reply) => {
        if (this.#hearsOfGuilds(session)) deliverer.own(session, guildCreate(reply));
      },
    });
    if (answer === DETACHED) return undefined;
    if (answer instanceof Fault) return answer;
    if (session.isPresent) book.put(session);
    return undefined;
  }

  #hearsOfGuilds(session: Session): boolean {
    return (session.intents & Intent.Guilds) !== 0;
  }

  #tellDeleted(session: Session, guildId: bigint, isOutage: boolean): void {
    if (!this.#hearsOfGuilds(session)) return;
    const id = String(guildId);
    const data = isOutage ? { id, unavailable: true } : { id };
    this.#options.deliverer.own(session, Dispatch.own('GUILD_DELETE', data));
  }
}

function guildCreate(reply: AttachTopicReply): Dispatch {
  return new Dispatch('GUILD_CREATE', availableGuild(reply.json), true);
}

/** Asking again will not help: no such guild, or this user is not in it. */
export function isFinal(fault: Fault): boolean {
  return (
    fault.code === FaultCode.NotFound ||
    fault.code === FaultCode.Refused ||
    fault.code === FaultCode.Unauthorized ||
    fault.code === FaultCode.Invalid
  );
}
