/**
 * The Discord API errors this fleet answers with: code, HTTP status and message, as documented at
 * https://discord.com/developers/docs/topics/opcodes-and-status-codes#json. The one table; whoever
 * knows the rule refuses with `refuse('MissingPermissions')`, and the edge renders it.
 */
import { Fault, FaultCode } from '@guildhall/fault';

export const DiscordError = {
  General: [0, 400, '400: Bad Request'],
  UnknownAccount: [10001, 404, 'Unknown Account'],
  UnknownApplication: [10002, 404, 'Unknown Application'],
  UnknownChannel: [10003, 404, 'Unknown Channel'],
  UnknownGuild: [10004, 404, 'Unknown Guild'],
  UnknownInvite: [10006, 404, 'Unknown Invite'],
  UnknownMember: [10007, 404, 'Unknown Member'],
  UnknownMessage: [10008, 404, 'Unknown Message'],
  UnknownOverwrite: [10009, 404, 'Unknown permission overwrite'],
  UnknownRole: [10011, 404, 'Unknown Role'],
  UnknownUser: [10013, 404, 'Unknown User'],
  /** 400, as reacting with what is no emoji is answered. */
  UnknownEmoji: [10014, 400, 'Unknown Emoji'],
  UnknownWebhook: [10015, 404, 'Unknown Webhook'],
  UnknownBan: [10026, 404, 'Unknown Ban'],
  UnknownInteraction: [10062, 404, 'Unknown interaction'],
  UnknownApplicationCommand: [10063, 404, 'Unknown application command'],
  BotsCannotUse: [20001, 403, 'Bots cannot use this endpoint'],
  OnlyBotsCanUse: [20002, 403, 'Only bots can use this endpoint'],
  SlowmodeRateLimit: [20016, 429, 'This action cannot be performed due to slowmode rate limit'],
  MaxGuilds: [30001, 400, 'Maximum number of guilds reached (100)'],
  MaxPins: [30003, 400, 'Maximum number of pins reached for the channel (250)'],
  MaxRoles: [30005, 400, 'Maximum number of guild roles reached (250)'],
  MaxReactions: [30010, 400, 'Maximum number of reactions reached (20)'],
  MaxChannels: [30013, 400, 'Maximum number of guild channels reached (500)'],
  MaxInvites: [30016, 400, 'Maximum number of invites reached (1000)'],
  MaxOverwrites: [30060, 400, 'Maximum number of permission overwrites reached'],
  Unauthorized: [40001, 401, 'Unauthorized'],
  EntityTooLarge: [40005, 413, 'Request entity too large'],
  UserBanned: [40007, 403, 'The user is banned from this guild'],
  TargetNotInVoice: [40032, 400, 'Target user is not connected to voice.'],
  AlreadyCrossposted: [40033, 400, 'This message has already been crossposted'],
  AlreadyAcknowledged: [40060, 400, 'Interaction has already been acknowledged.'],
  MissingAccess: [50001, 403, 'Missing Access'],
  InvalidAccountType: [50002, 403, 'Invalid account type'],
  NotOnPrivateChannel: [50003, 403, 'Cannot execute action on a DM channel'],
  CannotEditOthersMessage: [50005, 403, 'Cannot edit a message authored by another user'],
  EmptyMessage: [50006, 400, 'Cannot send an empty message'],
  CannotMessageUser: [50007, 403, 'Cannot send messages to this user'],
  CannotSendInVoice: [50008, 400, 'Cannot send messages in a non-text channel'],
  MissingPermissions: [50013, 403, 'Missing Permissions'],
  InvalidToken: [50014, 401, 'Invalid authentication token provided'],
  BulkDeleteCount: [
    50016,
    400,
    'Provided too few or too many messages to delete. Must provide at least 2 and fewer than 100 messages to delete',
  ],
  PinWrongChannel: [50019, 400, 'A message can only be pinned to the channel it was sent in'],
  InvalidInvite: [50020, 400, 'Invite code was either invalid or taken'],
  OnSystemMessage: [50021, 403, 'Cannot execute action on a system message'],
  WrongChannelType: [50024, 400, 'Cannot execute action on this channel type'],
  InvalidAccessToken: [50025, 403, 'Invalid OAuth2 access token'],
  InvalidRecipients: [50033, 400, 'Invalid Recipient(s)'],
  BulkDeleteTooOld: [50034, 400, 'You can only bulk delete messages that are under 14 days old.'],
  InvalidFormBody: [50035, 400, 'Invalid Form Body'],
  InvalidApiVersion: [50041, 400, 'Invalid API version provided'],
  FileTooLarge: [50045, 400, 'File uploaded exceeds the maximum size'],
  SelfRedeem: [50054, 400, 'Cannot self-redeem this gift'],
  InvalidWebhookToken: [50027, 401, 'Invalid Webhook Token'],
  InvalidRole: [50028, 400, 'Invalid Role'],
  InvalidMessageType: [50068, 400, 'Invalid message type'],
  RequestNotJson: [50109, 400, 'The request body contains invalid JSON.'],
  TwoFactorRequired: [60003, 403, 'Two factor is required for this operation'],
  ReactionBlocked: [90001, 403, 'Reaction was blocked'],
  Overloaded: [130000, 503, 'API resource is currently overloaded. Try again a little later'],
  BulkBanFailed: [500000, 400, 'Failed to ban users'],
} as const satisfies Readonly<Record<string, readonly [number, number, string]>>;
export type DiscordError = keyof typeof DiscordError;

/**
 * A Fault that a Discord client is answered with. `errorsJson`: the `errors` object, if it has one.
 */
export function refuse(name: DiscordError, errorsJson?: string): Fault {
  const [discordCode, httpStatus, message] = DiscordError[name];
  const refusal = {
    discordCode,
    httpStatus,
    message,
    ...(errorsJson === undefined ? {} : { errorsJson }),
  };
  return new Fault(FaultCode.Refused, message, { refusal });
}

/**
 * Refuses a form body: `path` is the field (`['embeds', 0, 'title']`), `code` and `message` as
 * Discord words them (`BASE_TYPE_REQUIRED`, `This field is required`).
 */
export function refuseField(
  path: readonly (string | number)[],
  code: string,
  message: string,
): Fault {
  return refuse('InvalidFormBody', JSON.stringify(fieldErrors([{ path, code, message }])));
}

/** One thing wrong with one field. */
export interface FieldError {
  readonly path: readonly (string | number)[];
  readonly code: string;
  readonly message: string;
}

/**
 * The nested `errors` object of a 50035: one level per path part, `_errors` at the end. A part may
 * be whatever a client called a key, `__proto__` among it, so the objects inherit nothing.
 */
export function fieldErrors(errors: readonly FieldError[]): object {
  const empty = (): Record<string, unknown> => Object.create(null) as Record<string, unknown>;
  const root = empty();
  for (const { path, code, message } of errors) {
    let at = root;
    for (const part of path) at = (at[String(part)] ??= empty()) as Record<string, unknown>;
    ((at['_errors'] ??= []) as object[]).push({ code, message });
  }
  return root;
}
