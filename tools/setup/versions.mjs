/** The three numbers of the first version in `text` (`v20.20.2`, `nats-server: v2.10.27`). */
export function parseVersion(text) {
  const found = /(\d+)\.(\d+)\.(\d+)/.exec(text);
  return found === null ? undefined : found.slice(1).map(Number);
}

/** Whether the version in `text` is `least` or newer. No version in it is not. */
export function isAtLeast(text, least) {
  const found = parseVersion(text);
  if (found === undefined) return false;
  const wanted = parseVersion(least);
  for (let part = 0; part < 3; part += 1) {
    if (found[part] !== wanted[part]) return found[part] > wanted[part];
  }
  return true;
}
