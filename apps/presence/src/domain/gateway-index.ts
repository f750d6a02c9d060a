import type { Session } from './session.js';

/** Which gateway put which sessions. A session has one gateway at a time. */
export class GatewayIndex {
  readonly #sessionsByGateway = new Map<string, Set<Session>>();

  add(session: Session): void {
    const sessions = this.#sessionsByGateway.get(session.gateway);
    if (sessions === undefined) this.#sessionsByGateway.set(session.gateway, new Set([session]));
    else sessions.add(session);
  }

  /** May be called twice. */
  delete(session: Session): void {
    const sessions = this.#sessionsByGateway.get(session.gateway);
    sessions?.delete(session);
    if (sessions?.size === 0) this.#sessionsByGateway.delete(session.gateway);
  }

  /** The session is on another gateway from now on. */
  move(session: Session, gateway: string): void {
    this.delete(session);
    session.gateway = gateway;
    this.add(session);
  }

  sessionsOf(gateway: string): Iterable<Session> {
    return this.#sessionsByGateway.get(gateway) ?? [];
  }
}
