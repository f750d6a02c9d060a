import { callOwner, type Bus } from '@guildhall/bus';
import { partitionOf } from '@guildhall/snowflake';
import type { Tracer } from '@guildhall/telemetry';
import type { Owners } from '../domain/ports.js';

/**
 * The owners, reached over the bus; each is asked again while its partition moves, up to the
 * deadline.
 */
export function busOwners(bus: Bus, tracer: Tracer, deadlineMs: number): Owners {
  return {
    ask: (method, id, request, trace) =>
      callOwner(bus, method, partitionOf(id), request, { deadlineMs, trace, tracer }),
  };
}
