import { userJson } from '@guildhall/contracts';
import { isoTime, isoTimeOrNull } from './iso-time.js';
import type { Document } from './tables.js';
import { userDocument, userFromDocument, type User } from './user-document.js';

/** A way into a guild. */
export interface Invite {
  readonly code: string;
  readonly channelId: bigint;
  /** Undefined: made by the fleet itself. */
  readonly inviter: User | undefined;
  /** 0: never ends. */
  readonly maxAgeSeconds: number;
  /** 0: no limit. */
  readonly maxUses: number;
  readonly temporary: boolean;
  readonly uses: number;
  readonly createdAtMs: number;
}

/** When it ends, in ms; 0: never. */
export function expiresAtMs(invite: Invite): number {
  return invite.maxAgeSeconds === 0 ? 0 : invite.createdAtMs + invite.maxAgeSeconds * 1000;
}

/** Whether its time is over. */
export function isExpired(invite: Invite, nowMs: number): boolean {
  return invite.maxAgeSeconds !== 0 && expiresAtMs(invite) <= nowMs;
}

export function inviteDocument(invite: Invite): Document {
  const { code: _, channelId, inviter, ...rest } = invite;
  return {
    ...rest,
    channelId: String(channelId),
    ...(inviter === undefined ? {} : { inviter: userDocument(inviter) }),
  };
}

export function inviteFromDocument(code: string, document: Document): Invite {
  const { inviter, ...stored } = document;
  return {
    ...(stored as unknown as Omit<Invite, 'code' | 'channelId' | 'inviter'>),
    code,
    channelId: BigInt(document['channelId'] as string),
    inviter: inviter === undefined ? undefined : userFromDocument(inviter as Document),
  };
}

/** What only those who may manage the channel see of an invite. */
export function inviteUseJson(invite: Invite): object {
  return {
    uses: invite.uses,
    max_uses: invite.maxUses,
    max_age: invite.maxAgeSeconds,
    temporary: invite.temporary,
    created_at: isoTime(invite.createdAtMs),
  };
}

/** The `d` of INVITE_CREATE. */
export function inviteEventJson(guildId: bigint, invite: Invite): object {
  return {
    channel_id: String(invite.channelId),
    guild_id: String(guildId),
    code: invite.code,
    type: 0,
    ...(invite.inviter === undefined ? {} : { inviter: userJson(invite.inviter) }),
    expires_at: isoTimeOrNull(expiresAtMs(invite)),
    ...inviteUseJson(invite),
  };
}
