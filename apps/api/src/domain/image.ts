// Pictures as clients send them: a data URI in JSON. What it says of itself is not believed; the
// first bytes are.
import type { Image } from './ports.js';
import { INVALID, type Check } from './validation.js';

/** As Discord: avatars and icons. */
export const IMAGE_BYTES_MAX = 10 * 1024 * 1024;
/** A data URI of the largest picture, and the JSON around it. */
export const IMAGE_BODY_BYTES_MAX = Math.ceil((IMAGE_BYTES_MAX * 4) / 3) + 64 * 1024;
const DATA_URI = /^data:image\/(?:png|jpe?g|gif|webp);base64,/;

/** A picture in a data URI: PNG, JPEG, GIF or WebP. */
export function imageData(): Check<Image> {
  return {
    absent: 'refuse',
    run(value, path, findings) {
      const match = typeof value === 'string' ? DATA_URI.exec(value) : null;
      if (match === null) {
        return findings.add(path, 'IMAGE_INVALID', 'Invalid image data');
      }
      const bytes = Buffer.from((value as string).slice(match[0].length), 'base64');
      if (bytes.length > IMAGE_BYTES_MAX) {
        const message = `File cannot be larger than ${IMAGE_BYTES_MAX / 1024 / 1024} MB.`;
        return findings.add(path, 'BINARY_TYPE_MAX_SIZE', message);
      }
      const extension = extensionOf(bytes);
      if (extension !== undefined) return { bytes, extension };
      findings.add(path, 'IMAGE_INVALID', 'Invalid image data');
      return INVALID;
    },
  };
}

/** What the first bytes say it is, or undefined if it is none of the four. */
export function extensionOf(bytes: Uint8Array): Image['extension'] | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(16, bytes.length));
  const latin = head.toString('latin1');
  if (latin.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (latin.startsWith('\xff\xd8\xff')) return 'jpg';
  if (latin.startsWith('GIF87a') || latin.startsWith('GIF89a')) return 'gif';
  if (latin.startsWith('RIFF') && latin.slice(8, 12) === 'WEBP') return 'webp';
  return undefined;
}

/** The media type each kind is served as. */
export const IMAGE_TYPES: Readonly<Record<Image['extension'], string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
};
