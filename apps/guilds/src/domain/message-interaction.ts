/** What a message says of the interaction that it answers. */
import { userJson, type InteractionOrigin, type UserJson } from '@guildhall/contracts';
import type { Message } from './message.js';
import { userOf } from './user-document.js';

/** Discord's numbers for kinds of interaction. */
export const InteractionType = {
  Command: 2,
  Component: 3,
  Autocomplete: 4,
  Modal: 5,
} as const;

/** `interaction_metadata` of a message, as in Discord's API; the user as it was then. */
export interface InteractionMetadataJson {
  readonly id: string;
  readonly type: number;
  readonly user: UserJson;
  /** By kind of installation (0: in a guild), the guild; "0" in a private channel. */
  readonly authorizing_integration_owners: Readonly<Record<string, string>>;
  /** Of a command. */
  readonly name?: string;
  readonly command_type?: number;
  /** Of a follow-up. */
  readonly original_response_message_id?: string;
  /** Of a component. */
  readonly interacted_message_id?: string;
  /** Of a modal: what it was opened by. */
  readonly triggering_interaction_metadata?: InteractionMetadataJson;
}

/** The metadata of a message that answers an interaction; `guildId` 0n: in a private channel. */
export function interactionMetadata(
  origin: InteractionOrigin,
  guildId: bigint,
): InteractionMetadataJson {
  const person = {
    user: userJson(userOf(origin.user)),
    authorizing_integration_owners: { '0': String(guildId) },
  };
  const { name, commandType, originalResponseId, sourceMessageId, triggeringId } = origin;
  const named = name === '' ? {} : { name };
  const source = sourceMessageId === 0n ? {} : { interacted_message_id: String(sourceMessageId) };
  const isModal = triggeringId !== 0n;
  const trigger = {
    id: String(triggeringId),
    type: origin.triggeringType,
    ...person,
    ...(origin.triggeringName === '' ? {} : { name: origin.triggeringName }),
    ...source,
  };
  return {
    id: String(origin.interactionId),
    type: origin.type,
    ...person,
    ...named,
    ...(commandType === 0 ? {} : { command_type: commandType }),
    ...(originalResponseId === 0n
      ? {}
      : { original_response_message_id: String(originalResponseId) }),
    ...(isModal ? { triggering_interaction_metadata: trigger } : source),
  };
}

/** What is shown of it with a message; older clients know of commands by `interaction`. */
export function interactionJson(message: Message): object {
  const { interaction, applicationId } = message;
  if (interaction === undefined) return {};
  const { id, type, name, user } = interaction;
  return {
    webhook_id: String(applicationId),
    interaction_metadata: interaction,
    ...(type === InteractionType.Command ? { interaction: { id, type, name, user } } : {}),
  };
}

/** Whether a message is one that an interaction's token may see and change. */
export function isResponseTo(message: Message, origin: InteractionOrigin): boolean {
  if (message.applicationId !== origin.applicationId) return false;
  const isSource = message.id === origin.sourceMessageId;
  return isSource || message.interaction?.id === String(origin.interactionId);
}
