// What the api asks of others, as the routes see it; `outbound` makes it real and `service.ts`
// joins the two.
import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { Clock } from '@guildhall/clock';
import type { BatchAck, UserSchema } from '@guildhall/contracts';
import type { Snowflake } from '@guildhall/snowflake';
import type { TraceContext } from '@guildhall/telemetry';
import type { ImageSize } from './image-size.js';

/** A user as it travels to the owners of topics. */
export type UserInit = Omit<MessageInitShape<typeof UserSchema>, '$typeName' | '$unknown'> & {
  id: Snowflake;
  username: string;
  bot: boolean;
};

/** The owners of partitions: guilds and read-states. */
export interface Owners {
  /**
   * Asks the owner of the partition that `id` lies in, again with the very same request for up to 8
   * s while that partition moves. Rejects with a Fault: what the owner refused, `unavailable` or
   * `timeout` when nobody answered in time.
   */
  ask<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    id: Snowflake,
    request: MessageInitShape<I>,
    trace: TraceContext | undefined,
  ): Promise<MessageShape<O>>;
}

/**
 * Marks of how far users have read. What resolves is on disk. All may be called twice: the second
 * time changes nothing. They reject with a Fault as `Owners.ask` does, and with `overloaded` when
 * too many are under way.
 */
export interface ReadMarks {
  /**
   * Moves marks of one user, each for itself. Rejects with the first Fault when all are answered:
   * others may have moved. `isSilent`: no session is told.
   */
  ack(
    userId: Snowflake,
    acks: readonly BatchAck[],
    trace: TraceContext | undefined,
    isSilent?: boolean,
  ): Promise<void>;
  /** Pins were seen up to a moment. */
  ackPins(
    userId: Snowflake,
    channelId: Snowflake,
    timestampMs: number,
    trace: TraceContext | undefined,
  ): Promise<void>;
  /** Deletes a mark. */
  delete(
    userId: Snowflake,
    type: number,
    channelId: Snowflake,
    trace: TraceContext | undefined,
  ): Promise<void>;
}

/** Who a token belongs to. */
export interface Identity {
  readonly user: UserInit;
  /** Empty for bots. */
  readonly email: string;
  /** 0 for people. */
  readonly applicationId: Snowflake;
  readonly applicationFlags: number;
  /** IDENTIFYs that were left of the day when it was asked; 0 for people. */
  readonly sessionStartsLeft: number;
}

/** A file a client sent, in a temporary place until it is kept; it is deleted after the request. */
export interface ReceivedFile {
  /** The form field: `files[0]`, `file`. */
  readonly field: string;
  /** As the client named it: not to be trusted with a path. */
  readonly filename: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly tempPath: string;
  /** In pixels; absent unless it is a picture. */
  readonly imageSize?: ImageSize;
}

/** Where pictures belong. */
export type ImageFolder = 'avatars' | 'icons' | 'banners' | 'splashes' | 'role-icons' | 'app-icons';

/** A picture, decoded from a data URI and recognised by its first bytes. */
export interface Image {
  readonly bytes: Uint8Array;
  readonly extension: 'png' | 'jpg' | 'gif' | 'webp';
}

/** Stored files. What resolves is on disk. */
export interface Files {
  /**
   * Stores a picture and resolves with its hash (`a_…` for animated ones), the same for the same
   * bytes.
   */
  putImage(folder: ImageFolder, ownerId: Snowflake, image: Image): Promise<string>;
  /** Moves a received file to its final place. */
  keepAttachment(
    channelId: Snowflake,
    attachmentId: Snowflake,
    filename: string,
    file: ReceivedFile,
  ): Promise<void>;
  /** Deletes an attachment whose message was refused. Never rejects. */
  dropAttachment(channelId: Snowflake, attachmentId: Snowflake): Promise<void>;
  /** The address under which clients find a kept attachment. */
  attachmentUrl(channelId: Snowflake, attachmentId: Snowflake, filename: string): string;
}

/** What a person registers with; checked already. */
export interface NewAccount {
  readonly username: string;
  /** Empty: none. */
  readonly globalName: string;
  /** Lower case. */
  readonly email: string;
  readonly password: string;
}

