/** A guild and a private channel with a few people in them, for specs about messages. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { ManualClock } from '@guildhall/clock';
import {
  CreateMessageRequestSchema,
  EditMessageRequestSchema,
  UserSchema,
} from '@guildhall/contracts';
import { DEFAULT_EVERYONE_PERMISSIONS, Permission } from '@guildhall/permissions';
import { SnowflakeMint } from '@guildhall/snowflake';
import { Changes } from '../domain/changes.js';
import { ChannelType, newChannel, type Channel } from '../domain/channel.js';
import { Guild } from '../domain/guild.js';
import { newMember, type Member } from '../domain/member.js';
import type { CountedUser } from '../domain/mention-log.js';
import { createMessage, editMessage } from '../domain/message-decisions.js';
import type { MessageTopic } from '../domain/message-place.js';
import { PrivateChannel } from '../domain/private-channel.js';
import { newRole } from '../domain/role.js';
import type { Document, RowChange } from '../domain/tables.js';
import { userOf, type User } from '../domain/user-document.js';

const PARTITION = 5;

/** Owner, two members, a moderator, a bot, and somebody who is no member. */
export const OWNER = 11n;
export const ANN = 12n;
export const BEN = 13n;
export const MOD = 14n;
export const BOT = 15n;
export const STRANGER = 19n;

export const GUILD = 100n;
export const MOD_ROLE = 101n;
/** Mentionable by everybody; Ann's. */
export const TEAM_ROLE = 102n;
/** Not mentionable; Ben's. */
export const QUIET_ROLE = 103n;

export const TEXT = 201n;
export const NEWS = 202n;
export const VOICE = 203n;
export const CATEGORY = 204n;
/** With slow mode of 10 s. */
export const SLOW = 205n;
/** Ben does not see it. */
export const HIDDEN = 206n;
/** Ann and Ben. */
export const PRIVATE = 300n;

export const person = (id: bigint, more: Partial<User> = {}): User =>
  userOf({ id, username: `user${id}`, ...more });

/** What @everyone may do here: all the usual but mass mentions. */
export const EVERYONE = DEFAULT_EVERYONE_PERMISSIONS & ~Permission.MENTION_EVERYONE;

export class MessageStage {
  readonly clock = new ManualClock();
  readonly guild: Guild;
  readonly direct: PrivateChannel;
  /** Rows as they would be stored, by table and key. */
  readonly rows = new Map<string, Document>();
  readonly #mint = new SnowflakeMint(this.clock);

  constructor() {
    this.guild = makeGuild(this.clock.nowMs());
    this.direct = new PrivateChannel(PRIVATE);
    for (const id of [ANN, BEN]) this.direct.recipients.set(id, person(id));
  }

  /** Where a command of somebody is decided now. */
  changes(actorId: bigint, actorIsBot = actorId === BOT): Changes {
    return new Changes({
      topicId: GUILD,
      commandId: 1n,
      actorId,
      actorIsBot,
      reason: '',
      nowMs: this.clock.nowMs(),
      mint: (floor) => this.#mint.mint(PARTITION, floor),
      random: () => 0,
    });
  }

  /** Decides as somebody; keeps the rows and gives back what was decided. */
  act<T>(
    actorId: bigint,
    decide: (changes: Changes) => T,
  ): { readonly result: T; readonly changes: Changes } {
    const changes = this.changes(actorId);
    const result = decide(changes);
    for (const row of changes.rows) this.#keep(row);
    return { result, changes };
  }

  /** Sends a message. A ms passes. */
  send(
    actorId: bigint,
    init: MessageInitShape<typeof CreateMessageRequestSchema>,
    topic: MessageTopic = this.guild,
  ) {
    this.clock.advance(1);
    const channelId = init.channelId ?? (topic === this.direct ? PRIVATE : TEXT);
    const author = person(actorId, { bot: actorId === BOT });
    const request = create(CreateMessageRequestSchema, init);
    request.author ??= create(UserSchema, author);
    request.channelId = channelId;
    const { result, changes } = this.act(actorId, (made) => createMessage(topic, request, made));
    return { id: result.messageId, json: result.json as Record<string, unknown>, changes };
  }

  edit(
    actorId: bigint,
    init: MessageInitShape<typeof EditMessageRequestSchema>,
    topic: MessageTopic = this.guild,
  ) {
    this.clock.advance(1);
    const channelId = init.channelId ?? (topic === this.direct ? PRIVATE : TEXT);
    const request = create(EditMessageRequestSchema, { ...init, channelId });
    const { result, changes } = this.act(actorId, (made) => editMessage(topic, request, made));
    return { json: result as Record<string, unknown>, changes };
  }

  /** The document of a row. */
  row(table: string, ...key: readonly (bigint | string)[]): Document | undefined {
    return this.rows.get(`${table}/${key.join('/')}`);
  }

  #keep({ table, key, document }: RowChange): void {
    const at = `${table}/${key.join('/')}`;
    if (document === undefined) this.rows.delete(at);
    else this.rows.set(at, JSON.parse(JSON.stringify(document)) as Document);
  }
}

/** Somebody whose mentions are counted, all of them unless told otherwise. */
export const counted = (userId: bigint, more: Partial<CountedUser> = {}): CountedUser => ({
  userId,
  roleIds: [],
  joinedAtMs: 0,
  suppressEveryone: false,
  suppressRoles: false,
  ...more,
});

/** The data of the events of a kind, as they are published. */
export function eventData(changes: Changes, type: string): Record<string, unknown>[] {
  return changes.events
    .filter((event) => event.type === type)
    .map((event) => JSON.parse(JSON.stringify(event.data)) as Record<string, unknown>);
}

function makeGuild(nowMs: number): Guild {
  const guild = new Guild(GUILD);
  guild.putRole({ ...newRole(GUILD, '@everyone', EVERYONE), position: 0 });
  guild.putRole(newRole(MOD_ROLE, 'mod', Permission.MANAGE_MESSAGES | Permission.MENTION_EVERYONE));
  guild.putRole({ ...newRole(TEAM_ROLE, 'team', 0n), mentionable: true });
  guild.putRole(newRole(QUIET_ROLE, 'quiet', 0n));
  const channels: Channel[] = [
    newChannel(TEXT, ChannelType.Text, 'text'),
    newChannel(NEWS, ChannelType.Announcement, 'news'),
    newChannel(VOICE, ChannelType.Voice, 'voice'),
    newChannel(CATEGORY, ChannelType.Category, 'category'),
    { ...newChannel(SLOW, ChannelType.Text, 'slow'), rateLimitPerUser: 10 },
    {
      ...newChannel(HIDDEN, ChannelType.Text, 'hidden'),
      overwrites: [{ id: BEN, type: 1, allow: 0n, deny: Permission.VIEW_CHANNEL }],
    },
  ];
  for (const channel of channels) guild.putChannel(channel);
  const joined = (id: bigint, roleIds: bigint[], more: Partial<User> = {}): Member => ({
    ...newMember(person(id, more), nowMs),
    roleIds,
  });
  guild.putMember(joined(OWNER, []));
  guild.putMember(joined(ANN, [TEAM_ROLE]));
  guild.putMember(joined(BEN, [QUIET_ROLE]));
  guild.putMember(joined(MOD, [MOD_ROLE]));
  guild.putMember(joined(BOT, [], { bot: true }));
  guild.setOwner(OWNER);
  guild.takeVisibility();
  return guild;
}
