// discord.js. `zlib-stream` it speaks only with the native add-on zlib-sync, and ETF with none:
// what it does not speak is told of by TestGatewayClient.

import { once } from 'node:events';

import { Client, Events, Partials } from 'discord.js';
import type { MessageReaction, PartialMessageReaction, TextChannel } from 'discord.js';

import { loggedIn, recordDispatch, STORY_INTENTS } from './library-client.js';
import type { LibraryClient, LibraryOptions, RawDispatch, Seen } from './library-client.js';

/** See `ConnectLibrary`. */
export async function connectDiscordJs(options: LibraryOptions): Promise<LibraryClient> {
  const { origin, token } = options;
  const client = new Client({
    intents: STORY_INTENTS,
    // Without it, messages of private channels it has not seen before are passed over.
    partials: [Partials.Channel],
    rest: { api: `${origin}/api` },
  });
  const seen: Seen[] = [];
  const complaints: string[] = [];
  const dispatches: RawDispatch[] = [];
  client.on(Events.Raw, (payload: unknown) => recordDispatch(dispatches, payload));
  record(client, seen, complaints);
  await loggedIn(
    (signal) => Promise.all([once(client, Events.ClientReady, { signal }), client.login(token)]),
    () => client.destroy(),
  );

  const channel = (id: string): TextChannel => client.channels.cache.get(id) as TextChannel;
  return {
    seen,
    dispatches,
    complaints,
    userId: client.user!.id,
    cachedGuild(id) {
      const guild = client.guilds.cache.get(id);
      if (guild === undefined || !guild.available) return undefined;
      const { name, channels, memberCount } = guild;
      return { name, channelIds: [...channels.cache.keys()], memberCount };
    },
    send: async (channelId, content) => (await channel(channelId).send(content)).id,
    async sendPrivately(userId, content) {
      const user = await client.users.fetch(userId);
      return (await user.send(content)).id;
    },
    async edit(channelId, messageId, content) {
      await channel(channelId).messages.edit(messageId, content);
    },
    delete: (channelId, messageId) => channel(channelId).messages.delete(messageId),
    react: (channelId, messageId, emoji) => channel(channelId).messages.react(messageId, emoji),
    async takeReaction(channelId, messageId, emoji) {
      const message = await channel(channelId).messages.fetch(messageId);
      await message.reactions.resolve(emoji)!.users.remove();
    },
    startTyping: (channelId) => channel(channelId).sendTyping(),
    async setStatus(status) {
      client.user!.setPresence({ status, activities: [{ name: 'a story' }] });
    },
    async requestMembers(guildId) {
      const members = await client.guilds.cache.get(guildId)!.members.fetch();
      return [...members.keys()];
    },
    async history(channelId, limit) {
      const messages = await channel(channelId).messages.fetch({ limit });
      return [...messages.values()].map(({ content }) => content).reverse();
    },
    close: () => client.destroy(),
  };
}

function record(client: Client, seen: Seen[], complaints: string[]): void {
  client.on(Events.ShardResume, () => seen.push({ kind: 'resumed' }));
  client.on(Events.MessageCreate, ({ id, channelId, author, content }) => {
    seen.push({ kind: 'message', id, channelId, authorId: author.id, content });
  });
  client.on(Events.MessageUpdate, (_old, { id, author, content }) => {
    seen.push({ kind: 'edit', id, authorId: author.id, content });
  });
  client.on(Events.MessageDelete, ({ id }) => seen.push({ kind: 'delete', id }));
  const reaction = (
    kind: 'reaction' | 'reaction removed',
    { message, emoji }: MessageReaction | PartialMessageReaction,
    userId: string,
  ) => seen.push({ kind, messageId: message.id, userId, emoji: emoji.name! });
  client.on(Events.MessageReactionAdd, (one, { id }) => reaction('reaction', one, id));
  client.on(Events.MessageReactionRemove, (one, { id }) => reaction('reaction removed', one, id));
  client.on(Events.TypingStart, ({ channel, user }) => {
    seen.push({ kind: 'typing', channelId: channel.id, userId: user.id });
  });
  client.on(Events.PresenceUpdate, (_old, { userId, status }) => {
    seen.push({ kind: 'presence', userId, status });
  });
  client.on(Events.Warn, (words) => complaints.push(words));
  client.on(Events.Error, ({ message }) => complaints.push(message));
}
