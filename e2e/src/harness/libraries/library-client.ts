// What the stories ask of any client library, and what they read of its events: one vocabulary, so
// that the same story is told of each.

import { Intent, Opcode } from '@guildhall/gateway-protocol';

/** Something a library told its bot of. */
export type Seen =
  | ({ readonly kind: 'message'; readonly id: string; readonly channelId: string } & Said)
  | ({ readonly kind: 'edit'; readonly id: string } & Said)
  | { readonly kind: 'delete'; readonly id: string }
  | ({ readonly kind: 'reaction' } & Reaction)
  | ({ readonly kind: 'reaction removed' } & Reaction)
  | { readonly kind: 'typing'; readonly channelId: string; readonly userId: string }
  | { readonly kind: 'presence'; readonly userId: string; readonly status: string }
  | { readonly kind: 'resumed' };

/** A dispatch as it came to the library, before that made anything of it. */
export interface RawDispatch {
  readonly t: string;
  readonly s: number;
  readonly d: unknown;
}

interface Said {
  readonly authorId: string;
  readonly content: string;
}

interface Reaction {
  readonly messageId: string;
  readonly userId: string;
  readonly emoji: string;
}

/** A guild as the library has it in its cache. */
export interface CachedGuild {
  readonly name: string;
  readonly channelIds: readonly string[];
  readonly memberCount: number;
}

/** How a bot connects. */
export interface LibraryOptions {
  /** `http://host:port` of the API. */
  readonly origin: string;
  /** Without `Bot `. */
  readonly token: string;
  readonly compression?: 'zlib-stream' | 'zstd-stream';
}

/** A bot that is logged in, through one of the libraries. */
export interface LibraryClient {
  /** Everything it was told of, in order. */
  readonly seen: readonly Seen[];
  /** What these were made from: some libraries keep to themselves what came twice. */
  readonly dispatches: readonly RawDispatch[];
  /** What the library warned of, or called an error. */
  readonly complaints: readonly string[];
  readonly userId: string;
  cachedGuild(id: string): CachedGuild | undefined;
  /** Resolve with the id of the message. */
  send(channelId: string, content: string): Promise<string>;
  sendPrivately(userId: string, content: string): Promise<string>;
  edit(channelId: string, messageId: string, content: string): Promise<void>;
  delete(channelId: string, messageId: string): Promise<void>;
  react(channelId: string, messageId: string, emoji: string): Promise<void>;
  takeReaction(channelId: string, messageId: string, emoji: string): Promise<void>;
  startTyping(channelId: string): Promise<void>;
  setStatus(status: 'online' | 'idle' | 'dnd'): Promise<void>;
  /** Ids of all members, asked for over the gateway. */
  requestMembers(guildId: string): Promise<string[]>;
  /** Contents of the last messages, oldest first. */
  history(channelId: string, limit: number): Promise<string[]>;
  close(): Promise<void>;
}

/** Logs in, and resolves when the library says it is ready, that is with its guilds cached. */
export type ConnectLibrary = (options: LibraryOptions) => Promise<LibraryClient>;

/**
 * Waits for the login of a client, and closes it when it fails or takes too long, lest it try again
 * for ever. `login` is given the signal that ends the wait.
 */
export async function loggedIn(
  login: (signal: AbortSignal) => Promise<unknown>,
  close: () => unknown,
): Promise<void> {
  try {
    await login(AbortSignal.timeout(LOGIN_TIMEOUT_MS));
  } catch (error) {
    await close();
    throw error;
  }
}

const LOGIN_TIMEOUT_MS = 30_000;

/** Adds a payload to `dispatches` if it is one. */
export function recordDispatch(dispatches: RawDispatch[], payload: unknown): void {
  const { op, t, s, d } = payload as RawDispatch & { readonly op: number };
  if (op === Opcode.Dispatch) dispatches.push({ t, s, d });
}

/** What the stories are about. */
export const STORY_INTENTS =
  Intent.Guilds |
  Intent.GuildMembers |
  Intent.GuildPresences |
  Intent.GuildMessages |
  Intent.GuildMessageReactions |
  Intent.GuildMessageTyping |
  Intent.DirectMessages |
  Intent.DirectMessageReactions |
  Intent.DirectMessageTyping |
  Intent.MessageContent;
