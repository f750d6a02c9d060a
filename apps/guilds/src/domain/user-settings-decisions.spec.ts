import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { refuse, UpdateUserGuildSettingsRequestSchema } from '@guildhall/contracts';
import type { Fault } from '@guildhall/fault';
import {
  ANN,
  BEN,
  eventData,
  GUILD,
  MessageStage,
  person,
  PRIVATE,
} from '../testing/message-stage.js';
import type { Changes } from './changes.js';
import { defaultSettings, type UserGuildSettings } from './user-guild-settings.js';
import {
  OVERRIDES_MAX,
  OVERRIDES_PER_GUILD_MAX,
  SETTINGS_MAX,
  updateUserGuildSettings,
} from './user-settings-decisions.js';
import { UserTopic } from './user-topic.js';

type Init = NonNullable<
  MessageInitShape<typeof UpdateUserGuildSettingsRequestSchema>['changes']
>[number];

const EVENT = 'USER_GUILD_SETTINGS_UPDATE';
const SECOND = 400n;
const END_MS = 1_795_489_200_000;

let stage: MessageStage;
let topic: UserTopic;

beforeEach(() => {
  stage = new MessageStage();
  topic = new UserTopic(ANN);
  const recipients = [person(ANN), person(BEN)];
  const changes = stage.changes(ANN);
  topic.joinGuild(GUILD, changes);
  topic.joinGuild(SECOND, changes);
  topic.addPrivateChannel({ topicId: PRIVATE, recipients, isClosed: false }, changes);
});

function update(changed: Init[], bulk = false): { all: UserGuildSettings[]; changes: Changes } {
  const changes = stage.changes(ANN);
  const request = create(UpdateUserGuildSettingsRequestSchema, { changes: changed, bulk });
  return { all: updateUserGuildSettings(topic, request, changes), changes };
}

function refusalOf(changed: Init[], bulk = false): Fault {
  const changes = stage.changes(ANN);
  const request = create(UpdateUserGuildSettingsRequestSchema, { changes: changed, bulk });
  try {
    updateUserGuildSettings(topic, request, changes);
  } catch (fault) {
    expect([changes.rows, changes.events, changes.errands]).toEqual([[], [], []]);
    return fault as Fault;
  }
  throw new Error('it was not refused');
}

const channels = (count: number, from = 1): { channelId: bigint }[] =>
  Array.from({ length: count }, (_, index) => ({ channelId: BigInt(from + index) }));

