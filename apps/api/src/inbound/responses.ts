// What a bot answers an interaction with, whichever route it comes by. Messages are their topic's;
// those that only one person sees are kept here, since nobody else does.
import { createHash } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Interactions, refuse, type InteractionOriginSchema } from '@guildhall/contracts';
import { Fault } from '@guildhall/fault';
import type { Snowflake } from '@guildhall/snowflake';
import {
  EPHEMERAL,
  matchNotes,
  refuseEmpty,
  refuseUnsent,
  type CreateMessageBody,
  type EditMessageBody,
} from '../domain/message-body.js';
import type { EphemeralMessage, Ports, ReceivedFile, StoredInteraction } from '../domain/ports.js';
import type { Events } from '../events.js';
import { changedBy, saidIn, withAttachments, type AttachmentInit } from './message-requests.js';
import type { Ask, CommandInit } from './route.js';

type OriginInit = Omit<MessageInitShape<typeof InteractionOriginSchema>, '$typeName' | '$unknown'>;

/** What is needed of a request. */
export type ResponseAsk = Pick<
  Ask<unknown, unknown, unknown>,
  'command' | 'query_' | 'owner' | 'trace'
> & { readonly files: readonly ReceivedFile[] };

/** A message as it is now. */
export interface ResponseMessage {
  readonly json: Uint8Array;
  readonly id: Snowflake;
  readonly isEphemeral: boolean;
}

/**
 * How often an ephemeral message is changed again because somebody else has changed it meanwhile.
 */
const CHANGES_MAX = 5;

/** The messages of one interaction, as its token may handle them. */
export class Responses {
  readonly #ports: Ports;
  readonly #events: Events;
  readonly #ask: ResponseAsk;
  readonly #interaction: StoredInteraction;

  constructor(ports: Ports, events: Events, ask: ResponseAsk, interaction: StoredInteraction) {
    this.#ports = ports;
    this.#events = events;
    this.#ask = ask;
    this.#interaction = interaction;
  }

