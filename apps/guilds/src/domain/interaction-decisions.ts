/**
 * A person uses a command, a component or a modal of an application: whether it may, and what the
 * bot is told.
 */
import {
  refuse,
  refuseField,
  userJson,
  type CreateInteractionRequest,
  type ListApplicationsRequest,
} from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import { actorOf } from './access.js';
import { channelJson } from './channel-json.js';
import type { Changes } from './changes.js';
import { isUsable } from './components.js';
import { resolvedJson } from './interaction-resolved.js';
import { memberJson } from './member-json.js';
import { referencedBy } from './message-draft.js';
import { InteractionType } from './message-interaction.js';
import { messageJson } from './message-json.js';
import { Place, type MessageTopic } from './message-place.js';
import type { Message } from './message.js';
import { ephemeralMessage } from './response-decisions.js';
import { TopicKind } from './topic-kind.js';
import type { User } from './user-document.js';

/** What an application may do wherever it was asked for something. */
const ALWAYS_APPLICATIONS = Permission.ATTACH_FILES | Permission.EMBED_LINKS;
const CONTEXT_GUILD = 0;
const CONTEXT_BOT_PRIVATE = 1;
const ATTACHMENT_BYTES_MAX = 25 * 1024 * 1024;

/**
 * The bot is told, and nobody else but the person's own clients, which learn the interaction's id.
 * The message that it is about, or that the component belongs to, must have been loaded. What a
 * person types is told as it goes and not kept.
 */
export function createInteraction(
  topic: MessageTopic,
  request: CreateInteractionRequest,
  changes: Changes,
): void {
  const { applicationId, type } = request;
  const place = new Place(topic, request.channelId, changes.actorId, changes.nowMs);
  if (!place.hasMessages) throw refuse('WrongChannelType');
  if (!place.mayRead) throw refuse('MissingAccess');
  if (place.user(applicationId)?.bot !== true) throw refuse('UnknownApplication');
  const isCommand = type === InteractionType.Command || type === InteractionType.Autocomplete;
  if (isCommand) requireCommand(place, request);
  const source = sourceMessage(place, request);
  const given = JSON.parse(decoder.decode(request.dataJson)) as Record<string, unknown>;
  if (type === InteractionType.Component) requireComponent(source, request, given);
  const resolved = resolvedJson(place, request);

  const draft = {
    type: 'INTERACTION_CREATE',
    onlyUserIds: [applicationId],
    data: {
      id: String(request.interactionId),
      application_id: String(applicationId),
      type,
      token: request.token,
      version: 1,
      data: { ...given, ...(resolved === undefined ? {} : { resolved }) },
      ...whereJson(topic, place, request),
      ...whoJson(place),
      ...(source === undefined
        ? {}
        : { message: messageJson(place, source, { referenced: referencedBy(place, source) }) }),
      locale: request.locale || 'en-US',
      entitlements: [],
      entitlement_sku_ids: [],
      attachment_size_limit: ATTACHMENT_BYTES_MAX,
    },
  };
  if (type === InteractionType.Autocomplete) return changes.whisper(draft);
  changes.event(draft);
  changes.whisper({
    type: 'INTERACTION_CREATE',
    onlyUserIds: [changes.actorId],
    data: {
      id: String(request.interactionId),
      ...(request.nonce === '' ? {} : { nonce: request.nonce }),
    },
  });
}

/**
 * The bots whose commands the asker may use: in the channel if one is named, else anywhere in the
 * guild.
 */
export function applicationsFor(
  topic: MessageTopic,
  request: ListApplicationsRequest,
  nowMs: number,
): User[] {
  const actorId = request.command?.actorId ?? 0n;
  const { channelId } = request;
  if (channelId === 0n && topic.kind === TopicKind.Guild) {
    actorOf(topic, { actorId, nowMs });
    return topic.bots;
  }
  const place = new Place(topic, channelId, actorId, nowMs);
  if (!place.may(Permission.USE_APPLICATION_COMMANDS)) return [];
  if (topic.kind === TopicKind.Guild) return topic.bots;
  return [...topic.recipients.values()].filter(({ bot }) => bot);
}

function requireCommand(place: Place, request: CreateInteractionRequest): void {
  if (!place.may(Permission.USE_APPLICATION_COMMANDS)) throw refuse('MissingPermissions');
  const { guild } = place;
  const isElsewhere = guild === undefined ? request.notInPrivateChannels : request.notInGuilds;
  if (isElsewhere) throw refuse('UnknownApplicationCommand');
  if (guild === undefined) return;
  const { requiredPermissions: required } = request;
  if (required !== undefined && !place.mayAny(0n)) {
    if (required === 0n || !place.may(required)) throw refuse('MissingPermissions');
  }
  const isForAdults = guild.channel(place.channelId)?.nsfw === true;
  if (request.nsfw && !isForAdults) throw refuse('MissingPermissions');
}

/** The message that a component, or the component that opened a modal, belongs to. */
function sourceMessage(place: Place, request: CreateInteractionRequest): Message | undefined {
  const { sourceMessageId: id, sourceDocument: document, applicationId } = request;
  if (id === 0n) return undefined;
  const message =
    document.length > 0
      ? ephemeralMessage(id, place.channelId, document)
      : place.message(id).message;
  if (message.author.id !== applicationId) throw refuse('UnknownMessage');
  return message;
}

function requireComponent(
  source: Message | undefined,
  request: CreateInteractionRequest,
  given: Record<string, unknown>,
): void {
  const { customId, componentType: type } = request;
  const values = Array.isArray(given['values']) ? (given['values'] as unknown[]) : undefined;
  if (isUsable(source?.components ?? [], { customId, type, values })) return;
  const message = 'Component validation failed';
  throw refuseField(['data', 'custom_id'], 'COMPONENT_VALIDATION_FAILED', message);
}

/** Where it happened, and what the application may do there. */
function whereJson(topic: MessageTopic, place: Place, request: CreateInteractionRequest): object {
  const { applicationId, channelId } = request;
  if (topic.kind === TopicKind.PrivateChannel) {
    return {
      channel_id: String(channelId),
      channel: topic.channelJson(applicationId),
      app_permissions: String(place.permissions),
      authorizing_integration_owners: { '0': '0' },
      context: CONTEXT_BOT_PRIVATE,
    };
  }
  const channel = topic.channel(channelId)!;
  const permissions = String(place.permissions);
  const own = topic.permissionsIn(channelId, applicationId, place.nowMs) | ALWAYS_APPLICATIONS;
  const locale = topic.settings.preferredLocale;
  return {
    guild_id: String(topic.id),
    guild: { id: String(topic.id), locale, features: [] },
    guild_locale: locale,
    channel_id: String(channelId),
    channel: { ...channelJson(topic.id, channel), permissions },
    app_permissions: String(own),
    authorizing_integration_owners: { '0': String(topic.id) },
    context: CONTEXT_GUILD,
  };
}

function whoJson(place: Place): object {
  const { actor } = place;
  if (actor === undefined) return { user: userJson(place.user(place.actorId)!) };
  return {
    member: {
      ...memberJson(actor),
      permissions: String(place.permissions),
      unusual_dm_activity_until: null,
    },
  };
}

const decoder = new TextDecoder();
