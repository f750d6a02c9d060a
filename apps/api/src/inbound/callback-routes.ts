// A bot answers an interaction, once and soon. Who has the token is the bot: no other is asked for.
import { refuse, refuseField } from '@guildhall/contracts';
import { timestampOf, type Snowflake } from '@guildhall/snowflake';
import { AnswerType, answersTo, callbackBody, type Callback } from '../domain/interaction-body.js';
import type { InteractionAnswer, Ports, StoredInteraction } from '../domain/ports.js';
import { applicationJson } from '../domain/user-json.js';
import { boolean, object, withDefault } from '../domain/validation.js';
import type { Events } from '../events.js';
import { DONE, json } from './answer.js';
import { Responses, type ResponseMessage } from './responses.js';
import { route, type Route } from './route.js';

/** POST /interactions/{id}/{token}/callback. */
export function callbackRoutes(ports: Ports, events: Events): Route[] {
  return [
    route({
      method: 'POST',
      path: '/interactions/:interaction_id/:interaction_token/callback',
      who: 'anyone',
      query: object({ with_response: withDefault(boolean(), false) }),
      body: callbackBody,
      takesFiles: true,
      async answer(ask) {
        const { params, body, query } = ask;
        const interaction = await waiting(ports, params.interaction_id, params.interaction_token);
        const { id, type, sourceMessageId } = interaction;
        const allowed = answersTo(type, sourceMessageId !== 0n);
        if (!allowed.includes(body.type)) {
          const message = `Value must be one of (${allowed.join(', ')}).`;
          throw refuseField(['type'], 'BASE_TYPE_CHOICES', message);
        }
        const responses = new Responses(ports, events, ask, interaction);
        const message = await respond(responses, interaction, body, ports);
        // What was done is the same for whoever comes twice; only one of them is told so.
        const isFirst = await ports.interactions.answer(id, answerOf(interaction, body, message));
        if (!isFirst) throw refuse('AlreadyAcknowledged');
        if (isSilent(body.type)) responses.acknowledge();
        return query.with_response ? json(shown(interaction, body, message)) : DONE;
      },
    }),
  ];
}

/** The interaction, if it still waits. Refused with 10062 if it is too late, 40060 if answered. */
async function waiting(ports: Ports, id: Snowflake, token: string): Promise<StoredInteraction> {
  const { interactions, clock, interactionAnswerMs, interactionTtlMs } = ports;
  const found = await interactions.byToken(token);
  if (found === undefined || found.id !== id) throw refuse('UnknownInteraction');
  const ageMs = clock.nowMs() - timestampOf(id);
  if (ageMs > interactionTtlMs) throw refuse('UnknownInteraction');
  if (found.answerType !== AnswerType.None) throw refuse('AlreadyAcknowledged');
  if (ageMs > interactionAnswerMs) throw refuse('UnknownInteraction');
  return found;
}

async function respond(
  responses: Responses,
  interaction: StoredInteraction,
  body: Callback,
  ports: Ports,
): Promise<ResponseMessage | undefined> {
  const { nonce } = interaction;
  const nonceField = nonce === '' ? {} : { nonce };
  switch (body.type) {
    case AnswerType.Pong:
    case AnswerType.DeferredUpdate:
      return undefined;
    case AnswerType.Message:
      return responses.first(body.data);
    case AnswerType.DeferredMessage:
      return responses.loading(body.isEphemeral);
    case AnswerType.Update:
      return responses.change(interaction.sourceMessageId, body.data, { isFirst: true });
    case AnswerType.Choices: {
      const type = 'APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE';
      await responses.tell(type, { ...body.data, ...nonceField }, { isTransient: true });
      return undefined;
    }
    case AnswerType.Modal: {
      const application = await ports.applications.byId(interaction.applicationId);
      const data = {
        id: String(interaction.id),
        channel_id: String(interaction.channelId),
        ...(application === undefined
          ? {}
          : { application: applicationJson(application, undefined, undefined) }),
        custom_id: body.data.custom_id,
        title: body.data.title,
        components: JSON.parse(body.data.components) as object[],
        ...nonceField,
      };
      await responses.tell('INTERACTION_MODAL_CREATE', data, { isTransient: false });
      return undefined;
    }
  }
}

function answerOf(
  { sourceMessageId }: StoredInteraction,
  body: Callback,
  message: ResponseMessage | undefined,
): InteractionAnswer {
  const isUpdate = body.type === AnswerType.DeferredUpdate || body.type === AnswerType.Update;
  return {
    answerType: body.type,
    originalMessageId: isUpdate ? sourceMessageId : (message?.id ?? 0n),
    isLoading: body.type === AnswerType.DeferredMessage,
    modalCustomId: body.type === AnswerType.Modal ? body.data.custom_id : '',
  };
}

/** Whether the person's client cannot tell from anything else that the bot has heard. */
function isSilent(type: number): boolean {
  return type !== AnswerType.Choices && type !== AnswerType.Modal;
}

function shown(
  interaction: StoredInteraction,
  body: Callback,
  message: ResponseMessage | undefined,
): object {
  const { id, type } = interaction;
  return {
    interaction: {
      id: String(id),
      type,
      ...(message === undefined
        ? {}
        : {
            response_message_id: String(message.id),
            response_message_loading: body.type === AnswerType.DeferredMessage,
            response_message_ephemeral: message.isEphemeral,
          }),
    },
    resource: {
      type: body.type,
      ...(message === undefined
        ? {}
        : { message: JSON.parse(Buffer.from(message.json).toString()) as object }),
    },
  };
}
