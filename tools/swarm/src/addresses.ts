// Where a session connects from. One address has some 28,000 ports towards one listener, and those
// of closed connections rest for a minute: storms of thousands need several addresses.

/** Addresses of 127.0.0.0/8 that are ours to use, from 127.0.1.1 on. */
export const ADDRESSES_MAX = 250;

/** The address of the n-th session when there are so many addresses. */
export function sourceAddress(session: number, addressesCount: number): string | undefined {
  if (addressesCount <= 1) return undefined;
  return `127.0.1.${1 + (session % Math.min(addressesCount, ADDRESSES_MAX))}`;
}
