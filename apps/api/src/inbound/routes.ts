import type { Ports } from '../domain/ports.js';
import type { Events } from '../events.js';
import { applicationRoutes } from './application-routes.js';
import { authRoutes } from './auth-routes.js';
import { banRoutes } from './ban-routes.js';
import { callbackRoutes } from './callback-routes.js';
import { channelRoutes } from './channel-routes.js';
import { commandIndexRoutes } from './command-index-routes.js';
import { commandRoutes } from './command-routes.js';
import { emptyRoutes } from './empty-routes.js';
import { gatewayRoutes } from './gateway-routes.js';
import { guildSettingsRoutes } from './guild-settings-routes.js';
import { guildRoutes } from './guild-routes.js';
import { interactionRoutes } from './interaction-routes.js';
import { inviteRoutes } from './invite-routes.js';
import { memberRoutes } from './member-routes.js';
import { messageRoutes } from './message-routes.js';
import { oauthRoutes } from './oauth-routes.js';
import { pinRoutes } from './pin-routes.js';
import { reactionRoutes } from './reaction-routes.js';
import { readStateRoutes } from './read-state-routes.js';
import { responseRoutes } from './response-routes.js';
import { roleRoutes } from './role-routes.js';
import type { Route } from './route.js';
import { userRoutes } from './user-routes.js';

/** Every route of the API: a resource's file adds its function here. */
export function allRoutes(ports: Ports, events: Events): Route[] {
  return [
    ...applicationRoutes(ports, events),
    ...authRoutes(ports),
    ...banRoutes(ports),
    ...callbackRoutes(ports, events),
    ...channelRoutes(),
    ...commandIndexRoutes(ports),
    ...commandRoutes(ports),
    ...emptyRoutes(),
    ...gatewayRoutes(ports),
    ...guildRoutes(ports),
    ...guildSettingsRoutes(),
    ...interactionRoutes(ports, events),
    ...inviteRoutes(),
    ...memberRoutes(),
    ...messageRoutes(ports, events),
    ...oauthRoutes(ports),
    ...pinRoutes(),
    ...reactionRoutes(),
    ...readStateRoutes(ports),
    ...responseRoutes(ports, events),
    ...roleRoutes(ports),
    ...userRoutes(ports),
  ];
}
