// What people do with applications: commands, components, modals. Each becomes an interaction that
// the bot is told of, with a token that lets it answer; see callback-routes.ts.
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  Interactions,
  refuse,
  refuseField,
  type CreateInteractionRequestSchema,
} from '@guildhall/contracts';
import { partitionOf, timestampOf, type Snowflake } from '@guildhall/snowflake';
import {
  calledName,
  filesNamed,
  OptionsCheck,
  withFiles,
  type OptionDefinition,
  type UsedOption,
} from '../domain/command-options.js';
import {
  AnswerType,
  commandData,
  componentData,
  interactionBody,
  InteractionType,
  modalData,
  type InteractionBody,
} from '../domain/interaction-body.js';
import type { Interaction, Ports, StoredCommand } from '../domain/ports.js';
import { Findings, INVALID, refuseFields, type Check, type Checked } from '../domain/validation.js';
import type { Events } from '../events.js';
import { DONE, type Answer } from './answer.js';
import { withAttachments, type AttachmentInit } from './message-requests.js';
import { route, type Ask, type Route } from './route.js';

type RequestInit = Omit<
  MessageInitShape<typeof CreateInteractionRequestSchema>,
  '$typeName' | '$unknown' | 'command'
>;
type InteractionAsk = Ask<object, undefined, InteractionBody>;

/** What is known of an interaction once its data has been read. */
interface Draft {
  readonly interaction: Partial<Interaction>;
  readonly request: RequestInit;
  /** The bot is told this, with the files in place. */
  readonly data: (attachments: readonly AttachmentInit[]) => object;
  /** The numbers of the files that are wanted of those that came. */
  readonly filesWanted: readonly number[];
  /** 0n: wherever the channel is. */
  readonly guildId: Snowflake;
}

/** POST /interactions. */
export function interactionRoutes(ports: Ports, events: Events): Route[] {
  return [
    route({
      method: 'POST',
      path: '/interactions',
      who: 'people',
      body: interactionBody,
      takesFiles: true,
      answer: (ask) => interact(ask, ports, events),
    }),
  ];
}

async function interact(ask: InteractionAsk, ports: Ports, events: Events): Promise<Answer> {
  const { body } = ask;
  const draft = await draftOf(ask, ports);
  const noted = draft.filesWanted.map((index) => {
    const file = ask.files.find(({ field }) => field === `files[${index}]`);
    if (file !== undefined) return { file, filename: undefined, description: '' };
    const message = 'Attachment was not uploaded with this interaction.';
    throw refuseField(['data', 'attachments'], 'ATTACHMENT_NOT_FOUND', message);
  });
  return withAttachments(ports, events, body.channel_id, noted, async (attachments) => {
    await tellBot(ask, ports, draft, attachments);
    return DONE;
  });
}

/** It can be answered before the bot hears of it, and not at all if the bot does not. */
async function tellBot(
  ask: InteractionAsk,
  ports: Ports,
  draft: Draft,
  attachments: readonly AttachmentInit[],
): Promise<void> {
  const { body, user } = ask;
  const interaction: Interaction = {
    id: ports.mintId(),
    applicationId: body.application_id,
    channelId: body.channel_id,
    userId: user.id,
    type: body.type,
    name: '',
    commandType: 0,
    sourceMessageId: 0n,
    triggeringId: 0n,
    triggeringType: 0,
    triggeringName: '',
    nonce: body.nonce ?? '',
    ...draft.interaction,
  };
  // A channel of that guild lies in its partition.
  const isOfGuild =
    draft.guildId === 0n || partitionOf(draft.guildId) === partitionOf(interaction.channelId);
  if (!isOfGuild) throw refuse('UnknownChannel');
  const token = await ports.interactions.open(interaction);
  try {
    await ask.owner(Interactions.method.createInteraction, body.channel_id, {
      ...draft.request,
      command: ask.command(draft.guildId),
      channelId: body.channel_id,
      interactionId: interaction.id,
      token,
      type: body.type,
      applicationId: body.application_id,
      user,
      dataJson: Buffer.from(JSON.stringify(draft.data(attachments))),
      attachments: [...attachments],
      sourceMessageId: interaction.sourceMessageId,
      nonce: interaction.nonce,
    });
  } catch (reason) {
    await ports.interactions.drop(interaction.id);
    throw reason;
  }
}

