// What happens in a user's own topic and is acted on, not sent: guilds joined and left, private
// channels that came to be, the end of all its sessions.
import { Signal, type TopicEvent } from '@guildhall/contracts';
import { CloseCode } from '@guildhall/gateway-protocol';
import { parseSnowflake } from '@guildhall/snowflake';
import type { Session } from '../domain/session.js';
import { Attaching } from './attaching.js';
import type { SessionLife } from './session-life.js';

/** Acts on one signal for the sessions it concerns. A signal nobody knows changes nothing. */
export function actOnSignal(
  event: TopicEvent,
  sessions: readonly Session[],
  { attaching, life }: { attaching: Attaching; life: SessionLife },
): void {
  switch (event.type) {
    case Signal.GuildJoined: {
      const guildId = idIn(event, 'guild_id');
      if (guildId === undefined) return;
      for (const session of sessions) {
        if (session.hasGuild(guildId)) void attaching.guild(session, guildId);
      }
      return;
    }
    case Signal.GuildLeft: {
      const guildId = idIn(event, 'guild_id');
      if (guildId === undefined) return;
      for (const session of sessions) attaching.left(session, guildId);
      return;
    }
    case Signal.PrivateChannelOpened: {
      const topicId = idIn(event, 'topic_id');
      if (topicId === undefined) return;
      for (const session of sessions) {
        if (!Attaching.wantsPrivateChannels(session)) continue;
        void attaching.privateChannel(session, topicId, { isNew: true });
      }
      return;
    }
    case Signal.SessionsEnded:
      for (const session of sessions) life.close(session, CloseCode.AuthenticationFailed);
      return;
    default:
  }
}

/** Undefined for what is no such signal: it concerns nobody, and must not stop what comes after. */
function idIn(event: TopicEvent, key: string): bigint | undefined {
  try {
    const data = JSON.parse(Buffer.from(event.data).toString()) as Record<string, unknown>;
    return parseSnowflake(data[key]);
  } catch {
    return undefined;
  }
}
