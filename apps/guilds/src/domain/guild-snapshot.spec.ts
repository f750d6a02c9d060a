import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  AttachTopicRequestSchema,
  CommandSchema,
  GetChannelInfoRequestSchema,
  PutOverwriteRequestSchema,
  UpdateVoiceStateRequestSchema,
} from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import { chatIdOf } from './audiences.js';
import { attachGuild, channelInfo, userGuild } from './guild-snapshot.js';
import { GuildWorld, OWNER_ID, refusalOf, START_MS } from './guild-world.conformance.js';
import { overwriteJson } from './channel.js';
import { putOverwrite } from './overwrite-decisions.js';
import { updateVoiceState } from './voice-decisions.js';

const MEMBER = 2n;

type Init = MessageInitShape<typeof AttachTopicRequestSchema>;
interface Snapshot {
  members: { user: { id: string } }[];
  channels: { id: string; type: number; permission_overwrites: object[] }[];
  presences: { user: { id: string } }[];
  voice_states: { user_id: string; guild_id?: string }[];
  roles: { permissions: string; colors: object }[];
}

function stage() {
  const world = new GuildWorld();
  world.member(MEMBER);
  const attach = (init: Init = {}, actorId = MEMBER, actorIsBot = true) =>
    attachGuild(
      world.guild,
      create(AttachTopicRequestSchema, {
        ...init,
        command: create(CommandSchema, { actorId, actorIsBot }),
      }),
    );
  const snapshot = (...args: Parameters<typeof attach>) => attach(...args).json as Snapshot;
  const online = (...ids: bigint[]) => {
    for (const id of ids) {
      world.guild.presences.set(id, { user: { id: String(id) }, status: 'online' });
    }
  };
  return { world, guild: world.guild, attach, snapshot, online };
}
const idsOf = (members: Snapshot['members']) => members.map(({ user }) => BigInt(user.id));

function hide(world: GuildWorld, channelId: bigint): void {
  const overwrite = { id: world.guild.id, type: 0, deny: Permission.VIEW_CHANNEL };
  const request = create(PutOverwriteRequestSchema, { channelId, overwrite });
  world.do(0n, (guild, changes) => putOverwrite(guild, request, changes));
}

function talk(world: GuildWorld, userId: bigint): void {
  const request = create(UpdateVoiceStateRequestSchema, {
    channelId: world.voiceId,
    sessionId: 's',
  });
  world.do(userId, (guild, changes) => updateVoiceState(guild, request, changes));
}

