// Users, and what belongs to whoever asks: its account, guilds, private channels.
import { Guilds, refuse, Topics } from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import type { Snowflake } from '@guildhall/snowflake';
import { changeUserBody, IMAGE_BODY_BYTES_MAX, username } from '../domain/account-body.js';
import type { AccountChange, Ports } from '../domain/ports.js';
import { ownUser, publicUser } from '../domain/user-json.js';
import {
  boolean,
  checked,
  integer,
  list,
  object,
  optionalOrNull,
  refuseFields,
  snowflake,
  withDefault,
  type Checked,
} from '../domain/validation.js';
import { DONE, json, jsonArray, type Answer } from './answer.js';
import { inBatches } from './in-batches.js';
import { refuseTaken } from './auth-routes.js';
import { route, type Ask, type Route } from './route.js';

/** Guilds are asked this many at once for a list of them. */
const GUILDS_AT_ONCE = 16;

const guildsQuery = object({
  limit: withDefault(integer({ min: 1, max: 200 }), 200),
  before: optionalOrNull(snowflake()),
  after: optionalOrNull(snowflake()),
  with_counts: withDefault(boolean(), false),
});

/** The routes under `/users`. */
export function userRoutes(ports: Ports): Route[] {
  const { accounts } = ports;
  return [
    route({
      method: 'GET',
      path: '/users/@me',
      who: 'users',
      answer: async ({ user, identity }) => json(ownUser(user, identity.email)),
    }),
    route({
      method: 'PATCH',
      path: '/users/@me',
      who: 'users',
      body: changeUserBody,
      bodyBytesMax: IMAGE_BODY_BYTES_MAX,
      answer: (ask) => changeUser(ask, ports),
    }),
    route({
      method: 'GET',
      path: '/users/:user_id',
      who: 'users',
      async answer({ params }) {
        const user = await accounts.userById(params.user_id);
        if (user === undefined) throw refuse('UnknownUser');
        return json(publicUser(user));
      },
    }),
    route({
      method: 'GET',
      path: '/users/@me/guilds',
      who: 'users',
      query: guildsQuery,
      answer: listGuilds,
    }),
    route({
      method: 'DELETE',
      path: '/users/@me/guilds/:guild_id',
      who: 'users',
      async answer({ params, user, command, owner }) {
        await owner(Guilds.method.removeMember, params.guild_id, {
          command: command(params.guild_id),
          userId: user.id,
        });
        return DONE;
      },
    }),
    route({
      method: 'GET',
      path: '/users/@me/guilds/:guild_id/member',
      who: 'users',
      async answer({ params, user, query_, owner }) {
        const reply = await owner(Guilds.method.getMember, params.guild_id, {
          command: query_(params.guild_id),
          userId: user.id,
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'GET',
      path: '/users/@me/channels',
      who: 'users',
      async answer({ user, query_, owner }) {
        const command = query_(user.id);
        const reply = await owner(Topics.method.listPrivateChannels, user.id, { command });
        return json(reply.json);
      },
    }),
    route({
      method: 'POST',
      path: '/users/@me/channels',
      who: 'users',
      body: object({
        recipient_id: optionalOrNull(snowflake()),
        recipients: optionalOrNull(list(snowflake(), { max: 10 })),
      }),
      async answer({ body, user, command, owner }) {
        const recipientId = body.recipient_id ?? onlyOne(body.recipients);
        if (recipientId === user.id) throw refuse('InvalidRecipients');
        const recipient = await accounts.userById(recipientId);
        if (recipient === undefined) throw refuse('UnknownUser');
        // Both find the same topic, whoever asks first.
        const topicId = user.id < recipientId ? user.id : recipientId;
        const reply = await owner(Topics.method.openPrivateChannel, topicId, {
          command: command(topicId),
          actor: user,
          recipient,
        });
        return json(reply.json);
      },
    }),
  ];
}

function onlyOne(recipients: readonly Snowflake[] | undefined): Snowflake {
  if (recipients === undefined) {
    const message = 'This field is required';
    throw refuseFields([{ path: ['recipient_id'], code: 'BASE_TYPE_REQUIRED', message }]);
  }
  // Group channels of several people do not exist here.
  if (recipients.length !== 1) throw refuse('InvalidRecipients');
  return recipients[0]!;
}

type GuildsAsk = Ask<object, Checked<typeof guildsQuery>, undefined>;

/** Each guild is asked for its own line; one that is just being left or deleted is passed over. */
async function listGuilds({ query, user, query_, owner }: GuildsAsk): Promise<Answer> {
  const { guildIds } = await owner(Topics.method.listUserGuilds, user.id, {
    command: query_(user.id),
    limit: query.limit,
    before: query.before ?? 0n,
    after: query.after ?? 0n,
  });
  const lines = await inBatches(guildIds, GUILDS_AT_ONCE, async (guildId) => {
    try {
      const command = query_(guildId);
      const request = { command, withCounts: query.with_counts };
      return (await owner(Topics.method.getUserGuild, guildId, request)).json;
    } catch (reason) {
      const fault = Fault.from(reason);
      if (fault.code === FaultCode.NotFound || fault.code === FaultCode.Refused) return undefined;
      throw fault;
    }
  });
  return jsonArray(lines.filter((line) => line !== undefined));
}

type ChangeAsk = Ask<object, undefined, Checked<typeof changeUserBody>>;

async function changeUser(ask: ChangeAsk, { accounts, files }: Ports): Promise<Answer> {
  const { body, user, identity, token } = ask;
  const change: { -readonly [K in keyof AccountChange]: AccountChange[K] } = {};
  if (body.username !== undefined && body.username !== user.username) {
    // A bot is called what its owner likes; a person logs in by the name.
    change.username = user.bot
      ? body.username
      : checked(object({ username }), { username: body.username }).username;
  }
  if (!user.bot) {
    if (body.email !== undefined && body.email !== identity.email) change.email = body.email;
    if (body.new_password !== undefined) change.password = body.new_password;
    const needsPassword =
      change.email !== undefined || change.password !== undefined || change.username !== undefined;
    if (needsPassword && !(await accounts.isPassword(user.id, body.password ?? ''))) {
      const message = 'Password does not match.';
      throw refuseFields([{ path: ['password'], code: 'PASSWORD_DOES_NOT_MATCH', message }]);
    }
  }
  if (body.global_name !== undefined) change.globalName = body.global_name ?? '';
  if (body.avatar !== undefined) {
    change.avatar =
      body.avatar === null ? '' : await files.putImage('avatars', user.id, body.avatar);
  }
  const changed = await accounts.change(user.id, change, token);
  if (typeof changed === 'string') throw refuseTaken(changed);
  const self = ownUser(changed.user, changed.email);
  await ask.owner(Topics.method.updateUser, user.id, {
    command: ask.command(user.id),
    user: changed.user,
    selfJson: Buffer.from(JSON.stringify(self)),
  });
  if (change.password === undefined) return json(self);
  // Whoever knew the old password may still be listening.
  await ask.owner(Topics.method.endSessions, user.id, { command: ask.command(user.id) });
  return json({ ...self, token });
}