describe('User guild settings', () => {
  it('are what clients begin with, until something is said', () => {
    const { all, changes } = update([{ guildId: GUILD }, { guildId: 0n }]);
    expect(all).toEqual([defaultSettings(GUILD), defaultSettings(0n)]);
    expect(all[0]).toMatchObject({ guild_id: String(GUILD), version: 0, mobile_push: true });
    expect(all[1]).toMatchObject({ guild_id: null, message_notifications: 3 });
    expect([changes.rows, changes.events, changes.errands]).toEqual([[], [], []]);
    expect([topic.guildSettings.size, topic.settingsVersion]).toEqual([0, 0]);
  });

  it('change where something is said, with a new version, and are told whole', () => {
    update([{ guildId: GUILD, muted: true, messageNotifications: 1 }]);
    const mute = { selectedTimeWindow: 900, endTimeMs: BigInt(END_MS) };
    const { all, changes } = update([{ guildId: GUILD, flags: 7, muteConfig: mute }]);
    const expected = {
      ...defaultSettings(GUILD),
      muted: true,
      message_notifications: 1,
      flags: 7,
      mute_config: { selected_time_window: 900, end_time: '2026-11-24T03:00:00.000000+00:00' },
      version: 2,
    };
    expect(all).toEqual([expected]);
    expect(eventData(changes, EVENT)).toEqual([expected]);
    const { guild_id: _, ...document } = expected;
    expect(changes.rows).toEqual([{ table: 'user_guild_settings', key: [GUILD], document }]);
    expect(update([{ guildId: GUILD, muteConfig: { isNone: true } }]).all[0]).toMatchObject({
      mute_config: null,
      muted: true,
      version: 3,
    });
  });

  it('are no change where they say what is so already', () => {
    update([{ guildId: GUILD, suppressRoles: true, channelOverrides: [{ channelId: 5n }] }]);
    const again = update([{ guildId: GUILD, suppressRoles: true, channelOverrides: [] }]);
    expect(again.all[0]).toMatchObject({ suppress_roles: true, version: 1 });
    expect([again.changes.rows, again.changes.events]).toEqual([[], []]);
  });

  it('count one version for all guilds, in the order in which they were asked for', () => {
    const changed = [SECOND, 0n, GUILD].map((guildId) => ({ guildId, flags: 1 }));
    const { all, changes } = update(changed, true);
    expect(all.map(({ version }) => version)).toEqual([1, 2, 3]);
    expect(eventData(changes, EVENT).map(({ version }) => version)).toEqual([1, 2, 3]);
    expect(topic.settingsVersion).toBe(3);
    const twice = update(
      [
        { guildId: GUILD, flags: 2 },
        { guildId: GUILD, muted: true },
      ],
      true,
    );
    expect(twice.all).toEqual([twice.all[1], topic.guildSettings.get(GUILD)]);
    expect(twice.all[0]).toMatchObject({ flags: 2, muted: true, version: 4 });
  });

  it('have overrides of channels, each changed for itself', () => {
    const first = { channelId: 5n, muted: true, collapsed: true };
    update([{ guildId: GUILD, channelOverrides: [first, { channelId: 6n, flags: 1 }] }]);
    const change = { channelId: 5n, muted: false, messageNotifications: 2 };
    const { all } = update([{ guildId: GUILD, channelOverrides: [change] }]);
    const none = { mute_config: null, muted: false, flags: 0 };
    expect(all[0]!.channel_overrides).toEqual([
      { channel_id: '5', collapsed: true, message_notifications: 2, ...none },
      { channel_id: '6', collapsed: false, message_notifications: 3, ...none, flags: 1 },
    ]);
  });

  it('are of guilds that the user is in, all or nothing', () => {
    const unknown = [{ guildId: GUILD, muted: true }, { guildId: 999n }];
    expect(refusalOf(unknown)).toEqual(refuse('UnknownGuild'));
    topic.leaveGuild(GUILD, stage.changes(ANN));
    expect(refusalOf([{ guildId: GUILD }])).toEqual(refuse('UnknownGuild'));
  });

  it('have bounds', () => {
    const more = { guildId: GUILD, channelOverrides: channels(OVERRIDES_PER_GUILD_MAX + 1) };
    expect(JSON.parse(refusalOf([more]).refusal!.errorsJson!)).toHaveProperty(
      'channel_overrides._errors',
    );
    expect(JSON.parse(refusalOf([more], true).refusal!.errorsJson!)).toHaveProperty(
      `guilds.${GUILD}.channel_overrides._errors`,
    );
    const most = (guildId: bigint) => ({
      guildId,
      channelOverrides: channels(OVERRIDES_PER_GUILD_MAX),
    });
    const guildsCount = OVERRIDES_MAX / OVERRIDES_PER_GUILD_MAX;
    for (let id = 1n; id < SETTINGS_MAX; id += 1n) {
      topic.joinGuild(id, stage.changes(ANN));
      update([id <= guildsCount ? most(id) : { guildId: id, flags: 1 }]);
    }
    const one = { guildId: 0n, channelOverrides: channels(1) };
    expect(refusalOf([one], true).refusal!.errorsJson).toContain('@me');
    update([{ guildId: 0n, flags: 1 }]);
    topic.joinGuild(5_000n, stage.changes(ANN));
    expect(refusalOf([{ guildId: 5_000n, flags: 1 }]).refusal!.errorsJson).toContain('guild_id');
    // What there is can still be changed.
    update([{ guildId: 1n, channelOverrides: [{ channelId: 1n, muted: true }] }]);
    expect(topic.guildSettings.size).toBe(SETTINGS_MAX);
  });
});

