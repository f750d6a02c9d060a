// The messages of an interaction that was answered: the first one (`@original`), and those that
// follow it. Paths are those of webhooks, the token is the interaction's.
import { refuse } from '@guildhall/contracts';
import { timestampOf, type Snowflake } from '@guildhall/snowflake';
import { AnswerType } from '../domain/interaction-body.js';
import { editMessageBody, responseBody } from '../domain/message-body.js';
import type { Ports, StoredInteraction } from '../domain/ports.js';
import type { Events } from '../events.js';
import { DONE, json } from './answer.js';
import { Responses } from './responses.js';
import { route, type Route } from './route.js';

const BASE = '/webhooks/:application_id/:interaction_token';
const ORIGINAL = `${BASE}/messages/@original`;
const ONE = `${BASE}/messages/:message_id`;

/** `/webhooks/{application}/{token}`. */
export function responseRoutes(ports: Ports, events: Events): Route[] {
  return [
    route({
      method: 'POST',
      path: BASE,
      who: 'anyone',
      body: responseBody,
      takesFiles: true,
      async answer(ask) {
        const interaction = await answered(ports, ask.params);
        const message = await new Responses(ports, events, ask, interaction).follow(ask.body);
        return json(message.json);
      },
    }),
    // The two differ only in where the id comes from.
    ...messageRoutesAt(ORIGINAL as typeof ONE, ports, events),
    ...messageRoutesAt(ONE, ports, events),
  ];
}

function messageRoutesAt(path: typeof ONE, ports: Ports, events: Events): Route[] {
  return [
    route({
      method: 'GET',
      path,
      who: 'anyone',
      async answer(ask) {
        const interaction = await answered(ports, ask.params);
        const responses = new Responses(ports, events, ask, interaction);
        return json(await responses.read(messageOf(interaction, ask.params)));
      },
    }),
    route({
      method: 'PATCH',
      path,
      who: 'anyone',
      body: editMessageBody,
      takesFiles: true,
      async answer(ask) {
        const interaction = await answered(ports, ask.params);
        const responses = new Responses(ports, events, ask, interaction);
        const changed = await responses.change(messageOf(interaction, ask.params), ask.body);
        return json(changed.json);
      },
    }),
    route({
      method: 'DELETE',
      path,
      who: 'anyone',
      async answer(ask) {
        const interaction = await answered(ports, ask.params);
        const responses = new Responses(ports, events, ask, interaction);
        await responses.remove(messageOf(interaction, ask.params));
        return DONE;
      },
    }),
  ];
}

interface TokenParams {
  readonly application_id: Snowflake;
  readonly interaction_token: string;
}

/**
 * The interaction of the token. Refused with 50027 if the token is nobody's or its time is over,
 * with 10015 until the interaction has been answered.
 */
async function answered(ports: Ports, params: TokenParams): Promise<StoredInteraction> {
  const found = await ports.interactions.byToken(params.interaction_token);
  if (found === undefined || found.applicationId !== params.application_id) {
    throw refuse('InvalidWebhookToken');
  }
  const ageMs = ports.clock.nowMs() - timestampOf(found.id);
  if (ageMs > ports.interactionTtlMs) throw refuse('InvalidWebhookToken');
  if (found.answerType === AnswerType.None) throw refuse('UnknownWebhook');
  return found;
}

/** The message a path is about; without an id, the first. */
function messageOf(
  { originalMessageId }: StoredInteraction,
  { message_id: id }: { readonly message_id?: Snowflake },
): Snowflake {
  const messageId = id ?? originalMessageId;
  if (messageId === 0n) throw refuse('UnknownMessage');
  return messageId;
}
