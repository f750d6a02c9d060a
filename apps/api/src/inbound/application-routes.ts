// Applications and their bots: made and changed by the people who own them, looked at by the bots
// themselves.
import { refuse, Topics } from '@guildhall/contracts';
import type { Snowflake } from '@guildhall/snowflake';
import {
  changeApplicationBody,
  createApplicationBody,
  IMAGE_BODY_BYTES_MAX,
} from '../domain/account-body.js';
import { changedFlags } from '../domain/application-flags.js';
import type { Application, ApplicationChange, Ports, UserInit } from '../domain/ports.js';
import { applicationJson, publicUser } from '../domain/user-json.js';
import type { Checked } from '../domain/validation.js';
import type { Events } from '../events.js';
import { json, type Answer } from './answer.js';
import { route, type Ask, type Route } from './route.js';

/** The routes of applications. */
export function applicationRoutes(ports: Ports, events: Events): Route[] {
  const { accounts, applications } = ports;
  return [
    route({
      method: 'POST',
      path: '/applications',
      who: 'people',
      body: createApplicationBody,
      async answer({ body, user }) {
        const made = await applications.create(user.id, body.name);
        return json(await shown(ports, made, user), 201);
      },
    }),
    route({
      method: 'GET',
      path: '/applications',
      who: 'people',
      async answer({ user }) {
        const owned = await applications.ownedBy(user.id);
        return json(await Promise.all(owned.map((one) => shown(ports, one, user))));
      },
    }),
    ...['/applications/@me', '/oauth2/applications/@me'].map((path) =>
      route({
        method: 'GET',
        path,
        who: 'bots',
        async answer({ identity }) {
          const own = await applications.byId(identity.applicationId);
          if (own === undefined) throw refuse('UnknownApplication');
          return json(await shown(ports, own, await accounts.userById(own.ownerId)));
        },
      }),
    ),
    route({
      method: 'PATCH',
      path: '/applications/@me',
      who: 'bots',
      body: changeApplicationBody,
      bodyBytesMax: IMAGE_BODY_BYTES_MAX,
      async answer({ identity, body }) {
        const own = await applications.byId(identity.applicationId);
        if (own === undefined) throw refuse('UnknownApplication');
        return change(ports, own, body, await accounts.userById(own.ownerId));
      },
    }),
    route({
      method: 'GET',
      path: '/applications/:application_id',
      who: 'people',
      async answer({ params, user }) {
        const own = await ownedBy(ports, params.application_id, user.id);
        return json(await shown(ports, own, user));
      },
    }),
    route({
      method: 'PATCH',
      path: '/applications/:application_id',
      who: 'people',
      body: changeApplicationBody,
      bodyBytesMax: IMAGE_BODY_BYTES_MAX,
      async answer({ params, body, user }) {
        return change(ports, await ownedBy(ports, params.application_id, user.id), body, user);
      },
    }),
    // Every application has its bot from the start: asking for it again changes nothing, not even
    // the token.
    route({
      method: 'POST',
      path: '/applications/:application_id/bot',
      who: 'people',
      async answer({ params, user }) {
        const own = await ownedBy(ports, params.application_id, user.id);
        const bot = await accounts.userById(own.id);
        if (bot === undefined) throw refuse('UnknownUser');
        return json(publicUser(bot));
      },
    }),
    route({
      method: 'POST',
      path: '/applications/:application_id/bot/reset',
      who: 'people',
      answer: (ask) => resetToken(ask, ports, events),
    }),
  ];
}

/** An application that is this person's; anybody else's does not exist. */
export async function ownedBy(
  { applications }: Ports,
  id: Snowflake,
  ownerId: Snowflake,
): Promise<Application> {
  const found = await applications.byId(id);
  if (found === undefined || found.ownerId !== ownerId) throw refuse('UnknownApplication');
  return found;
}

async function shown(
  { accounts }: Ports,
  application: Application,
  owner: UserInit | undefined,
): Promise<object> {
  return applicationJson(application, await accounts.userById(application.id), owner);
}

async function change(
  ports: Ports,
  own: Application,
  body: Checked<typeof changeApplicationBody>,
  owner: UserInit | undefined,
): Promise<Answer> {
  const wanted: { -readonly [K in keyof ApplicationChange]: ApplicationChange[K] } = {};
  if (body.name !== undefined) wanted.name = body.name;
  if (body.description !== undefined) wanted.description = body.description ?? '';
  if (body.flags !== undefined) wanted.flags = changedFlags(own.flags, body.flags);
  if (body.bot_public !== undefined) wanted.isBotPublic = body.bot_public;
  if (body.icon !== undefined) {
    wanted.icon =
      body.icon === null ? '' : await ports.files.putImage('app-icons', own.id, body.icon);
  }
  const changed = await ports.applications.change(own.id, wanted);
  if (changed === undefined) throw refuse('UnknownApplication');
  return json(await shown(ports, changed, owner));
}

type ResetAsk = Ask<{ readonly application_id: Snowflake }, undefined, undefined>;

/** The old token is dead before its sessions are ended, so none of them can come back. */
async function resetToken(ask: ResetAsk, ports: Ports, events: Events): Promise<Answer> {
  const own = await ownedBy(ports, ask.params.application_id, ask.user.id);
  const token = await ports.accounts.resetBotToken(own.id);
  await ask.owner(Topics.method.endSessions, own.id, { command: ask.command(own.id) });
  events.botTokenReset(ask.trace, own.id);
  return json({ token });
}