describe('What other topics are told', () => {
  const rules = (version: bigint, suppressEveryone: boolean, suppressRoles: boolean) => ({
    topicId: GUILD,
    action: {
      case: 'notificationRulesChanged',
      value: { userId: ANN, version, suppressEveryone, suppressRoles },
    },
  });

  it('is what a guild is to suppress, when that changes', () => {
    const first = update([{ guildId: GUILD, suppressEveryone: true }]);
    expect(first.changes.errands).toEqual([rules(1n, true, false)]);
    expect(update([{ guildId: GUILD, muted: true }]).changes.errands).toEqual([]);
    const second = update([{ guildId: GUILD, suppressEveryone: false, suppressRoles: true }]);
    expect(second.changes.errands).toEqual([rules(3n, false, true)]);
  });

  it('is said again, with a new version, when the user comes back', () => {
    update([
      { guildId: GUILD, suppressRoles: true },
      { guildId: 0n, flags: 1 },
    ]);
    const left = stage.changes(ANN);
    topic.leaveGuild(GUILD, left);
    expect(topic.currentSettings.map(({ guild_id: id }) => id)).toEqual([null]);
    expect([left.errands, topic.guildSettings.size]).toEqual([[], 2]);
    const back = stage.changes(ANN);
    topic.joinGuild(GUILD, back);
    topic.joinGuild(GUILD, back);
    expect(back.errands).toEqual([rules(3n, false, true)]);
    expect(eventData(back, EVENT)).toEqual([{ ...topic.guildSettings.get(GUILD), version: 3 }]);
    const elsewhere = stage.changes(ANN);
    topic.joinGuild(777n, elsewhere);
    expect(elsewhere.errands).toEqual([]);
  });

  const muted = (version: bigint, isMuted: boolean, mutedUntilMs = 0n) => ({
    topicId: PRIVATE,
    action: {
      case: 'privateChannelMuted',
      value: { userId: ANN, version, muted: isMuted, mutedUntilMs },
    },
  });
  const override = (more: object) => [
    { guildId: 0n, channelOverrides: [{ channelId: PRIVATE, ...more }] },
  ];

  it('is that a private channel is muted, and until when', () => {
    const endTimeMs = BigInt(END_MS);
    expect(update(override({ muteConfig: { endTimeMs } })).changes.errands).toEqual([]);
    const first = update(override({ muted: true }));
    expect(first.changes.errands).toEqual([muted(2n, true, endTimeMs)]);
    expect(update(override({ collapsed: true })).changes.errands).toEqual([]);
    const forEver = update(override({ muteConfig: { selectedTimeWindow: -1 } }));
    expect(forEver.changes.errands).toEqual([muted(4n, true)]);
    expect(update(override({ muted: false })).changes.errands).toEqual([muted(5n, false)]);
  });

  it('is that it is muted for good, when it is muted again after a time that is over', () => {
    const endTimeMs = BigInt(stage.clock.nowMs() + 10);
    update(override({ muted: true, muteConfig: { endTimeMs } }));
    expect(update(override({ muted: true })).changes.errands).toEqual([]);
    stage.clock.advance(10);
    expect(update(override({ flags: 1 })).changes.errands).toEqual([]);
    expect(update(override({ muted: true })).changes.errands).toEqual([muted(3n, true)]);
  });

  it('is nothing of channels that are not the user’s, until they are', () => {
    const channelOverrides = [{ channelId: 5n, muted: true }];
    expect(update([{ guildId: 0n, channelOverrides }]).changes.errands).toEqual([]);
    const opened = stage.changes(ANN);
    const recipients = [person(ANN), person(BEN)];
    topic.addPrivateChannel({ topicId: 5n, recipients, isClosed: false }, opened);
    expect(opened.errands).toEqual([{ ...muted(1n, true), topicId: 5n }]);
  });

  it('is nothing of private channels when a guild has overrides, muted or not', () => {
    const channelOverrides = [{ channelId: PRIVATE, muted: true }];
    expect(update([{ guildId: GUILD, channelOverrides }]).changes.errands).toEqual([]);
  });
});

describe('A user’s topic that is loaded', () => {
  it('goes on counting where the highest version was', () => {
    update([
      { guildId: GUILD, suppressEveryone: true },
      { guildId: 0n, flags: 1 },
    ]);
    topic.leaveGuild(GUILD, stage.changes(ANN));
    const rows = [...topic.guildSettings].map(([guildId, { guild_id: _, ...document }]) => ({
      key: [guildId],
      document: JSON.parse(JSON.stringify(document)) as object as Record<string, unknown>,
    }));
    const next = UserTopic.restore({
      topicId: ANN,
      kind: 3,
      document: {},
      rows: new Map([['user_guild_settings', rows]]),
      lastMessageIds: new Map(),
    });
    expect(next.guildSettings).toEqual(topic.guildSettings);
    expect(next.settingsVersion).toBe(2);
  });
});
