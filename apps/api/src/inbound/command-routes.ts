// Slash commands: registered by a bot, or by the person who owns it.
import { refuse, Topics } from '@guildhall/contracts';
import type { Snowflake } from '@guildhall/snowflake';
import {
  changeCommandBody,
  commandBody,
  commandsBody,
  commandText,
  merged,
  type CommandBody,
} from '../domain/command-body.js';
import type { Ports, StoredCommand } from '../domain/ports.js';
import { Findings, INVALID, refuseFields } from '../domain/validation.js';
import { DONE, json } from './answer.js';
import { route, type Ask, type Route } from './route.js';

const GLOBAL = '/applications/:application_id/commands';
const OF_GUILD = '/applications/:application_id/guilds/:guild_id/commands';
const BODY_BYTES_MAX = 2 * 1024 * 1024;

type ScopeAsk = Ask<
  { readonly application_id: Snowflake; readonly guild_id?: Snowflake },
  unknown,
  unknown
>;

/** Global commands and those of one guild. */
export function commandRoutes(ports: Ports): Route[] {
  return [...commandRoutesAt(GLOBAL, ports), ...commandRoutesAt(OF_GUILD as typeof GLOBAL, ports)];
}

function commandRoutesAt(base: typeof GLOBAL, ports: Ports): Route[] {
  const { commands, mintId } = ports;
  const one = `${base}/:command_id` as const;
  return [
    route({
      method: 'GET',
      path: base,
      who: 'users',
      async answer(ask) {
        const { applicationId, guildId } = await scopeOf(ask, ports);
        return json((await commands.list(applicationId, guildId)).map(commandJson));
      },
    }),
    route({
      method: 'POST',
      path: base,
      who: 'users',
      body: commandBody,
      async answer(ask) {
        const scope = await scopeOf(ask, ports);
        const made = await commands.put(stored(scope, mintId(), mintId(), ask.body));
        return json(commandJson(made.command), made.isNew ? 201 : 200);
      },
    }),
    route({
      method: 'PUT',
      path: base,
      who: 'users',
      body: commandsBody,
      bodyBytesMax: BODY_BYTES_MAX,
      async answer(ask) {
        const scope = await scopeOf(ask, ports);
        const all = ask.body.map((body) => stored(scope, mintId(), mintId(), body));
        const kept = await commands.replaceAll(scope.applicationId, scope.guildId, all);
        return json(kept.map(commandJson));
      },
    }),
    route({
      method: 'GET',
      path: one,
      who: 'users',
      async answer(ask) {
        const { applicationId, guildId } = await scopeOf(ask, ports);
        const found = await commands.byId(applicationId, guildId, ask.params.command_id);
        if (found === undefined) throw refuse('UnknownApplicationCommand');
        return json(commandJson(found));
      },
    }),
    route({
      method: 'PATCH',
      path: one,
      who: 'users',
      body: changeCommandBody,
      async answer(ask) {
        const scope = await scopeOf(ask, ports);
        const id = ask.params.command_id;
        const found = await commands.byId(scope.applicationId, scope.guildId, id);
        if (found === undefined) throw refuse('UnknownApplicationCommand');
        const findings = new Findings();
        const body = merged(found, ask.body, findings);
        if (body === INVALID) throw refuseFields(findings.errors);
        const changed = await commands.change(stored(scope, id, mintId(), body));
        if (changed === undefined) throw refuse('UnknownApplicationCommand');
        if (changed === 'taken') throw refuseTakenName();
        return json(commandJson(changed));
      },
    }),
    route({
      method: 'DELETE',
      path: one,
      who: 'users',
      async answer(ask) {
        const { applicationId, guildId } = await scopeOf(ask, ports);
        const isGone = await commands.remove(applicationId, guildId, ask.params.command_id);
        if (!isGone) throw refuse('UnknownApplicationCommand');
        return DONE;
      },
    }),
  ];
}

interface Scope {
  readonly applicationId: Snowflake;
  readonly guildId: Snowflake;
}

/** Whose commands, where; refused unless they are the asker's to see and change. */
async function scopeOf(ask: ScopeAsk, { applications }: Ports): Promise<Scope> {
  const { params, identity, user, owner, query_ } = ask;
  const applicationId = params.application_id;
  const guildId = params.guild_id ?? 0n;
  const isOwn = user.bot
    ? identity.applicationId === applicationId
    : (await applications.byId(applicationId))?.ownerId === user.id;
  if (!isOwn) throw refuse(user.bot ? 'MissingAccess' : 'UnknownApplication');
  // A bot registers commands where it is; its owner may prepare them before.
  if (user.bot && guildId !== 0n) {
    await owner(Topics.method.getUserGuild, guildId, { command: query_(guildId) });
  }
  return { applicationId, guildId };
}

function stored(scope: Scope, id: Snowflake, version: Snowflake, body: CommandBody): StoredCommand {
  const { type, name, ...rest } = body;
  return { ...scope, id, version, type, name, bodyJson: commandText({ name, ...rest }) };
}

/** A command as the API shows it. */
export function commandJson(command: StoredCommand) {
  const body = JSON.parse(command.bodyJson) as Record<string, unknown>;
  return {
    default_member_permissions: null,
    name_localizations: null,
    description_localizations: null,
    dm_permission: true,
    contexts: null,
    integration_types: [0],
    nsfw: false,
    ...body,
    id: String(command.id),
    application_id: String(command.applicationId),
    version: String(command.version),
    type: command.type,
    name: command.name,
    ...(command.guildId === 0n ? {} : { guild_id: String(command.guildId) }),
  };
}

function refuseTakenName(): Error {
  const message = 'Application command names must be unique';
  return refuseFields([{ path: ['name'], code: 'APPLICATION_COMMANDS_DUPLICATE_NAME', message }]);
}
