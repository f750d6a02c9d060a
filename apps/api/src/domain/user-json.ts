// Objects of accounts and applications, as the API shows them.
import { create } from '@bufbuild/protobuf';
import { userJson, UserSchema } from '@guildhall/contracts';
import type { Application, UserInit } from './ports.js';

/** A user as everybody sees it. */
export function publicUser(user: UserInit): object {
  return { ...userJson(create(UserSchema, user)), banner: null, accent_color: null };
}

/** A user as it sees itself: GET /users/@me, and USER_UPDATE. */
export function ownUser(user: UserInit, email: string): object {
  return {
    ...publicUser(user),
    verified: true,
    email: user.bot ? null : email,
    phone: null,
    mfa_enabled: false,
    locale: 'en-US',
    premium_type: 0,
    nsfw_allowed: true,
    bio: '',
  };
}

/** An application. `owner` absent: not shown (to other people). */
export function applicationJson(
  application: Application,
  bot: UserInit | undefined,
  owner: UserInit | undefined,
): object {
  return {
    id: String(application.id),
    name: application.name,
    icon: application.icon === '' ? null : application.icon,
    description: application.description,
    summary: '',
    type: null,
    bot_public: application.isBotPublic,
    bot_require_code_grant: false,
    // Nothing is signed here: no requests go out to applications.
    verify_key: '0'.repeat(64),
    flags: application.flags,
    hook: true,
    is_monetized: false,
    team: null,
    tags: [],
    install_params: { scopes: ['bot', 'applications.commands'], permissions: '0' },
    integration_types_config: { '0': {} },
    redirect_uris: [],
    interactions_endpoint_url: null,
    role_connections_verification_url: null,
    ...(bot === undefined ? {} : { bot: publicUser(bot) }),
    ...(owner === undefined ? {} : { owner: publicUser(owner) }),
  };
}
