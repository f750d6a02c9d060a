const FILENAME_LENGTH_MAX = 255;

/**
 * The name a file is kept and served under: letters, digits, dot, dash, underscore, as Discord does
 * it. Never empty, never hidden, never a path.
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

/** Types by the ends of names, for clients that do not say. */
const TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  mp4: 'video/mp4',
  webm: 'video/webm',
  mov: 'video/quicktime',
  mp3: 'audio/mpeg',
  ogg: 'audio/ogg',
  wav: 'audio/wav',
  flac: 'audio/flac',
  txt: 'text/plain; charset=utf-8',
  md: 'text/markdown; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  json: 'application/json',
  pdf: 'application/pdf',
  zip: 'application/zip',
};
const UNKNOWN_TYPE = 'application/octet-stream';

/** The type clients are told for a file: what its sender said, or what its name says. */
export function contentTypeOf(given: string, filename: string): string {
  const isType = /^[a-z]+\/[a-z0-9.+-]{1,80}$/i.test(given);
  if (isType && given.toLowerCase() !== UNKNOWN_TYPE) return given.toLowerCase();
  const end = filename.slice(filename.lastIndexOf('.') + 1).toLowerCase();
  return Object.hasOwn(TYPES, end) ? TYPES[end]! : UNKNOWN_TYPE;
}
