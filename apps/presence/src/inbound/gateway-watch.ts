// Notices gateways that are gone, drained or not. Their clients are about to be back on others:
// with a session of the same name, or a new one. What has not been put again within the orphan
// lease is over; without this it would be shown for the rest of its lease.
//
// A gateway that was merely not heard for a while (cut off, or it stood still) comes back as the
// same start of the same process, and its sessions with it.
import type { MemberView, ServiceWatch } from '@guildhall/placement';

export interface GatewayNews {
  /** It is gone, or was started anew under its name, which is the same to its sessions. */
  readonly onGone: (gateway: string) => void;
  /** It is there again, and never was away. */
  readonly onBack: (gateway: string) => void;
}

/**
 * Names remembered of those that are gone; the oldest is forgotten, and its sessions with it by
 * then.
 */
const GONE_MAX = 1_024;

/** Calls back in the turn in which it was noticed. Returns how to stop it. */
export function watchGateways(watch: ServiceWatch, { onGone, onBack }: GatewayNews): () => void {
  const gone = new Map<string, bigint>();
  let known = incarnations(watch.instances());
  return watch.onChange((members) => {
    const now = incarnations(members);
    for (const [gateway, incarnation] of known) {
      if (now.get(gateway) === incarnation) continue;
      gone.set(gateway, incarnation);
      onGone(gateway);
    }
    for (const [gateway, incarnation] of now) {
      const wasGone = gone.get(gateway);
      gone.delete(gateway);
      if (wasGone === incarnation) onBack(gateway);
    }
    const [oldest] = gone.keys();
    if (gone.size > GONE_MAX) gone.delete(oldest!);
    known = now;
  });
}

const incarnations = (members: readonly MemberView[]): Map<string, bigint> =>
  new Map(members.map(({ instance, incarnation }) => [instance, incarnation]));
