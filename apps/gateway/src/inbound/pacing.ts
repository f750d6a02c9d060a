import { sleep, type Clock } from '@guildhall/clock';
import type { Session } from '../domain/session.js';

/** What may wait in a socket before more is fetched for it. */
const WAITING_BYTES_MAX = 1024 * 1024;
const LOOK_MS = 10;

/**
 * Resolves when the session's client has read most of what it was sent, or has no socket: whoever
 * asks for much is given it as fast as it reads, and no faster.
 */
export async function untilRead(session: Session, clock: Clock): Promise<void> {
  while ((session.socket?.bufferedBytes ?? 0) > WAITING_BYTES_MAX) await sleep(clock, LOOK_MS);
}