/** What changes about a user; absent is left as it is. */
export interface AccountChange {
  readonly username?: string;
  /** Empty: none. */
  readonly globalName?: string;
  readonly avatar?: string;
  readonly email?: string;
  readonly password?: string;
}

/** A name or address somebody else has: an ordinary outcome. */
export type Taken = 'username taken' | 'email taken';

/** People, bots and their tokens. What resolves is on disk. */
export interface Accounts {
  /** Who the token belongs to; remembered for a short while (GUILDHALL_TOKEN_CACHE_MS). */
  authenticate(token: string): Promise<Identity | undefined>;
  /** As `authenticate`, but asked of the database: a token that died is seen at once. */
  authenticateNow(token: string): Promise<Identity | undefined>;
  register(account: NewAccount): Promise<{ token: string; user: UserInit } | Taken>;
  /**
   * A new token for whoever has this email or username and password; takes as long when nobody has.
   */
  logIn(login: string, password: string): Promise<{ token: string; user: UserInit } | undefined>;
  /** The token dies. May be called twice. */
  logOut(token: string): Promise<void>;
  /** Whether this is the user's password. */
  isPassword(userId: Snowflake, password: string): Promise<boolean>;
  /** A person's email, a bot's owner: what only the user itself is shown. */
  userById(id: Snowflake): Promise<UserInit | undefined>;
  /** The user as it is now. With a new password every other token of the user dies. */
  change(
    userId: Snowflake,
    change: AccountChange,
    keepToken: string,
  ): Promise<{ user: UserInit; email: string } | Taken>;
  /** The bot's token, in place of any it had, which dies. */
  resetBotToken(userId: Snowflake): Promise<string>;
  /** Counts an IDENTIFY; undefined when the day's are used up. */
  startSession(userId: Snowflake): Promise<{ remaining: number } | undefined>;
  /** What is left of the day's IDENTIFYs. */
  sessionStarts(userId: Snowflake): Promise<SessionStarts>;
}

export interface SessionStarts {
  readonly total: number;
  readonly remaining: number;
  readonly resetAfterMs: number;
}

/** An application and its bot. The bot's user has the same id. */
export interface Application {
  readonly id: Snowflake;
  readonly ownerId: Snowflake;
  readonly name: string;
  readonly description: string;
  /** Empty: none. */
  readonly icon: string;
  readonly flags: number;
  readonly isBotPublic: boolean;
}

export type ApplicationChange = Partial<Omit<Application, 'id' | 'ownerId'>>;

/** Applications. What resolves is on disk. */
export interface Applications {
  /** Makes an application with its bot. */
  create(ownerId: Snowflake, name: string): Promise<Application>;
  byId(id: Snowflake): Promise<Application | undefined>;
  /** Oldest first, at most 100. */
  ownedBy(ownerId: Snowflake): Promise<Application[]>;
  /** Undefined if there is no such application. */
  change(id: Snowflake, change: ApplicationChange): Promise<Application | undefined>;
}

/** A slash command as it is stored. */
export interface StoredCommand {
  readonly id: Snowflake;
  readonly applicationId: Snowflake;
  /** 0: global. */
  readonly guildId: Snowflake;
  readonly type: number;
  readonly name: string;
  /** What the client sent, checked, as JSON text. */
  readonly bodyJson: string;
  readonly version: Snowflake;
}

/** Slash commands, by application and guild (0: global). What resolves is on disk. */
export interface Commands {
  list(applicationId: Snowflake, guildId: Snowflake): Promise<StoredCommand[]>;
  byId(
    applicationId: Snowflake,
    guildId: Snowflake,
    id: Snowflake,
  ): Promise<StoredCommand | undefined>;
  /** Adds it, or replaces the one of the same type and name, which keeps its id. */
  put(command: StoredCommand): Promise<{ command: StoredCommand; isNew: boolean }>;
  /** Replaces all. Those whose type and name stay keep their ids. */
  replaceAll(
    applicationId: Snowflake,
    guildId: Snowflake,
    commands: readonly StoredCommand[],
  ): Promise<StoredCommand[]>;
  /** Undefined: no such command. `'taken'`: another has the name. */
  change(command: StoredCommand): Promise<StoredCommand | 'taken' | undefined>;
  remove(applicationId: Snowflake, guildId: Snowflake, id: Snowflake): Promise<boolean>;
}

