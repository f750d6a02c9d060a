// RESUME: a session gets another socket and is told what it missed. Only on the gateway it is on;
// elsewhere nobody knows it, and the client is told to identify.
import { Fault } from '@guildhall/fault';
import { CloseCode, type ResumePayload } from '@guildhall/gateway-protocol';
import { SPAN, type Tracer } from '@guildhall/telemetry';
import { Dispatch } from '../domain/dispatch.js';
import type { AccountsPort } from '../domain/ports.js';
import type { SessionRegistry } from '../domain/session-registry.js';
import type { Session } from '../domain/session.js';
import type { GatewayEvents } from '../events.js';
import type { Deliverer } from './deliverer.js';
import { authenticated, tokenDigest, type Caller, type Entrance } from './identify.js';
import type { SessionLife } from './session-life.js';

export interface ResumeOptions {
  readonly instance: string;
  readonly tracer: Tracer;
  readonly events: GatewayEvents;
  readonly accounts: AccountsPort;
  readonly registry: SessionRegistry;
  readonly life: SessionLife;
  readonly deliverer: Deliverer;
}

/** See the top of the file. */
export class Resume {
  readonly #options: ResumeOptions;

  constructor(options: ResumeOptions) {
    this.#options = options;
  }

  /** Never rejects but for a Bug. What comes out has had all that it missed, and RESUMED. */
  async resume(caller: Caller, payload: ResumePayload): Promise<Entrance> {
    const { tracer, events } = this.#options;
    const span = tracer.root(SPAN.gateway.resume);
    let entrance: Entrance;
    try {
      entrance = await this.#enter(caller, payload, span?.context);
    } catch (reason) {
      const fault = Fault.from(reason);
      events.requestFailed('resume', fault, span?.context);
      span?.fail(fault);
      entrance = { kind: 'close', code: CloseCode.UnknownError };
    }
    span?.set('guildhall.session.id', payload.sessionId.slice(0, 64));
    span?.set('rpc.status_code', entrance.kind === 'session' ? 'ok' : entrance.kind).end();
    return entrance;
  }

  async #enter(
    caller: Caller,
    payload: ResumePayload,
    trace: Parameters<AccountsPort['authenticate']>[1],
  ): Promise<Entrance> {
    const { events, accounts, registry, life } = this.#options;
    const session = registry.find(payload.sessionId);
    // A session's own token need not be asked about: its sessions are ended when it is replaced.
    if (session?.identity.tokenDigest !== tokenDigest(payload.token)) {
      const account = await authenticated(accounts, payload.token, trace);
      if (account === undefined) {
        events.resumed('wrong_token');
        return { kind: 'close', code: CloseCode.AuthenticationFailed };
      }
      if (session !== undefined && session.userId !== account.user?.id) {
        events.resumed('wrong_token');
        return { kind: 'invalid' };
      }
    }
    if (session === undefined || session.isEnded) {
      events.resumed('unknown_session');
      return { kind: 'invalid' };
    }
    if (!caller.isOpen) return { kind: 'gone' };
    const missed = session.missedAfter(payload.sequence);
    if (missed === undefined) {
      events.resumed('too_old');
      // Its client will identify now; nobody else can ask for it.
      if (session.state === 'detached') life.end(session);
      return { kind: 'invalid' };
    }
    session.confirm(payload.sequence);
    this.#replay(caller, session, missed);
    events.resumed('resumed');
    return { kind: 'session', session };
  }

  /** In one turn, so that nothing new comes between what was missed. */
  #replay(caller: Caller, session: Session, missed: readonly Dispatch[]): void {
    const { life, deliverer, instance } = this.#options;
    life.connect(session, caller.socket);
    let s = session.seq - missed.length;
    for (const dispatch of missed) caller.socket.write(dispatch, ++s, true);
    deliverer.own(session, Dispatch.own('RESUMED', { _trace: [JSON.stringify([instance, {}])] }));
  }
}
