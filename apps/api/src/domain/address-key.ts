// Text alone: no I/O room is needed to see what family an address is.

/**
 * What an address counts as for limits: an IPv4 address as it is, an IPv6 one by the /64 that one
 * household or machine has to itself.
 */
export function addressKey(ip: string): string {
  if (!ip.includes(':')) return ip;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip);
  if (mapped !== null) return mapped[1]!;
  const [before = '', after] = ip.split('%')[0]!.split('::');
  const head = before === '' ? [] : before.split(':');
  const tailLength = after === undefined || after === '' ? 0 : after.split(':').length;
  const gap = after === undefined ? 0 : 8 - head.length - tailLength;
  const groups = [...head, ...Array<string>(gap).fill('0'), ...(after ? after.split(':') : [])];
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':');
}
