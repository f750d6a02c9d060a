// What a person's client knows of unread messages and mentions when it has just started: READY,
// read as a client reads it.

import type { GatewayPayload } from '@guildhall/testkit';

import type { Person, World } from './world.js';

/** One entry of READY's `read_state`, of a channel. */
export interface ReadStateEntry {
  readonly id: string;
  readonly last_message_id: string;
  readonly mention_count: number;
}

interface Channel {
  readonly id: string;
  readonly last_message_id?: string | null;
}

/** Everything READY says about who has read what, in an order that does not depend on chance. */
export interface ReadState {
  readonly version: number;
  /** As they came, sorted by id. */
  readonly entries: readonly ReadStateEntry[];
  /** By channel: the newest message, of channels that have one. */
  readonly lastMessages: Readonly<Record<string, string>>;
}

/** Read states with a version, as today's clients ask for them. */
const VERSIONED_READ_STATES = 1 << 2;

/** READY's read state for a session that starts now, at this gateway, and ends at once. */
export async function readStateOf(
  world: World,
  person: Person,
  gateway = 'gateway-1',
): Promise<ReadState> {
  const client = await world.connect(person, { gateway, capabilities: VERSIONED_READ_STATES });
  const ready = await client.waitFor('READY');
  await client.close();
  return readStateIn(ready);
}

/** The read state in a READY that came to a client of {@link readStateOf}'s capabilities. */
export function readStateIn(ready: GatewayPayload): ReadState {
  const { read_state, guilds, private_channels } = ready.d as {
    read_state: { version: number; partial: boolean; entries: ReadStateEntry[] };
    guilds: { channels: Channel[] }[];
    private_channels: Channel[];
  };
  const channels = [...guilds.flatMap((guild) => guild.channels), ...private_channels];
  return {
    version: read_state.version,
    entries: read_state.entries.toSorted((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1)),
    lastMessages: Object.fromEntries(
      channels.flatMap(({ id, last_message_id: last }) => (last ? [[id, last]] : [])),
    ),
  };
}

/** What a client shows at a channel: `isUnread`, and the number on the red badge. */
export function badgeOf(
  state: ReadState,
  channelId: string,
): { isUnread: boolean; mentions: number } {
  const entry = state.entries.find(({ id }) => id === channelId);
  const last = state.lastMessages[channelId];
  return {
    isUnread: last !== undefined && BigInt(last) > BigInt(entry?.last_message_id ?? 0),
    mentions: entry?.mention_count ?? 0,
  };
}
