// Files in a folder of the machine, or of a file system that all instances share.
//
//   temp/<random>                                while it is being received
//   attachments/<channel>/<attachment>/<name>    a message's file
//   avatars|icons|.../<owner>/<hash>.<ext>       a picture
//
// A file gets its final name by a rename, when its bytes are on disk; so a name that exists is
// whole.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Snowflake } from '@guildhall/snowflake';
import type { Clock } from '@guildhall/clock';
import type { Files, Image, ImageFolder, ReceivedFile } from '../domain/ports.js';

/** A request is over long before; what is older was left by a process that died. */
const TEMP_AGE_MS = 3_600_000;

export interface FileStoreOptions {
  readonly dir: string;
  /** Where clients find files: `http://host:port`, without a slash at the end. */
  readonly publicUrl: string;
  readonly clock: Clock;
}

/** A stored file that may be served. */
export interface FoundFile {
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * The file store. Paths are made of ids, hashes and names that were made safe, never of a client's
 * text.
 */
export class FileStore implements Files {
  readonly tempDir: string;
  readonly #options: FileStoreOptions;

  constructor(options: FileStoreOptions) {
    this.#options = options;
    this.tempDir = join(options.dir, 'temp');
  }

  /** Makes the folders and deletes what earlier processes left half-received. */
  async prepare(): Promise<void> {
    await mkdir(this.tempDir, { recursive: true });
    const nowMs = this.#options.clock.nowMs();
    for (const name of await readdir(this.tempDir)) {
      const path = join(this.tempDir, name);
      const found = await stat(path).catch(() => undefined);
      if (found !== undefined && nowMs - found.mtimeMs > TEMP_AGE_MS) {
        await rm(path, { force: true });
      }
    }
  }

  async putImage(folder: ImageFolder, ownerId: Snowflake, image: Image): Promise<string> {
    const digest = createHash('sha256').update(image.bytes).digest('hex').slice(0, 32);
    const hash = image.extension === 'gif' ? `a_${digest}` : digest;
    const dir = join(this.#options.dir, folder, String(ownerId));
    const tempPath = join(this.tempDir, randomUUID());
    await writeFile(tempPath, image.bytes, { flush: true });
    await this.#place(tempPath, dir, `${hash}.${image.extension}`);
    return hash;
  }

  async keepAttachment(
    channelId: Snowflake,
    attachmentId: Snowflake,
    filename: string,
    file: ReceivedFile,
  ): Promise<void> {
    await this.#place(file.tempPath, this.#attachmentDir(channelId, attachmentId), filename);
  }

  async dropAttachment(channelId: Snowflake, attachmentId: Snowflake): Promise<void> {
    const dir = this.#attachmentDir(channelId, attachmentId);
    await rm(dir, { recursive: true, force: true });
  }

  attachmentUrl(channelId: Snowflake, attachmentId: Snowflake, filename: string): string {
    const { publicUrl } = this.#options;
    return `${publicUrl}/attachments/${channelId}/${attachmentId}/${encodeURIComponent(filename)}`;
  }

  /** The attachment, if it is there. `filename` must be one that safeFilename leaves as it is. */
  findAttachment(
    channelId: Snowflake,
    attachmentId: Snowflake,
    filename: string,
  ): Promise<FoundFile | undefined> {
    return found(join(this.#attachmentDir(channelId, attachmentId), filename));
  }

  /** The picture of that hash (hex digits, perhaps `a_` before), as one of these kinds. */
  async findImage(
    folder: ImageFolder,
    ownerId: Snowflake,
    hash: string,
    extensions: readonly Image['extension'][],
  ): Promise<(FoundFile & { extension: Image['extension'] }) | undefined> {
    const dir = join(this.#options.dir, folder, String(ownerId));
    for (const extension of extensions) {
      const file = await found(join(dir, `${hash}.${extension}`));
      if (file !== undefined) return { ...file, extension };
    }
    return undefined;
  }

  #attachmentDir(channelId: Snowflake, attachmentId: Snowflake): string {
    return join(this.#options.dir, 'attachments', String(channelId), String(attachmentId));
  }

  async #place(tempPath: string, dir: string, name: string): Promise<void> {
    await mkdir(dir, { recursive: true });
    await rename(tempPath, join(dir, name));
    // The name is as much a part of what was promised as the bytes.
    const handle = await open(dir, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

async function found(path: string): Promise<FoundFile | undefined> {
  const info = await stat(path).catch(() => undefined);
  return info?.isFile() === true ? { path, sizeBytes: info.size } : undefined;
}
