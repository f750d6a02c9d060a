// The messages of an interaction that was answered: the first one (`@original`), and those that
// follow it. Paths are those of webhooks, the token is the interaction's.
import { refuse } from '@guildhall/contracts';
import { timestampOf, type Snowflake } from '@guildhall/snowflake';
import { AnswerType } from '../domain/interaction-body.js';
import { editMessageBody, responseBody } from '../domain/message-body.js';
import type { Ports, StoredInteraction } from '../domain/ports.js';
import { Findings, INVALID, refuseFields, snowflake } from '../domain/validation.js';
import type { Events } from '../events.js';
import { DONE, json } from './answer.js';
import { Responses } from './responses.js';
import { route, type Route } from './route.js';

const BASE = '/webhooks/:application_id/:interaction_token';
// Libraries send `@original` percent-encoded: it is a parameter like any other, and no path.
const ONE = `${BASE}/messages/:message`;
const ORIGINAL = '@original';

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
    route({
      method: 'GET',
      path: ONE,
      who: 'anyone',
      async answer(ask) {
        const interaction = await answered(ports, ask.params);
        const responses = new Responses(ports, events, ask, interaction);
        return json(await responses.read(messageOf(interaction, ask.params)));
      },
    }),
    route({
      method: 'PATCH',
      path: ONE,
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
      path: ONE,
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

/** The message a path is about. Refused with 10008 if there is no first one. */
function messageOf(
  { originalMessageId }: StoredInteraction,
  { message }: { readonly message: string },
): Snowflake {
  const findings = new Findings();
  const id =
    message === ORIGINAL ? originalMessageId : snowflake().run(message, ['message_id'], findings);
  if (id === INVALID) throw refuseFields(findings.errors);
  if (id === 0n) throw refuse('UnknownMessage');
  return id;
}
