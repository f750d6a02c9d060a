// oceanic.js, plain, with `zlib-stream` and with `zstd-stream`, both of which it reads with what
// Node brings. ETF needs the native add-on erlpack.

import { once } from 'node:events';
import type { EventEmitter } from 'node:events';

import { Client } from 'oceanic.js';
import type { Message, TextChannel } from 'oceanic.js';

import { loggedIn, recordDispatch, STORY_INTENTS } from './library-client.js';
import type { LibraryClient, LibraryOptions, RawDispatch, Seen } from './library-client.js';

/** See `ConnectLibrary`. */
export async function connectOceanic(options: LibraryOptions): Promise<LibraryClient> {
  const { origin, token, compression } = options;
  const client = new Client({
    auth: `Bot ${token}`,
    rest: { baseURL: `${origin}/api/v10` },
    gateway: {
      intents: STORY_INTENTS,
      ...(compression === undefined ? {} : { compress: compression, compressLibrary: 'native' }),
    },
  });
  const seen: Seen[] = [];
  const complaints: string[] = [];
  const dispatches: RawDispatch[] = [];
  client.on('packet', (payload) => recordDispatch(dispatches, payload));
  record(client, seen, complaints);
  const emitter = client as unknown as EventEmitter;
  const close = () => client.disconnect(false);
  await loggedIn(
    (signal) => Promise.all([once(emitter, 'ready', { signal }), client.connect()]),
    close,
  );

  const { channels } = client.rest;
  return {
    seen,
    dispatches,
    complaints,
    userId: client.user.id,
    cachedGuild(id) {
      const guild = client.guilds.get(id);
      if (guild === undefined) return undefined;
      const { name, channels: cached, memberCount } = guild;
      return { name, channelIds: cached.map((channel) => channel.id), memberCount };
    },
    send: async (channelId, content) => (await channels.createMessage(channelId, { content })).id,
    async sendPrivately(userId, content) {
      const { id } = await client.rest.users.createDM(userId);
      return (await channels.createMessage(id, { content })).id;
    },
    async edit(channelId, messageId, content) {
      await channels.editMessage(channelId, messageId, { content });
    },
    delete: (channelId, messageId) => channels.deleteMessage(channelId, messageId),
    react: (channelId, messageId, emoji) => channels.createReaction(channelId, messageId, emoji),
    takeReaction: (channelId, messageId, emoji) =>
      channels.deleteReaction(channelId, messageId, emoji),
    startTyping: (channelId) => channels.sendTyping(channelId),
    setStatus: (status) => client.editStatus(status, [{ name: 'a story', type: 0 }]),
    async requestMembers(guildId) {
      const members = await client.guilds.get(guildId)!.fetchMembers();
      return members.map(({ id }) => id);
    },
    async history(channelId, limit) {
      const messages: Message<TextChannel>[] = await channels.getMessages(channelId, { limit });
      return messages.map(({ content }) => content).reverse();
    },
    close: async () => close(),
  };
}

function record(client: Client, seen: Seen[], complaints: string[]): void {
  client.on('shardResume', () => seen.push({ kind: 'resumed' }));
  client.on('messageCreate', ({ id, channelID, author, content }) => {
    seen.push({ kind: 'message', id, channelId: channelID, authorId: author.id, content });
  });
  client.on('messageUpdate', ({ id, author, content }) => {
    seen.push({ kind: 'edit', id, authorId: author.id, content });
  });
  client.on('messageDelete', ({ id }) => seen.push({ kind: 'delete', id }));
  client.on('messageReactionAdd', ({ id: messageId }, { id: userId }, { emoji }) => {
    seen.push({ kind: 'reaction', messageId, userId, emoji: emoji.name });
  });
  client.on('messageReactionRemove', ({ id: messageId }, { id: userId }, { emoji }) => {
    seen.push({ kind: 'reaction removed', messageId, userId, emoji: emoji.name });
  });
  client.on('typingStart', (...[channel, user]) => {
    seen.push({ kind: 'typing', channelId: channel.id, userId: user.id });
  });
  client.on('presenceUpdate', (_guild, { id: userId }, { status }) => {
    seen.push({ kind: 'presence', userId, status });
  });
  client.on('warn', (words) => complaints.push(words));
  client.on('error', (error) => complaints.push(error instanceof Error ? error.message : error));
}
