// Notices gateways that are gone, drained or not. Their clients are about to be back on others: with a
// session of the same name, or a new one. What has not been put again within the orphan lease is over;
// without this it would be shown for the rest of its lease.
import type { MemberView, ServiceWatch } from '@guildhall/placement';

/**
 * Calls back with the name of each gateway that is gone, or was started anew under its name, which is
 * the same to its sessions. Returns how to stop it.
 */
export function watchGateways(watch: ServiceWatch, onGone: (gateway: string) => void): () => void {
  let known = incarnations(watch.instances());
  return watch.onChange((members) => {
    const now = incarnations(members);
    for (const [gateway, incarnation] of known) {
      if (now.get(gateway) !== incarnation) onGone(gateway);
    }
    known = now;
  });
}

const incarnations = (members: readonly MemberView[]): Map<string, bigint> =>
  new Map(members.map(({ instance, incarnation }) => [instance, incarnation]));