function draftOf(ask: InteractionAsk, ports: Ports): Promise<Draft> {
  switch (ask.body.type) {
    case InteractionType.Command:
    case InteractionType.Autocomplete:
      return commandDraft(ask, ports);
    case InteractionType.Component:
      return componentDraft(ask, ports);
    case InteractionType.Modal:
      return modalDraft(ask, ports);
  }
}

async function commandDraft({ body }: InteractionAsk, ports: Ports): Promise<Draft> {
  const given = checkedData(commandData, body);
  const command = await commandOf(body, given, ports);
  const definition = JSON.parse(command.bodyJson) as CommandDefinition;
  const findings = new Findings();
  const isTyping = body.type === InteractionType.Autocomplete;
  const check = new OptionsCheck(findings, isTyping);
  const options = check.run(definition.options ?? [], given.options, ['data', 'options']);
  if (isTyping && check.focusedCount !== 1) {
    findings.add(['data', 'options'], 'BASE_TYPE_REQUIRED', 'Exactly one option must be focused');
  }
  const isOnThing = command.type !== CHAT_INPUT;
  if (isOnThing !== (given.target_id !== undefined)) {
    findings.add(['data', 'target_id'], 'BASE_TYPE_REQUIRED', 'This field is required');
  }
  if (findings.errors.length > 0) throw refuseFields(findings.errors);
  const filesWanted = [...new Set(filesNamed(options))];
  return {
    interaction: { name: calledName(command.name, options), commandType: command.type },
    request: {
      ...targetOf(command.type, given.target_id),
      ...check.named,
      userIds: [
        ...check.named.userIds,
        ...(command.type === USER_COMMAND ? [given.target_id!] : []),
      ],
      ...rulesOf(definition),
    },
    data: (attachments) => commandJson(command, given, withIds(options, filesWanted, attachments)),
    filesWanted,
    guildId: command.guildId,
  };
}

const CHAT_INPUT = 1;
const USER_COMMAND = 2;
const MESSAGE_COMMAND = 3;
const CONTEXT_GUILD = 0;
const CONTEXT_BOT_PRIVATE = 1;

/** What is stored of a command, as far as it is of interest here. */
interface CommandDefinition {
  readonly options?: readonly OptionDefinition[];
  readonly default_member_permissions?: string | null;
  readonly dm_permission?: boolean;
  readonly contexts?: readonly number[] | null;
  readonly nsfw?: boolean;
}

/** The command as it is registered: of the guild, or of everywhere. */
async function commandOf(
  body: InteractionBody,
  given: Checked<typeof commandData>,
  { commands }: Ports,
): Promise<StoredCommand> {
  const { application_id: applicationId } = body;
  const found =
    (await commands.byId(applicationId, given.guild_id ?? body.guild_id ?? 0n, given.id)) ??
    (await commands.byId(applicationId, 0n, given.id));
  const isMeant = found?.name === given.name && found.type === given.type;
  if (found === undefined || !isMeant) throw refuse('UnknownApplicationCommand');
  if (given.version !== undefined && given.version !== found.version) {
    const code = 'INTERACTION_APPLICATION_COMMAND_INVALID_VERSION';
    const message = 'This command is outdated, please try again in a few minutes';
    throw refuseField(['data', 'version'], code, message);
  }
  return found;
}

function commandJson(
  command: StoredCommand,
  given: Checked<typeof commandData>,
  options: readonly UsedOption[],
): object {
  return {
    id: String(command.id),
    name: command.name,
    type: command.type,
    ...(command.guildId === 0n ? {} : { guild_id: String(command.guildId) }),
    ...(options.length === 0 ? {} : { options }),
    ...(given.target_id === undefined ? {} : { target_id: String(given.target_id) }),
  };
}

function withIds(
  options: readonly UsedOption[],
  filesWanted: readonly number[],
  attachments: readonly AttachmentInit[],
): readonly UsedOption[] {
  const ids: bigint[] = [];
  for (const [at, index] of filesWanted.entries()) ids[index] = attachments[at]!.id;
  return withFiles(options, ids);
}

function targetOf(type: number, targetId: Snowflake | undefined): RequestInit {
  return type === MESSAGE_COMMAND && targetId !== undefined ? { targetMessageId: targetId } : {};
}

