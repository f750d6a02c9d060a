import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  ModifyChannelRequestSchema,
  PutOverwriteRequestSchema,
  UpdateVoiceStateRequestSchema,
} from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import type { Changes } from './changes.js';
import { modifyChannel } from './channel-decisions.js';
import { GuildWorld, OWNER_ID } from './guild-world.conformance.js';
import type { Guild } from './guild.js';
import { putOverwrite } from './overwrite-decisions.js';
import { updateVoiceState } from './voice-decisions.js';

const MEMBER = 2n;

type Init = MessageInitShape<typeof UpdateVoiceStateRequestSchema>;

const asking = (init: Init) => (guild: Guild, changes: Changes) =>
  updateVoiceState(
    guild,
    create(UpdateVoiceStateRequestSchema, { sessionId: 's', ...init }),
    changes,
  );

function stage() {
  const world = new GuildWorld();
  world.member(MEMBER);
  return { world, guild: world.guild, channelId: world.voiceId };
}

describe('updateVoiceState', () => {
  it('joins, mutes itself and leaves, each told once to those who see the channel', () => {
    const { world, guild, channelId } = stage();
    const { answer, changes } = world.do(MEMBER, asking({ channelId }));
    const data = {
      guild_id: String(guild.id),
      channel_id: String(channelId),
      user_id: '2',
      session_id: 's',
      self_mute: false,
      member: { user: { id: '2' } },
    };
    expect(answer).toMatchObject(data);
    expect(changes.events).toMatchObject([{ type: 'VOICE_STATE_UPDATE', channelId, data }]);
    expect(world.events(MEMBER, asking({ channelId }))).toEqual([]);
    expect(world.events(MEMBER, asking({ channelId, selfMute: true }))).toMatchObject([
      { channelId, data: { self_mute: true } },
    ]);
    expect(world.restored().voiceStates.get(MEMBER)).toMatchObject({ channelId, selfMute: true });
    const left = world.do(MEMBER, asking({ channelId: 0n }));
    expect(left.answer).toMatchObject({ channel_id: null });
    expect(left.changes.events).toMatchObject([{ channelId, data: { channel_id: null } }]);
    expect(world.events(MEMBER, asking({ channelId: 0n }))).toEqual([]);
    expect(world.restored().voiceStates.size).toBe(0);
  });

  it('ends the stay of no other session', () => {
    const { world, guild, channelId } = stage();
    world.do(MEMBER, asking({ channelId }));
    expect(world.events(MEMBER, asking({ channelId: 0n, sessionId: 'other' }))).toEqual([]);
    expect(guild.voiceStates.has(MEMBER)).toBe(true);
  });

  it('keeps the time of coming while it stays', () => {
    const { world, guild, channelId } = stage();
    world.do(MEMBER, asking({ channelId }));
    const { sinceMs } = guild.voiceStates.get(MEMBER)!;
    world.nowMs += 1_000;
    world.do(MEMBER, asking({ channelId, selfDeaf: true }));
    expect(guild.voiceStates.get(MEMBER)!.sinceMs).toBe(sinceMs);
  });

  it('refuses text, nothing, strangers, and who may not connect', () => {
    const { world, guild, channelId } = stage();
    expect(world.codeOf(MEMBER, asking({ channelId: world.textId }))).toBe(50024);
    expect(world.codeOf(MEMBER, asking({ channelId: 5n }))).toBe(10003);
    expect(world.codeOf(9n, asking({ channelId }))).toBe(50001);
    const overwrite = { id: guild.id, type: 0, deny: Permission.CONNECT };
    const put = create(PutOverwriteRequestSchema, { channelId, overwrite });
    world.do(0n, (_, changes) => putOverwrite(guild, put, changes));
    expect(world.codeOf(MEMBER, asking({ channelId }))).toBe(50013);
  });

  it('lets only who may move members into a channel that is full', () => {
    const { world, guild, channelId } = stage();
    const request = create(ModifyChannelRequestSchema, { channelId, fields: { userLimit: 1 } });
    world.do(0n, (_, changes) => modifyChannel(guild, request, changes));
    world.member(3n);
    world.do(MEMBER, asking({ channelId }));
    expect(world.codeOf(3n, asking({ channelId }))).toBe(50013);
    expect(world.codeOf(MEMBER, asking({ channelId, selfMute: true }))).toBeUndefined();
    expect(world.codeOf(OWNER_ID, asking({ channelId }))).toBeUndefined();
  });
});
