import type { Document } from './tables.js';

/** What a guild is besides its channels, roles and members. Replaced as a whole when it changes. */
export interface GuildSettings {
  readonly name: string;
  /** Empty: none; so are the other texts. */
  readonly icon: string;
  readonly splash: string;
  readonly banner: string;
  readonly description: string;
  readonly verificationLevel: number;
  readonly defaultMessageNotifications: number;
  readonly explicitContentFilter: number;
  /** 0n: none; so are the other channels. */
  readonly afkChannelId: bigint;
  readonly afkTimeoutSeconds: number;
  readonly systemChannelId: bigint;
  readonly systemChannelFlags: number;
  readonly rulesChannelId: bigint;
  readonly publicUpdatesChannelId: bigint;
  readonly safetyAlertsChannelId: bigint;
  readonly preferredLocale: string;
  readonly premiumProgressBarEnabled: boolean;
}

/** The settings that name a channel. */
export const CHANNEL_SETTINGS = [
  'afkChannelId',
  'systemChannelId',
  'rulesChannelId',
  'publicUpdatesChannelId',
  'safetyAlertsChannelId',
] as const satisfies readonly (keyof GuildSettings)[];

export const DEFAULT_SETTINGS: GuildSettings = {
  name: '',
  icon: '',
  splash: '',
  banner: '',
  description: '',
  verificationLevel: 0,
  defaultMessageNotifications: 0,
  explicitContentFilter: 0,
  afkChannelId: 0n,
  afkTimeoutSeconds: 300,
  systemChannelId: 0n,
  systemChannelFlags: 0,
  rulesChannelId: 0n,
  publicUpdatesChannelId: 0n,
  safetyAlertsChannelId: 0n,
  preferredLocale: 'en-US',
  premiumProgressBarEnabled: false,
};

export function settingsDocument(settings: GuildSettings): Document {
  const channels = Object.fromEntries(CHANNEL_SETTINGS.map((key) => [key, String(settings[key])]));
  return { ...settings, ...channels };
}

export function settingsFromDocument(document: Document): GuildSettings {
  const channels = Object.fromEntries(
    CHANNEL_SETTINGS.map((key) => [key, BigInt((document[key] as string | undefined) ?? '0')]),
  );
  return { ...DEFAULT_SETTINGS, ...(document as Partial<GuildSettings>), ...channels };
}
