/** The `Guilds` service: what an administrator sets up. Each method is a decision on its guild. */
import type { Call, Handlers } from '@guildhall/bus';
import type { Clock } from '@guildhall/clock';
import { refuse, type Command, type Guilds, type PutBanRequest } from '@guildhall/contracts';
import { snowflakeAt } from '@guildhall/snowflake';
import type { Asker } from '../domain/access.js';
import { deleteBan, getBan, listBans, putBan } from '../domain/ban-decisions.js';
import type { Changes } from '../domain/changes.js';
import {
  createChannel,
  deleteChannel,
  getChannel,
  modifyChannel,
  moveChannels,
} from '../domain/channel-decisions.js';
import {
  createGuild,
  deleteGuild,
  getGuild,
  listChannels,
  modifyGuild,
} from '../domain/guild-decisions.js';
import { Guild } from '../domain/guild.js';
import {
  acceptInvite,
  createInvite,
  deleteInvite,
  getInvite,
  listInvites,
} from '../domain/invite-decisions.js';
import {
  addMember,
  deleteMemberRole,
  modifyMember,
  putMemberRole,
  removeMember,
} from '../domain/member-decisions.js';
import { getMember, listMembers, searchMembers } from '../domain/member-queries.js';
import { deleteLoadedMessages } from '../domain/message-deletion.js';
import { deleteOverwrite, putOverwrite } from '../domain/overwrite-decisions.js';
import type { PrivateChannel } from '../domain/private-channel.js';
import {
  createRole,
  deleteRole,
  getRole,
  listRoles,
  modifyRole,
  moveRoles,
} from '../domain/role-decisions.js';
import { closePrivateChannel } from '../domain/topic-decisions.js';
import { TopicKind } from '../domain/topic-kind.js';
import type { Topic } from '../domain/topic.js';
import type { UserTopic } from '../domain/user-topic.js';
import type { MessageStore } from '../outbound/message-store.js';
import type { UserTopics } from '../outbound/user-topics-port.js';
import { done, json } from './replies.js';
import { init, ref } from './topic-handlers.js';
import type { CommandOptions, TopicHost } from './topic-host.js';

export interface GuildHandlersOptions {
  readonly host: TopicHost;
  readonly messages: MessageStore;
  readonly userTopics: UserTopics;
  readonly clock: Clock;
}

const GUILD: CommandOptions = {
  kinds: [TopicKind.Guild],
  refuseUnknown: () => refuse('UnknownGuild'),
};
/** Who comes, goes, or is made owner knows of its guild when it is answered. */
const MEMBERSHIP: CommandOptions = { ...GUILD, awaitErrands: true };
const NEW_GUILD: CommandOptions = { ...MEMBERSHIP, create: (id) => new Guild(id) };
const INVITE: CommandOptions = { ...MEMBERSHIP, refuseUnknown: () => refuse('UnknownInvite') };
const GUILD_CHANNEL: CommandOptions = {
  kinds: [TopicKind.Guild],
  refuseUnknown: () => refuse('UnknownChannel'),
};
const CHANNEL: CommandOptions = {
  ...GUILD_CHANNEL,
  kinds: [TopicKind.Guild, TopicKind.PrivateChannel],
};
const ANY_CHANNEL: CommandOptions = { ...GUILD_CHANNEL, kinds: Object.values(TopicKind) };

/** A request: who asks, where; and of some, which channel it is about. */
interface Request {
  readonly command?: Command | undefined;
  readonly channelId?: bigint | undefined;
}

