// What messages have in common however they come in: as a message, as the answer of a bot.
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { AllowedMentionsSchema, AttachmentSchema } from '@guildhall/contracts';
import { Fault } from '@guildhall/fault';
import type { Snowflake } from '@guildhall/snowflake';
import { contentTypeOf, safeFilename } from '../domain/filename.js';
import type { CreateMessageBody, EditMessageBody, NotedFile } from '../domain/message-body.js';
import type { Ports } from '../domain/ports.js';
import type { Events } from '../events.js';

/** A file that is in place, as owners want it. */
export type AttachmentInit = MessageInitShape<typeof AttachmentSchema> & { id: Snowflake };

/** What a new message says, as owners want it; where it goes and who says it is for the caller. */
export function saidIn(body: CreateMessageBody) {
  const embedsJson = jsonBytes(body.embeds ?? body.embed);
  const componentsJson = jsonBytes(body.components);
  const stickerIds = body.sticker_ids ?? [];
  return {
    content: body.content ?? '',
    tts: body.tts,
    flags: body.flags,
    ...(embedsJson === undefined ? {} : { embedsJson }),
    ...(componentsJson === undefined ? {} : { componentsJson }),
    ...(stickerIds.length === 0
      ? {}
      : { stickerIdsJson: Buffer.from(JSON.stringify(stickerIds.map(String))) }),
    ...mentionsInit(body.allowed_mentions),
  };
}

/** What an edit changes, as owners want it. `keepIds`: the attachments that stay, if it says so. */
export function changedBy(body: EditMessageBody, keepIds: readonly bigint[]) {
  const embedsJson = jsonBytes(body.embeds === undefined ? body.embed : body.embeds);
  const componentsJson = jsonBytes(body.components);
  return {
    ...(body.content === undefined ? {} : { content: body.content ?? '' }),
    ...(embedsJson === undefined ? {} : { embedsJson }),
    ...(componentsJson === undefined ? {} : { componentsJson }),
    ...(body.flags === undefined ? {} : { flags: body.flags }),
    ...(body.attachments === undefined ? {} : { keepAttachments: { ids: [...keepIds] } }),
    ...mentionsInit(body.allowed_mentions),
  };
}

/** Files are in place before anybody can hear of them, and gone again if the message is refused. */
export async function withAttachments<T>(
  { files, mintId }: Ports,
  events: Events,
  channelId: Snowflake,
  noted: readonly NotedFile[],
  send: (attachments: AttachmentInit[]) => Promise<T>,
): Promise<T> {
  const attachments: AttachmentInit[] = [];
  try {
    for (const { file, filename: wanted, description } of noted) {
      const id = mintId();
      const filename = safeFilename(wanted ?? file.filename);
      await files.keepAttachment(channelId, id, filename, file);
      attachments.push({
        id,
        filename,
        description,
        sizeBytes: BigInt(file.sizeBytes),
        url: files.attachmentUrl(channelId, id, filename),
        contentType: contentTypeOf(file.contentType, filename),
        ...file.imageSize,
      });
    }
    return await send(attachments);
  } catch (reason) {
    // Only a refusal is certain: after a timeout the message may exist, and must find its files.
    if (reason instanceof Fault && reason.refusal !== undefined) {
      await Promise.all(attachments.map(({ id }) => files.dropAttachment(channelId, id))).catch(
        (failure: unknown) => events.attachmentNotDropped(failure),
      );
    }
    throw reason;
  }
}

function jsonBytes(text: string | null | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : Buffer.from(text ?? '[]');
}

function mentionsInit(given: CreateMessageBody['allowed_mentions']): {
  allowedMentions?: MessageInitShape<typeof AllowedMentionsSchema>;
} {
  if (given === undefined) return {};
  const { parse, users, roles, replied_user: repliedUser } = given;
  return { allowedMentions: { parse, users, roles, repliedUser } };
}
