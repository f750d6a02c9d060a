/** What a user's own topic, wherever it is owned, is asked on its behalf. */
import { callOwner, type Bus } from '@guildhall/bus';
import { Guilds, type DeleteChannelRequest, type JsonReply } from '@guildhall/contracts';
import { partitionOf } from '@guildhall/snowflake';
import type { TraceContext, Tracer } from '@guildhall/telemetry';

export interface UserTopics {
  /**
   * Closes a private channel for the actor, in the actor's own topic, under the same command id.
   * Rejects as callOwner does.
   */
  closePrivateChannel(
    request: DeleteChannelRequest,
    trace: TraceContext | undefined,
  ): Promise<JsonReply>;
}

/** User topics over the bus. */
export function busUserTopics(bus: Bus, tracer: Tracer): UserTopics {
  return {
    closePrivateChannel({ command, channelId }, trace) {
      const actorId = command?.actorId ?? 0n;
      const request = { command: { ...command!, topicId: actorId }, channelId };
      const { deleteChannel } = Guilds.method;
      return callOwner(bus, deleteChannel, partitionOf(actorId), request, { trace, tracer });
    },
  };
}
