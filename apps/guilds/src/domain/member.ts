import type { Document } from './tables.js';
import { userDocument, userFromDocument, type User } from './user-document.js';
import { voiceDocument, voiceFromDocument, type VoiceState } from './voice-state.js';

/** Which mentions of a member do not count, as it wants it; nobody else is shown. */
export interface Suppression {
  /** Of the settings it comes from; 0: it never said anything. */
  readonly version: number;
  /** @everyone and @here. */
  readonly suppressEveryone: boolean;
  readonly suppressRoles: boolean;
}

const NOTHING_SUPPRESSED: Suppression = {
  version: 0,
  suppressEveryone: false,
  suppressRoles: false,
};

/** A member of a guild. Replaced as a whole when it changes. */
export interface Member {
  readonly user: User;
  /** Empty: none. */
  readonly nick: string;
  /** Ascending; without @everyone. */
  readonly roleIds: readonly bigint[];
  readonly joinedAtMs: number;
  /** By the guild, in voice. */
  readonly mute: boolean;
  readonly deaf: boolean;
  /** The end of a timeout; 0: none. May lie in the past. */
  readonly communicationDisabledUntilMs: number;
  readonly flags: number;
  /** The guild's own avatar of it; empty: none. */
  readonly avatar: string;
  /** Came by an invite that lasts until it goes offline. */
  readonly isTemporary: boolean;
  readonly suppression: Suppression;
}

/** Somebody who has just joined. */
export function newMember(user: User, joinedAtMs: number): Member {
  return {
    user,
    nick: '',
    roleIds: [],
    joinedAtMs,
    mute: false,
    deaf: false,
    communicationDisabledUntilMs: 0,
    flags: 0,
    avatar: '',
    isTemporary: false,
    suppression: NOTHING_SUPPRESSED,
  };
}

/** Whether a timeout is on. */
export function isTimedOut(member: Member, nowMs: number): boolean {
  return member.communicationDisabledUntilMs > nowMs;
}

/** The member's row; its voice state is part of it. */
export function memberDocument(member: Member, voice: VoiceState | undefined): Document {
  const { user, roleIds, suppression, ...rest } = member;
  return {
    ...rest,
    user: userDocument(user),
    roleIds: roleIds.map(String),
    ...(suppression.version === 0 ? {} : { suppression }),
    ...(voice === undefined ? {} : { voice: voiceDocument(voice) }),
  };
}

/**
 * The member in a row. Role ids are of whenever the row was written: roles deleted since may be
 * among them (their deletion does not rewrite every member), and `isRole` says which are still
 * there.
 */
export function memberFromDocument(
  document: Document,
  isRole: (roleId: bigint) => boolean,
): { member: Member; voice: VoiceState | undefined } {
  const { voice, ...stored } = document;
  const user = userFromDocument(stored['user'] as Document);
  const roleIds = (stored['roleIds'] as string[]).map(BigInt).filter(isRole);
  const member = { ...newMember(user, 0), ...(stored as unknown as Member), user, roleIds };
  return {
    member,
    voice: voice === undefined ? undefined : voiceFromDocument(user.id, voice as Document),
  };
}

/** Ids in the order in which members keep them, each once. */
export function sortedIds(ids: Iterable<bigint>): bigint[] {
  return [...new Set(ids)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