  /** The first message; the same again, if it was made before. */
  async first(body: CreateMessageBody): Promise<ResponseMessage> {
    refuseEmpty(body, this.#ask.files);
    const { sourceMessageId } = this.#interaction;
    const isEphemeral = (body.flags & EPHEMERAL) !== 0;
    return this.#create(body, { isEphemeral, isFirst: true, replyTo: sourceMessageId });
  }

  /** A message that says that the bot is thinking; the same again, if it was made before. */
  async loading(isEphemeral: boolean): Promise<ResponseMessage> {
    const { sourceMessageId } = this.#interaction;
    const options = { isEphemeral, isFirst: true, isLoading: true, replyTo: sourceMessageId };
    return this.#create(NOTHING_YET, options);
  }

  /** One more message. The first one takes the place of a message that is loading. */
  async follow(body: CreateMessageBody): Promise<ResponseMessage> {
    refuseEmpty(body, this.#ask.files);
    const { id, originalMessageId, isLoading } = this.#interaction;
    const { interactions } = this.#ports;
    // Of several that come at once, one takes the place.
    if (isLoading && (await interactions.setLoading(id, false))) {
      try {
        return await this.change(originalMessageId, asEdit(body));
      } catch (reason) {
        await interactions.setLoading(id, true);
        throw reason;
      }
    }
    const isEphemeral = (body.flags & EPHEMERAL) !== 0;
    return this.#create(body, { isEphemeral, replyTo: originalMessageId });
  }

  /** Changes a message; it is no longer loading then. */
  async change(
    messageId: Snowflake,
    body: EditMessageBody,
    { isFirst = false } = {},
  ): Promise<ResponseMessage> {
    const { id, channelId, originalMessageId, isLoading } = this.#interaction;
    const endsLoading = isLoading && messageId === originalMessageId;
    const { noted, keepIds } = matchNotes(this.#ask.files, body.attachments ?? undefined);
    const changed = await withAttachments(
      this.#ports,
      this.#events,
      channelId,
      noted,
      async (attachments) => this.#edit(messageId, body, keepIds, attachments, isFirst),
    );
    if (endsLoading) await this.#ports.interactions.setLoading(id, false);
    return changed;
  }

  async read(messageId: Snowflake): Promise<Uint8Array> {
    const ephemeral = await this.#ephemeral(messageId);
    if (ephemeral !== undefined) return Buffer.from(ephemeral.json);
    const { channelId } = this.#interaction;
    const reply = await this.#ask.owner(Interactions.method.getResponse, channelId, {
      command: this.#asBot(this.#ask.query_()),
      channelId,
      messageId,
      origin: await this.#origin(),
    });
    return reply.json;
  }

  async remove(messageId: Snowflake): Promise<void> {
    const { channelId, id, originalMessageId } = this.#interaction;
    const ephemeral = await this.#ephemeral(messageId);
    await this.#ask.owner(Interactions.method.deleteResponse, channelId, {
      command: this.#asBot(this.#ask.command()),
      channelId,
      messageId,
      origin: await this.#origin(),
      ephemeral: ephemeral !== undefined,
    });
    if (messageId === originalMessageId) await this.#ports.interactions.clearOriginal(id);
    if (ephemeral !== undefined) await this.#ports.interactions.removeEphemeral(messageId);
  }

  /** Something for the client of who interacted. `isTransient`: of use only at once. */
  async tell(type: string, data: object, { isTransient }: { isTransient: boolean }): Promise<void> {
    const { channelId, userId } = this.#interaction;
    await this.#ask.owner(Interactions.method.tellInvoker, channelId, {
      command: this.#firstCommand(),
      channelId,
      userId,
      type,
      dataJson: Buffer.from(JSON.stringify(data)),
      transient: isTransient,
    });
  }

  /** Lets the person's client know that the bot has heard. Nobody waits for it. */
  acknowledge(): void {
    const { id, nonce, channelId, userId } = this.#interaction;
    const data = { id: String(id), ...(nonce === '' ? {} : { nonce }) };
    this.#ask
      .owner(Interactions.method.tellInvoker, channelId, {
        command: this.#asBot(this.#ask.command()),
        channelId,
        userId,
        type: 'INTERACTION_SUCCESS',
        dataJson: Buffer.from(JSON.stringify(data)),
        transient: true,
      })
      .catch((reason: unknown) => this.#events.invokerNotTold(this.#ask.trace, Fault.from(reason)));
  }

  async #create(
    body: CreateMessageBody,
    options: { isEphemeral: boolean; isFirst?: boolean; isLoading?: boolean; replyTo: Snowflake },
  ): Promise<ResponseMessage> {
    const { channelId, applicationId } = this.#interaction;
    const { isEphemeral, isFirst = false, isLoading = false, replyTo } = options;
    const { noted, keepIds } = matchNotes(this.#ask.files, body.attachments);
    refuseUnsent(keepIds);
    // Of what others do not see, they are not told that it is there either.
    const shownId = isEphemeral ? replyTo : await this.#unlessEphemeral(replyTo);
    const origin = await this.#origin();
    const send = async (attachments: AttachmentInit[]): Promise<ResponseMessage> => {
      const reply = await this.#ask.owner(Interactions.method.createResponse, channelId, {
        message: {
          command: isFirst ? this.#firstCommand() : this.#asBot(this.#ask.command()),
          channelId,
          ...saidIn(body),
          attachments,
          referenceMessageId: shownId,
          applicationId,
        },
        origin: isFirst
          ? { ...origin, sourceMessageId: shownId }
          : {
              ...origin,
              originalResponseId: shownId,
              sourceMessageId: await this.#unlessEphemeral(origin.sourceMessageId),
            },
        ephemeral: isEphemeral,
        loading: isLoading,
        followUp: !isFirst,
      });
      if (isEphemeral) await this.#keep(reply.messageId, reply);
      return { json: reply.json, id: reply.messageId, isEphemeral };
    };
    return withAttachments(this.#ports, this.#events, channelId, noted, send);
  }

  async #edit(
    messageId: Snowflake,
    body: EditMessageBody,
    keepIds: readonly bigint[],
    attachments: AttachmentInit[],
    isFirst: boolean,
  ): Promise<ResponseMessage> {
    const { channelId } = this.#interaction;
    for (let attempt = 1; ; attempt++) {
      const ephemeral = await this.#ephemeral(messageId);
      const isRepeatable = isFirst && attempt === 1;
      const reply = await this.#ask.owner(Interactions.method.editResponse, channelId, {
        message: {
          command: isRepeatable ? this.#firstCommand() : this.#asBot(this.#ask.command()),
          channelId,
          messageId,
          attachments,
          ...changedBy(body, keepIds),
        },
        origin: await this.#origin(),
        ...(ephemeral === undefined ? {} : { document: Buffer.from(ephemeral.document) }),
      });
      const message = { json: reply.json, id: messageId, isEphemeral: ephemeral !== undefined };
      if (ephemeral === undefined) return message;
      const change = textsOf(reply);
      const { interactions } = this.#ports;
      if (await interactions.changeEphemeral(messageId, ephemeral.revision, change)) return message;
      if (attempt === CHANGES_MAX) throw refuse('Overloaded');
    }
  }

  async #keep(id: Snowflake, reply: OwnersReply): Promise<void> {
    const { id: interactionId, applicationId, channelId, userId } = this.#interaction;
    await this.#ports.interactions.keepEphemeral({
      id,
      interactionId,
      applicationId,
      channelId,
      userId,
      ...textsOf(reply),
    });
  }

  /** An ephemeral message that this token may handle: its own, or that of the component. */
  async #ephemeral(messageId: Snowflake): Promise<EphemeralMessage | undefined> {
    const found = await this.#ports.interactions.ephemeral(messageId);
    if (found === undefined) return undefined;
    const { id, sourceMessageId } = this.#interaction;
    if (found.interactionId !== id && messageId !== sourceMessageId) throw refuse('UnknownMessage');
    return found;
  }

  async #unlessEphemeral(messageId: Snowflake): Promise<Snowflake> {
    if (messageId === 0n) return 0n;
    const found = await this.#ports.interactions.ephemeral(messageId);
    return found === undefined ? messageId : 0n;
  }

  async #origin(): Promise<OriginInit & { sourceMessageId: Snowflake }> {
    const interaction = this.#interaction;
    const user = await this.#ports.accounts.userById(interaction.userId);
    return {
      interactionId: interaction.id,
      applicationId: interaction.applicationId,
      type: interaction.type,
      name: interaction.name,
      commandType: interaction.commandType,
      sourceMessageId: interaction.sourceMessageId,
      triggeringId: interaction.triggeringId,
      triggeringType: interaction.triggeringType,
      triggeringName: interaction.triggeringName,
      ...(user === undefined ? {} : { user }),
    };
  }

  /** The same for every try to answer first, so that of two only one is done. */
  #firstCommand(): CommandInit {
    const digest = createHash('sha256').update(`answer:${this.#interaction.id}`).digest();
    const commandId = (digest.readBigUInt64BE() >> 1n) | 1n;
    return { ...this.#asBot(this.#ask.command()), commandId };
  }

  #asBot(command: CommandInit): CommandInit {
    return { ...command, actorId: this.#interaction.applicationId, actorIsBot: true };
  }
}

interface OwnersReply {
  readonly json: Uint8Array;
  readonly document: Uint8Array;
}

function textsOf({ json, document }: OwnersReply): { json: string; document: string } {
  return { json: Buffer.from(json).toString(), document: Buffer.from(document).toString() };
}

const NOTHING_YET: CreateMessageBody = {
  tts: false,
  enforce_nonce: false,
  flags: 0,
};

/** What is said in the place of a message that is loading. */
function asEdit(body: CreateMessageBody): EditMessageBody {
  const { content, embeds, embed, allowed_mentions: mentions, components, attachments } = body;
  return {
    content: content ?? null,
    embeds: embeds ?? embed ?? null,
    ...(mentions === undefined ? {} : { allowed_mentions: mentions }),
    ...(components === undefined ? {} : { components }),
    ...(attachments === undefined ? {} : { attachments }),
    flags: body.flags,
  };
}
