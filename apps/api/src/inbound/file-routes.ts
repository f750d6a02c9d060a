// Stored files, as Discord's CDN serves them. They carry no credentials: whoever knows an address,
// which holds an id or a hash, may fetch it.
import { createReadStream } from 'node:fs';
import { parseSnowflake, type Snowflake } from '@guildhall/snowflake';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { safeFilename } from '../domain/filename.js';
import { IMAGE_TYPES } from '../domain/image.js';
import type { Image, ImageFolder } from '../domain/ports.js';
import { NOT_FOUND } from './answer.js';
import { send } from './api-server.js';

const FOLDERS: readonly ImageFolder[] = [
  ...(['avatars', 'icons', 'banners', 'splashes', 'role-icons', 'app-icons'] as const),
];
const EXTENSIONS: readonly Image['extension'][] = ['png', 'jpg', 'gif', 'webp'];
const IMAGE_NAME = /^((?:a_)?[0-9a-f]{32})\.(png|jpe?g|gif|webp)$/;
const FOREVER = 'public, max-age=31536000, immutable';

/**
 * Types that a browser may show in place. Anything else, text of every kind included, is saved: it
 * must not run as a page of this address.
 */
const SHOWN: Readonly<Record<string, string>> = {
  ...IMAGE_TYPES,
  jpeg: 'image/jpeg',
  mp4: 'video/mp4',
  webm: 'video/webm',
  mp3: 'audio/mpeg',
  ogg: 'audio/ogg',
  wav: 'audio/wav',
};

interface Found {
  readonly path: string;
  readonly sizeBytes: number;
}

/** What is served, as the file store tells it. */
export interface ServedFiles {
  findAttachment(
    channelId: Snowflake,
    attachmentId: Snowflake,
    filename: string,
  ): Promise<Found | undefined>;
  findImage(
    folder: ImageFolder,
    ownerId: Snowflake,
    hash: string,
    extensions: readonly Image['extension'][],
  ): Promise<(Found & { extension: Image['extension'] }) | undefined>;
}

/** Puts the addresses of files on the server. */
export function installFiles(server: FastifyInstance, files: ServedFiles): void {
  server.get('/attachments/:channel/:attachment/:filename', async (request, reply) => {
    const { channel, attachment, filename } = request.params as Record<string, string>;
    const channelId = parseSnowflake(channel);
    const attachmentId = parseSnowflake(attachment);
    const isSafe = safeFilename(filename) === filename;
    const file =
      channelId === undefined || attachmentId === undefined || !isSafe
        ? undefined
        : await files.findAttachment(channelId, attachmentId, filename!);
    if (file === undefined) return send(reply, NOT_FOUND);
    const shown = SHOWN[filename!.split('.').at(-1)!.toLowerCase()];
    const disposition = shown === undefined ? 'attachment' : 'inline';
    reply.header('content-disposition', `${disposition}; filename="${filename!}"`);
    return stream(reply, file, shown ?? 'application/octet-stream');
  });
  for (const folder of FOLDERS) {
    server.get(`/${folder}/:owner/:name`, async (request, reply) => {
      const { owner, name } = request.params as Record<string, string>;
      const ownerId = parseSnowflake(owner);
      const match = IMAGE_NAME.exec(name!);
      // Nothing is converted here: whichever extension is asked for, the picture comes as it was
      // stored.
      const file =
        ownerId === undefined || match === null
          ? undefined
          : await files.findImage(folder, ownerId, match[1]!, EXTENSIONS);
      if (file === undefined) return send(reply, NOT_FOUND);
      return stream(reply, file, IMAGE_TYPES[file.extension]);
    });
  }
}

function stream(reply: FastifyReply, file: Found, contentType: string): FastifyReply {
  reply.headers({
    'content-type': contentType,
    'content-length': String(file.sizeBytes),
    'cache-control': FOREVER,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'cross-origin-resource-policy': 'cross-origin',
  });
  return reply.send(createReadStream(file.path));
}
