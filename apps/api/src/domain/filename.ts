const FILENAME_LENGTH_MAX = 255;

/**
 * The name a file is kept and served under: letters, digits, dot, dash, underscore, as Discord does it. Never
 * empty, never hidden, never a path.
 */
export function safeFilename(given: string | undefined): string {
  const base = (given ?? '').split(/[\\/]/).at(-1)!;
  const plain = base
    .normalize('NFKD')
    .replace(/\s+/g, '_')
    .replace(/[^A-Za-z0-9._-]/g, '')
    .replace(/\.{2,}/g, '.')
    .replace(/^\.+/, '');
  return plain === '' ? 'unknown' : plain.slice(-FILENAME_LENGTH_MAX);
}

/** The type a client is told for a file it gets: what it said itself, if that is a type at all. */
export function safeContentType(given: string): string {
  return /^[a-z]+\/[a-z0-9.+-]{1,80}$/i.test(given)
    ? given.toLowerCase()
    : 'application/octet-stream';
}
