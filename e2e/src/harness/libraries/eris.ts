// eris, plain. Its `zlib-stream` needs pako 1, while oceanic.js asks for pako 2 beside it, or the
// native add-on zlib-sync; ETF needs the native add-on erlpack.

import { once } from 'node:events';
import { Agent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';

import { Client } from 'eris';

import { loggedIn, recordDispatch, STORY_INTENTS } from './library-client.js';
import type { LibraryClient, LibraryOptions, RawDispatch, Seen } from './library-client.js';

/** See `ConnectLibrary`. */
export async function connectEris(options: LibraryOptions): Promise<LibraryClient> {
  const { hostname, port } = new URL(options.origin);
  const client = new Client(`Bot ${options.token}`, {
    intents: STORY_INTENTS,
    compress: options.compression !== undefined,
    rest: { domain: hostname, baseURL: '/api/v10', agent: plainAgent(Number(port)) },
  });
  const seen: Seen[] = [];
  const complaints: string[] = [];
  const dispatches: RawDispatch[] = [];
  client.on('rawWS', (payload) => recordDispatch(dispatches, payload));
  record(client, seen, complaints);
  const close = () => client.disconnect({ reconnect: false });
  await loggedIn(
    (signal) => Promise.all([once(client, 'ready', { signal }), client.connect()]),
    close,
  );

  return {
    seen,
    dispatches,
    complaints,
    userId: client.user.id,
    cachedGuild(id) {
      const guild = client.guilds.get(id);
      if (guild === undefined) return undefined;
      const { name, channels, memberCount } = guild;
      return { name, channelIds: channels.map((channel) => channel.id), memberCount };
    },
    send: async (channelId, content) => (await client.createMessage(channelId, content)).id,
    async sendPrivately(userId, content) {
      const { id } = await client.getDMChannel(userId);
      return (await client.createMessage(id, content)).id;
    },
    async edit(channelId, messageId, content) {
      await client.editMessage(channelId, messageId, content);
    },
    delete: (channelId, messageId) => client.deleteMessage(channelId, messageId),
    react: (channelId, messageId, emoji) => client.addMessageReaction(channelId, messageId, emoji),
    takeReaction: (channelId, messageId, emoji) =>
      client.removeMessageReaction(channelId, messageId, emoji),
    startTyping: (channelId) => client.sendChannelTyping(channelId),
    async setStatus(status) {
      client.editStatus(status, [{ name: 'a story', type: 0 }]);
    },
    async requestMembers(guildId) {
      const members = await client.guilds.get(guildId)!.fetchMembers();
      return members.map(({ id }) => id);
    },
    async history(channelId, limit) {
      const messages = await client.getMessages(channelId, { limit });
      return messages.map(({ content }) => content).reverse();
    },
    close: async () => close(),
  };
}

/** It always asks for HTTPS on port 443. This lets it speak plain HTTP to another port. */
function plainAgent(port: number): HttpsAgent {
  const agent = new Agent({ keepAlive: true });
  return Object.assign(agent, { protocol: 'https:', defaultPort: port }) as unknown as HttpsAgent;
}

function record(client: Client, seen: Seen[], complaints: string[]): void {
  client.on('shardResume', () => seen.push({ kind: 'resumed' }));
  client.on('messageCreate', ({ id, channel, author, content }) => {
    seen.push({ kind: 'message', id, channelId: channel.id, authorId: author.id, content });
  });
  client.on('messageUpdate', ({ id, author, content }) => {
    seen.push({ kind: 'edit', id, authorId: author.id, content });
  });
  client.on('messageDelete', ({ id }) => seen.push({ kind: 'delete', id }));
  client.on('messageReactionAdd', ({ id: messageId }, { name }, { id: userId }) => {
    seen.push({ kind: 'reaction', messageId, userId, emoji: name });
  });
  client.on('messageReactionRemove', ({ id: messageId }, { name }, userId) => {
    seen.push({ kind: 'reaction removed', messageId, userId, emoji: name });
  });
  client.on('typingStart', (channel, user) => {
    seen.push({ kind: 'typing', channelId: channel.id, userId: user.id });
  });
  client.on('presenceUpdate', ({ id: userId, status }) => {
    seen.push({ kind: 'presence', userId, status: status ?? 'unknown' });
  });
  client.on('warn', (words) => complaints.push(words));
  client.on('error', ({ message }) => complaints.push(message));
}
