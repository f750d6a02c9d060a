// multipart/form-data: files stream to temporary files and never stand in memory; everything else
// is the JSON body, either whole in `payload_json` or, as some clients do it, one part per key.
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { refuse } from '@guildhall/contracts';
import { Fault } from '@guildhall/fault';
import type { FastifyRequest } from 'fastify';
import { IMAGE_HEAD_BYTES, imageSizeOf } from '../domain/image-size.js';
import type { ReceivedFile } from '../domain/ports.js';
import { isRecord } from '../domain/validation.js';

const FIELD_BYTES_MAX = 512 * 1024;
const FIELDS_MAX = 40;

export interface UploadBounds {
  /** Where files wait; on the same file system as their final place. */
  readonly tempDir: string;
  readonly fileBytesMax: number;
  /** All files of one request together. */
  readonly totalBytesMax: number;
  readonly filesMax: number;
}

/** The parts of one multipart request. */
export interface Received {
  readonly body: unknown;
  readonly files: readonly ReceivedFile[];
  /** Deletes the files that nobody kept. May be called twice. */
  dispose(): Promise<void>;
}

/**
 * Reads a multipart request. Rejects with a Fault that says what was wrong; nothing is then left
 * behind.
 */
export async function receiveParts(
  request: FastifyRequest,
  bounds: UploadBounds,
): Promise<Received> {
  const files: ReceivedFile[] = [];
  const paths: string[] = [];
  const dispose = async (): Promise<void> => {
    await Promise.all(paths.splice(0).map((path) => rm(path, { force: true })));
  };
  const fields: Record<string, unknown> = {};
  let payload: unknown;
  let roomBytes = bounds.totalBytesMax;
  try {
    for await (const part of request.parts({ limits: limitsOf(bounds) })) {
      if (part.type === 'file') {
        const tempPath = join(bounds.tempDir, randomUUID());
        paths.push(tempPath);
        const { sizeBytes, head } = await store(part.file, tempPath, roomBytes);
        if (part.file.truncated) throw refuse('EntityTooLarge');
        roomBytes -= sizeBytes;
        const { fieldname: field, filename, mimetype: contentType } = part;
        const imageSize = imageSizeOf(head);
        files.push({
          field,
          filename,
          contentType,
          sizeBytes,
          tempPath,
          ...(imageSize === undefined ? {} : { imageSize }),
        });
      } else {
        if (part.valueTruncated) throw refuse('EntityTooLarge');
        const value = part.value as string;
        if (part.fieldname === 'payload_json') payload = parsed(value);
        else defineField(fields, part.fieldname, valueOf(part.fieldname, value, part.mimetype));
      }
    }
  } catch (reason) {
    await dispose();
    throw uploadFault(reason);
  }
  return {
    body: isRecord(payload) ? { ...fields, ...payload } : (payload ?? fields),
    files,
    dispose,
  };
}

function limitsOf(bounds: UploadBounds): object {
  return {
    fileSize: bounds.fileBytesMax,
    files: bounds.filesMax,
    fields: FIELDS_MAX,
    fieldSize: FIELD_BYTES_MAX,
    parts: FIELDS_MAX + bounds.filesMax,
    headerPairs: 20,
  };
}

async function store(
  source: NodeJS.ReadableStream,
  path: string,
  roomBytes: number,
): Promise<{ sizeBytes: number; head: Buffer }> {
  let sizeBytes = 0;
  const head: Buffer[] = [];
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (sizeBytes < IMAGE_HEAD_BYTES) head.push(chunk.subarray(0, IMAGE_HEAD_BYTES - sizeBytes));
      sizeBytes += chunk.length;
      if (sizeBytes > roomBytes) done(refuse('EntityTooLarge'));
      else done(null, chunk);
    },
  });
  // `flush` makes the data durable before the file is closed: an answer is a fact.
  await pipeline(source, counted, createWriteStream(path, { flags: 'wx', flush: true }));
  return { sizeBytes, head: Buffer.concat(head) };
}

function defineField(fields: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(fields, name, { value, enumerable: true, configurable: true });
}

/** Text stays text; what a client wrote as JSON is read as such. */
function valueOf(name: string, value: string, contentType: string): unknown {
  if (contentType === 'application/json') return parsed(value);
  if (name === 'content' || !/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refuse('RequestNotJson');
  }
}

/** Whatever the parser does not like (no boundary, a body that ends early) is the client's. */
function uploadFault(reason: unknown): unknown {
  if (!(reason instanceof Error) || reason instanceof Fault) return reason;
  const statusCode = statusOf(reason);
  if (statusCode === 413) return refuse('EntityTooLarge');
  const isParsers = statusCode !== undefined && statusCode < 500;
  return isParsers || BAD_FORM.test(reason.message) ? refuse('General') : reason;
}

const BAD_FORM = /unexpected end|premature|aborted|malformed|boundary/i;

function statusOf(reason: object): number | undefined {
  const status = (reason as { statusCode?: unknown }).statusCode;
  return typeof status === 'number' ? status : undefined;
}
