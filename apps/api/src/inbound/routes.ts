import type { Ports } from '../domain/ports.js';
import type { Events } from '../events.js';
import { messageRoutes } from './message-routes.js';
import type { Route } from './route.js';

/** Every route of the API: a resource's file adds its function here. */
export function allRoutes(ports: Ports, events: Events): Route[] {
  return [...messageRoutes(ports, events)];
}