export function guildHandlers(options: GuildHandlersOptions): Handlers<readonly [typeof Guilds]> {
  const { host, clock, userTopics } = options;

  const where = ({ command, channelId }: Request) => ref(command, channelId ?? 0n);
  const asker = ({ command }: Request): Asker => ({
    actorId: init(command).actorId,
    nowMs: clock.nowMs(),
  });
  /** A method that shows something. */
  const shows =
    <R extends Request>(
      read: (guild: Guild, request: R, asker: Asker) => object,
      at: CommandOptions = GUILD,
    ) =>
    (request: R): Promise<Uint8Array> =>
      host.query<Guild>(where(request), at, (guild) => json(read(guild, request, asker(request))));
  /** A method that changes something and shows it. */
  const changes =
    <R extends Request>(
      decide: (guild: Guild, request: R, changes: Changes) => object,
      at: CommandOptions = GUILD,
    ) =>
    (request: R, { trace }: Call): Promise<Uint8Array> =>
      host.command<Guild>(
        where(request),
        init(request.command),
        at,
        (guild, made) => json(decide(guild, request, made)),
        trace,
      );
  /** A method that changes something, and that is all. */
  const does =
    <R extends Request>(
      decide: (guild: Guild, request: R, changes: Changes) => void,
      at: CommandOptions = GUILD,
    ) =>
    (request: R, { trace }: Call): Promise<Uint8Array> =>
      host.command<Guild>(
        where(request),
        init(request.command),
        at,
        (guild, made) => {
          decide(guild, request, made);
          return done();
        },
        trace,
      );

  return {
    createGuild: changes(createGuild, NEW_GUILD),
    getGuild: shows(getGuild),
    modifyGuild: changes(modifyGuild),
    deleteGuild: does(deleteGuild, MEMBERSHIP),

    createChannel: changes(createChannel),
    listChannels: shows(listChannels),
    moveChannels: does(moveChannels),
    getChannel: (request) =>
      host.query<Guild | PrivateChannel>(where(request), CHANNEL, (topic) => {
        if (topic.kind === TopicKind.Guild) return json(getChannel(topic, request, asker(request)));
        const { actorId } = asker(request);
        if (!topic.recipients.has(actorId)) throw refuse('MissingAccess');
        return json(topic.channelJson(actorId));
      }),
    modifyChannel: (request, { trace }) =>
      host.command<Guild | PrivateChannel>(
        where(request),
        init(request.command),
        CHANNEL,
        (topic, made) => {
          if (topic.kind !== TopicKind.Guild) throw refuse('NotOnPrivateChannel');
          return json(modifyChannel(topic, request, made));
        },
        trace,
      ),
    deleteChannel: async (request, { trace }) => {
      const topic = await host.topic<Topic>(where(request), ANY_CHANNEL);
      if (topic.kind === TopicKind.PrivateChannel) {
        if (!topic.recipients.has(init(request.command).actorId)) throw refuse('MissingAccess');
        // Which private channels a user has open is for its own topic to say; that is where this
        // comes again.
        return userTopics.closePrivateChannel(request, trace);
      }
      return host.command<Guild | UserTopic>(
        where(request),
        init(request.command),
        ANY_CHANNEL,
        (owned, made) => {
          if (owned.kind === TopicKind.Guild) return json(deleteChannel(owned, request, made));
          if (owned.id !== made.actorId) throw refuse('MissingAccess');
          return json(closePrivateChannel(owned, request.channelId, made));
        },
        trace,
      );
    },
    putOverwrite: does(putOverwrite, GUILD_CHANNEL),
    deleteOverwrite: does(deleteOverwrite, GUILD_CHANNEL),

    createRole: changes(createRole),
    listRoles: shows((guild, _, who) => listRoles(guild, who)),
    getRole: shows(getRole),
    modifyRole: changes(modifyRole),
    moveRoles: changes(moveRoles),
    deleteRole: does(deleteRole),

    addMember: changes(addMember, MEMBERSHIP),
    getMember: shows(getMember),
    listMembers: shows(listMembers),
    searchMembers: shows(searchMembers),
    modifyMember: changes(modifyMember),
    putMemberRole: does(putMemberRole),
    deleteMemberRole: does(deleteMemberRole),
    removeMember: does(removeMember, MEMBERSHIP),

    putBan: async (request, call) => {
      const reply = await does(putBan, MEMBERSHIP)(request, call);
      if (request.deleteMessageSeconds > 0) await deleteMessagesOf(options, request, call);
      return reply;
    },
    deleteBan: does(deleteBan),
    getBan: shows(getBan),
    listBans: shows(listBans),

    createInvite: changes(createInvite, GUILD_CHANNEL),
    getInvite: (request) =>
      host.query<Guild>(where(request), INVITE, (guild) =>
        json(getInvite(guild, request, clock.nowMs())),
      ),
    deleteInvite: changes(deleteInvite, INVITE),
    acceptInvite: changes(acceptInvite, INVITE),
    listInvites: (request) =>
      shows(listInvites, request.channelId === 0n ? GUILD : GUILD_CHANNEL)(request),
  };
}

/**
 * What a banned user wrote in the last while goes, after the ban: nothing can be added any more. If
 * it fails, the ban stands, and a repeat of the request comes here again.
 */
async function deleteMessagesOf(
  { host, messages, clock }: GuildHandlersOptions,
  { command, userId, deleteMessageSeconds }: PutBanRequest,
  { trace }: Call,
): Promise<void> {
  const guild = await host.topic<Guild>(ref(command), GUILD);
  const since = snowflakeAt(clock.nowMs() - deleteMessageSeconds * 1000);
  const found = await messages.messagesOf(guild.id, [...guild.channels.keys()], userId, since);
  if (found.size === 0) return;
  // Without an id: what is gone already is left out, so it may be done twice.
  await host.command<Guild>(
    ref(command),
    { ...init(command), commandId: 0n },
    GUILD,
    (now, made) => {
      for (const [channelId, written] of found) {
        if (now.hasChannel(channelId)) deleteLoadedMessages(now, channelId, written, made);
      }
      return done();
    },
    trace,
  );
}
