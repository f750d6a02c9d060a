import { allGuildSettingsBody, guildSettingsBody, settingsChange } from './guild-settings-body.js';
import { checked } from './validation.js';

const change = (body: unknown) => settingsChange(5n, checked(guildSettingsBody, body));

describe('A change to user guild settings', () => {
  it('says nothing of what was left out, or is null', () => {
    const nothing = { guildId: 5n, channelOverrides: [] };
    expect(change({})).toEqual(nothing);
    expect(change(undefined)).toEqual(nothing);
    expect(change({ muted: null, channel_overrides: null, mobile_push: null })).toEqual(nothing);
  });

  it('has no mute any more where that is null, and one without an end where its end is', () => {
    expect(change({ mute_config: null }).muteConfig).toEqual({ isNone: true });
    const forEver = { selected_time_window: -1, end_time: null };
    expect(change({ mute_config: forEver }).muteConfig).toEqual({
      selectedTimeWindow: -1,
      endTimeMs: 0n,
    });
    expect(change({ mute_config: { end_time: '1970-01-01' } }).muteConfig).toEqual({
      endTimeMs: 1n,
    });
  });

  it('is of several guilds, and of private channels', () => {
    const { guilds } = checked(allGuildSettingsBody, { guilds: { 7: { flags: 1 }, '@me': {} } });
    expect(guilds).toEqual([
      [7n, { flags: 1 }],
      [undefined, {}],
    ]);
  });
});
