export {
  ALL_PERMISSIONS,
  Permission,
  hasPermission,
  parsePermissions,
  permissionNames,
  permissionsOf,
} from './permission.js';
export type { PermissionName } from './permission.js';
export {
  CONNECTING_PERMISSIONS,
  DEFAULT_EVERYONE_PERMISSIONS,
  DIRECT_MESSAGE_PERMISSIONS,
  ELEVATED_PERMISSIONS,
  GROUP_OWNER_PERMISSIONS,
  GROUP_PERMISSIONS,
  OVERWRITABLE_PERMISSIONS,
  SENDING_PERMISSIONS,
  STAGE_CHANNEL_PERMISSIONS,
  TEXT_CHANNEL_PERMISSIONS,
  TIMED_OUT_PERMISSIONS,
  VOICE_CHANNEL_PERMISSIONS,
} from './permission-sets.js';
export {
  OverwriteType,
  basePermissions,
  channelPermissions,
  isAllowedInChannel,
  overwrittenPermissions,
} from './member-permissions.js';
export type {
  ChannelMembership,
  GuildMembership,
  OverwriteView,
  RoleView,
} from './member-permissions.js';
export {
  ChannelKind,
  channelKindOf,
  effectivePermissions,
  mayReadMessages,
  sendPermission,
  timedOutPermissions,
} from './effective-permissions.js';
export {
  canManageRole,
  canModerate,
  canTimeOut,
  compareRoles,
  grantablePermissions,
  grantsBeyond,
  highestRole,
  mayMentionEveryone,
  mayMentionRole,
  overwriteChangesBeyond,
} from './hierarchy.js';
export type { MemberView } from './hierarchy.js';