/** Who may use a command, and where. */
function rulesOf(definition: CommandDefinition): RequestInit {
  const { default_member_permissions: bits, dm_permission: inPrivate, contexts } = definition;
  return {
    ...(bits === undefined || bits === null ? {} : { requiredPermissions: BigInt(bits) }),
    nsfw: definition.nsfw ?? false,
    notInGuilds: Array.isArray(contexts) && !contexts.includes(CONTEXT_GUILD),
    notInPrivateChannels: Array.isArray(contexts)
      ? !contexts.includes(CONTEXT_BOT_PRIVATE)
      : inPrivate === false,
  };
}

/** Discord's numbers for menus of things that have ids. */
const IDS_CHOSEN: Readonly<
  Record<number, 'userIds' | 'roleIds' | 'mentionableIds' | 'channelIds'>
> = { 5: 'userIds', 6: 'roleIds', 7: 'mentionableIds', 8: 'channelIds' };

async function componentDraft(ask: InteractionAsk, ports: Ports): Promise<Draft> {
  const { body } = ask;
  const given = checkedData(componentData, body);
  const { message_id: sourceMessageId } = body;
  if (sourceMessageId === undefined) {
    throw refuseField(['message_id'], 'BASE_TYPE_REQUIRED', 'This field is required');
  }
  const { component_type: componentType, custom_id: customId, values } = given;
  const chosen = IDS_CHOSEN[componentType];
  return {
    interaction: { sourceMessageId },
    request: {
      customId,
      componentType,
      ...(chosen === undefined ? {} : { [chosen]: idsOf(values ?? []) }),
      ...(await sourceDocument(ask, ports, sourceMessageId)),
    },
    data: () => ({
      component_type: componentType,
      custom_id: customId,
      ...(values === undefined ? {} : { values }),
    }),
    filesWanted: [],
    guildId: 0n,
  };
}

function idsOf(values: readonly string[]): bigint[] {
  return values.map((value, index) => {
    if (/^\d{1,19}$/.test(value)) return BigInt(value);
    const message = `Value "${value}" is not snowflake.`;
    throw refuseField(['data', 'values', index], 'NUMBER_TYPE_COERCE', message);
  });
}

async function modalDraft(ask: InteractionAsk, ports: Ports): Promise<Draft> {
  const { body, user } = ask;
  const given = checkedData(modalData, body);
  const opener = await ports.interactions.byId(given.id);
  const isTheirs =
    opener?.userId === user.id &&
    opener.applicationId === body.application_id &&
    opener.channelId === body.channel_id &&
    opener.answerType === AnswerType.Modal &&
    opener.modalCustomId === given.custom_id;
  const isOpen =
    opener !== undefined && ports.clock.nowMs() - timestampOf(opener.id) <= ports.interactionTtlMs;
  if (opener === undefined || !isTheirs || !isOpen) throw refuse('UnknownInteraction');
  const { sourceMessageId } = opener;
  return {
    interaction: {
      sourceMessageId,
      triggeringId: opener.id,
      triggeringType: opener.type,
      triggeringName: opener.name,
    },
    request: await sourceDocument(ask, ports, sourceMessageId),
    data: () => ({
      custom_id: given.custom_id,
      components: JSON.parse(given.components) as object[],
    }),
    filesWanted: [],
    guildId: 0n,
  };
}

/** The message of a component, if only this person has it. */
async function sourceDocument(
  { body, user }: InteractionAsk,
  { interactions }: Ports,
  messageId: Snowflake,
): Promise<RequestInit> {
  if (messageId === 0n) return {};
  const found = await interactions.ephemeral(messageId);
  if (found === undefined) return {};
  const isTheirs = found.userId === user.id && found.channelId === body.channel_id;
  if (!isTheirs) throw refuse('UnknownMessage');
  return { sourceDocument: Buffer.from(found.document) };
}

/** `data`, checked as what it is; its fields are named from the body's root. */
function checkedData<T>(check: Check<T>, { data }: InteractionBody): T {
  const findings = new Findings();
  const value = check.run(data, ['data'], findings);
  if (value === INVALID || findings.errors.length > 0) throw refuseFields(findings.errors);
  return value;
}
