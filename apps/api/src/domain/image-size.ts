// How large a picture is, from its first bytes: clients lay a message out before they have the
// picture.
//
//   PNG   IHDR is always first: width and height, 32 bit big-endian, at 16
//   GIF   16 bit little-endian at 6
//   WebP  VP8X: 24 bit less one at 24; VP8: 14 bit at 26; VP8L: 14 bit less one, packed, at 21
//   JPEG  segments `FF marker length`, until a start of frame: height, width, 16 bit big-endian
import { extensionOf } from './image.js';

export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** As much of a file as is looked at; a JPEG may carry a thumbnail before it says its size. */
export const IMAGE_HEAD_BYTES = 128 * 1024;

/**
 * The size in pixels, or undefined if this is no picture, or does not say so early. Never throws.
 */
export function imageSizeOf(head: Uint8Array): ImageSize | undefined {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const size = measure(bytes);
  return size !== undefined && size.width > 0 && size.height > 0 ? size : undefined;
}

function measure(bytes: Buffer): ImageSize | undefined {
  switch (extensionOf(bytes)) {
    case 'png':
      if (bytes.length < 24) return undefined;
      return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
    case 'gif':
      if (bytes.length < 10) return undefined;
      return { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) };
    case 'webp':
      return bytes.length < 30 ? undefined : webpSize(bytes);
    case 'jpg':
      return jpegSize(bytes);
    case undefined:
      return undefined;
  }
}

function webpSize(bytes: Buffer): ImageSize | undefined {
  switch (bytes.toString('latin1', 12, 16)) {
    case 'VP8X':
      return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
    case 'VP8 ':
      return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
    case 'VP8L': {
      const packed = bytes.readUInt32LE(21);
      return { width: (packed & 0x3fff) + 1, height: ((packed >>> 14) & 0x3fff) + 1 };
    }
    default:
      return undefined;
  }
}

function jpegSize(bytes: Buffer): ImageSize | undefined {
  let at = 2;
  while (at + 9 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1]!;
    if (isStartOfFrame(marker)) {
      return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    }
    // Padding before a marker is one byte; a segment says its own length.
    at += marker === 0xff ? 1 : 2 + bytes.readUInt16BE(at + 2);
  }
  return undefined;
}

/** C0 to CF, but for the tables (C4, CC) and the reserved C8. */
function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}