/** Something a person did with an application. */
export interface Interaction {
  readonly id: Snowflake;
  readonly applicationId: Snowflake;
  readonly channelId: Snowflake;
  readonly userId: Snowflake;
  /** Discord's: 2 command, 3 component, 4 autocomplete, 5 modal. */
  readonly type: number;
  /** Of a command: as it was called, and its kind. Empty and 0 for others. */
  readonly name: string;
  readonly commandType: number;
  /** The message that the component, or the modal's component, belongs to; 0: none. */
  readonly sourceMessageId: Snowflake;
  /** Of a modal: what it was opened by. 0 and empty for others. */
  readonly triggeringId: Snowflake;
  readonly triggeringType: number;
  readonly triggeringName: string;
  /** The client's own; empty: none. */
  readonly nonce: string;
}

/** How an interaction was answered. */
export interface InteractionAnswer {
  /** Discord's kind of callback; 0: not yet. */
  readonly answerType: number;
  /** What `@original` is; 0: nothing. */
  readonly originalMessageId: Snowflake;
  /** The bot is thinking; its first message takes the place of the original. */
  readonly isLoading: boolean;
  /** Of a modal; empty: none. */
  readonly modalCustomId: string;
}

export type StoredInteraction = Interaction & InteractionAnswer;

/** A message that only the person who interacted has. */
export interface EphemeralMessage {
  readonly id: Snowflake;
  readonly interactionId: Snowflake;
  readonly applicationId: Snowflake;
  readonly channelId: Snowflake;
  readonly userId: Snowflake;
  /** As in Discord's API. */
  readonly json: string;
  /** What its topic's owner wants to have when it is changed. */
  readonly document: string;
  /** Counts its changes. */
  readonly revision: number;
}

/** Interactions while they can be answered. What resolves is on disk. */
export interface Interactions {
  /** Keeps it; resolves with the token that lets the bot answer. */
  open(interaction: Interaction): Promise<string>;
  /** Forgets it: the bot was not told. */
  drop(id: Snowflake): Promise<void>;
  byId(id: Snowflake): Promise<StoredInteraction | undefined>;
  /** The interaction of a token. Undefined if the token is nobody's. */
  byToken(token: string): Promise<StoredInteraction | undefined>;
  /** Notes the answer. False: there is one already. */
  answer(id: Snowflake, answer: InteractionAnswer): Promise<boolean>;
  /** Says whether it was so the other way round before. */
  setLoading(id: Snowflake, isLoading: boolean): Promise<boolean>;
  /** The first message is gone. */
  clearOriginal(id: Snowflake): Promise<void>;
  /** May come twice: the first counts. */
  keepEphemeral(message: Omit<EphemeralMessage, 'revision'>): Promise<void>;
  ephemeral(id: Snowflake): Promise<EphemeralMessage | undefined>;
  /** False: it has been changed since this revision, or is gone. */
  changeEphemeral(
    id: Snowflake,
    revision: number,
    change: Pick<EphemeralMessage, 'json' | 'document'>,
  ): Promise<boolean>;
  /** False: it was gone. */
  removeEphemeral(id: Snowflake): Promise<boolean>;
}

/** What the routes are made with. */
export interface Ports {
  readonly accounts: Accounts;
  readonly applications: Applications;
  readonly commands: Commands;
  readonly interactions: Interactions;
  readonly files: Files;
  readonly marks: ReadMarks;
  readonly clock: Clock;
  /** An id for something of its own: a guild, a user, an attachment. Its partition is chance. */
  mintId(): Snowflake;
  /** How long a bot has for its first answer, and for all others. */
  readonly interactionAnswerMs: number;
  readonly interactionTtlMs: number;
  /** Where sessions connect, without a query. */
  readonly gatewayUrl: string;
  /** How many shards may identify at once. */
  readonly maxConcurrency: number;
  /** Where this api is found from outside, without a slash at the end. */
  readonly publicUrl: string;
}