describe('attachGuild', () => {
  it('has everything that libraries fail without', () => {
    const { guild, attach } = stage();
    const { json } = attach();
    expect(json).toMatchObject({
      id: String(guild.id),
      name: 'The guild',
      owner_id: String(OWNER_ID),
      unavailable: false,
      large: false,
      member_count: 2,
      joined_at: '2026-11-24T03:00:00.000000+00:00',
      emojis: [],
      stickers: [],
      features: [],
      threads: [],
      stage_instances: [],
      guild_scheduled_events: [],
      soundboard_sounds: [],
    });
    const required =
      'icon splash discovery_splash afk_channel_id afk_timeout verification_level ' +
      'default_message_notifications explicit_content_filter mfa_level application_id ' +
      'system_channel_id system_channel_flags rules_channel_id vanity_url_code description ' +
      'banner premium_tier preferred_locale public_updates_channel_id nsfw_level ' +
      'premium_progress_bar_enabled safety_alerts_channel_id incidents_data';
    for (const key of required.split(' ')) expect(json).toHaveProperty(key);
    const { roles, channels } = json as Snapshot;
    for (const role of roles) {
      expect(role).toMatchObject({
        permissions: expect.stringMatching(/^\d+$/),
        colors: { primary_color: 0 },
      });
    }
    for (const channel of channels) {
      expect(channel).toMatchObject({ type: expect.any(Number), permission_overwrites: [] });
    }
  });

  it('shows only the channels that the member sees, and is in their audience', () => {
    const { world, guild, attach } = stage();
    hide(world, world.textId);
    const mine = attach();
    const seen = (mine.json as Snapshot).channels.map(({ id }) => BigInt(id));
    expect(seen).not.toContain(world.textId);
    expect(seen).toHaveLength(3);
    const chats = [...guild.channels.values()].map(chatIdOf).filter((id) => !guild.channel(id));
    expect(chats).toHaveLength(1);
    expect(new Set(mine.audience.channelIds)).toEqual(new Set([...seen, ...chats]));
    expect(mine.audienceId).toBe(guild.audiences.of(MEMBER)!.id);
    expect(mine.audience.id).toBe(mine.audienceId);
    const owners = attach({}, OWNER_ID);
    expect(owners.audienceId).toBe(OWNER_ID);
    const hidden = (owners.json as Snapshot).channels.find(
      ({ id }) => id === String(world.textId),
    )!;
    const [own] = guild.channel(world.textId)!.overwrites;
    expect(hidden.permission_overwrites).toEqual([overwriteJson(own!)]);
  });

  it('is refused to who is no member', () => {
    const { attach } = stage();
    expect(refusalOf(() => attach({}, 99n))).toBe(50001);
  });

  describe('members', () => {
    it('are only the bot and those in voice, without the presences intent', () => {
      const { world, snapshot } = stage();
      world.member(3n);
      expect(idsOf(snapshot().members)).toEqual([MEMBER]);
      talk(world, 3n);
      const { members, voice_states: states } = snapshot();
      expect(idsOf(members)).toEqual([MEMBER, 3n]);
      expect(states).toMatchObject([{ user_id: '3', channel_id: String(world.voiceId) }]);
      expect(states[0]).not.toHaveProperty('guild_id');
      hide(world, world.voiceId);
      expect(idsOf(snapshot().members)).toEqual([MEMBER]);
      expect(snapshot().voice_states).toEqual([]);
    });

    it('are all up to the threshold, with the presences of those who are online', () => {
      const { world, snapshot, online } = stage();
      for (let id = 100n; id < 148n; id++) world.member(id);
      online(120n);
      const { members, presences } = snapshot({ wantsPresences: true });
      expect(members).toHaveLength(50);
      expect(presences.map(({ user }) => user.id)).toEqual(['120']);
      expect(snapshot().presences).toEqual([]);
      // A person's client is shown everybody as well.
      expect(snapshot({}, MEMBER, false).members).toHaveLength(50);
    });

    it('are, past the threshold, those who are online or stand out', () => {
      const { world, snapshot, online } = stage();
      for (let id = 100n; id < 160n; id++) world.member(id);
      world.member(201n, [world.role(0n)]);
      world.member(202n, [], { nick: 'nick' });
      online(120n);
      talk(world, 130n);
      const shown = snapshot({ wantsPresences: true });
      expect(idsOf(shown.members)).toEqual([MEMBER, 120n, 130n, 201n, 202n]);
      expect(shown).toMatchObject({ large: true, member_count: 64 });
      const more = snapshot({ wantsPresences: true, largeThreshold: 250 });
      expect(more.members).toHaveLength(64);
      expect(more).toMatchObject({ large: false });
    });
  });

  describe('mention counts', () => {
    it('are of the channels with a position, and of those with mentions', () => {
      const { world, guild, attach } = stage();
      const { textId, voiceId } = world;
      const record = (channelId: bigint, messageId: bigint) => {
        guild.mentions.put(channelId, {
          messageId,
          authorId: OWNER_ID,
          everyone: false,
          roleIds: [],
          roleUserIds: [],
          userIds: [MEMBER],
        });
        guild.channel(channelId)!.lastMessageId = messageId;
      };
      const counts = (init: Init) =>
        attach({ wantsMentionCounts: true, ...init }).mentionCounts.map(
          ({ channelId, mentionCount, lastMessageId }) => [channelId, mentionCount, lastMessageId],
        );
      expect(counts({})).toEqual([]);
      const [first, second] = [world.mint(), world.mint()];
      record(textId, first);
      record(textId, second);
      expect(counts({})).toEqual([[textId, 2, second]]);
      const read = { channelId: textId, lastMessageId: first };
      expect(counts({ positions: [read, { channelId: voiceId, lastMessageId: 1n }] })).toEqual([
        [textId, 1, second],
        [voiceId, 0, 0n],
      ]);
      const unread = { positions: [], wantsUnreadChannels: true };
      guild.mentions.delete(textId, first);
      guild.mentions.delete(textId, second);
      expect([counts({}), counts(unread)]).toEqual([[], [[textId, 0, second]]]);
      record(textId, second);
      const manual = { ...read, manualCount: 7, manualUntilMessageId: first };
      expect(counts({ positions: [manual] })).toEqual([[textId, 8, second]]);
      expect(attach({}).mentionCounts).toEqual([]);
      hide(world, textId);
      expect(counts({ positions: [read] })).toEqual([]);
    });
  });
});

describe('channelInfo', () => {
  it('says since when voice channels are in use, of those one sees', () => {
    const { world, guild } = stage();
    const ask = (fields: string[], actorId = MEMBER) =>
      channelInfo(guild, create(GetChannelInfoRequestSchema, { fields, command: { actorId } }));
    const id = String(world.voiceId);
    expect(ask(['status', 'voice_start_time'])).toEqual({
      guild_id: String(guild.id),
      channels: [{ id, status: null, voice_start_time: null }],
    });
    talk(world, OWNER_ID);
    expect(ask(['voice_start_time'])).toMatchObject({
      channels: [{ id, voice_start_time: START_MS / 1_000 }],
    });
    hide(world, world.voiceId);
    expect(ask(['status'])).toMatchObject({ channels: [] });
    expect(refusalOf(() => ask([], 99n))).toBe(50001);
  });
});

describe('userGuild', () => {
  it('is the guild as the user stands in it', () => {
    const { world, guild } = stage();
    const permissions = String(guild.role(guild.id)!.permissions);
    expect(userGuild(guild, MEMBER, false)).toEqual({
      id: String(guild.id),
      name: 'The guild',
      icon: null,
      banner: null,
      owner: false,
      permissions,
      features: [],
    });
    world.member(3n, [], { communicationDisabledUntilMs: world.nowMs + 1_000 });
    expect(userGuild(guild, 3n, true)).toMatchObject({ permissions, approximate_member_count: 3 });
    expect(userGuild(guild, OWNER_ID, false)).toMatchObject({ owner: true });
    expect(refusalOf(() => userGuild(guild, 99n, false))).toBe(50001);
  });
});
