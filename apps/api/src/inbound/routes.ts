import type { Ports } from '../domain/ports.js';
import type { Events } from '../events.js';
import { applicationRoutes } from './application-routes.js';
import { authRoutes } from './auth-routes.js';
import { commandRoutes } from './command-routes.js';
import { gatewayRoutes } from './gateway-routes.js';
import { messageRoutes } from './message-routes.js';
import { oauthRoutes } from './oauth-routes.js';
import { pinRoutes } from './pin-routes.js';
import { reactionRoutes } from './reaction-routes.js';
import { readStateRoutes } from './read-state-routes.js';
import type { Route } from './route.js';
import { userRoutes } from './user-routes.js';

/** Every route of the API: a resource's file adds its function here. */
export function allRoutes(ports: Ports, events: Events): Route[] {
  return [
    ...applicationRoutes(ports, events),
    ...authRoutes(ports),
    ...commandRoutes(ports),
    ...gatewayRoutes(ports),
    ...messageRoutes(ports, events),
    ...oauthRoutes(ports),
    ...pinRoutes(),
    ...reactionRoutes(),
    ...readStateRoutes(ports),
    ...userRoutes(ports),
  ];
}
