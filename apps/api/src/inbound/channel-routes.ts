// Channels of guilds, and private channels where the address is the same.
import { Guilds } from '@guildhall/contracts';
import {
  channelFields,
  createChannelBody,
  modifyChannelBody,
  moveChannelsBody,
  overwriteBody,
  overwriteTypeOf,
} from '../domain/channel-body.js';
import { patch } from '../domain/patch.js';
import { DONE, json } from './answer.js';
import { route, type Route } from './route.js';

/** The routes of `/guilds/{guild}/channels` and `/channels/{channel}`. */
export function channelRoutes(): Route[] {
  return [
    route({
      method: 'GET',
      path: '/guilds/:guild_id/channels',
      who: 'users',
      async answer({ params, query_, owner }) {
        const reply = await owner(Guilds.method.listChannels, params.guild_id, {
          command: query_(params.guild_id),
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'POST',
      path: '/guilds/:guild_id/channels',
      who: 'users',
      body: createChannelBody,
      async answer({ params, body, command, owner }) {
        const reply = await owner(Guilds.method.createChannel, params.guild_id, {
          command: command(params.guild_id),
          fields: channelFields(body),
        });
        return json(reply.json, 201);
      },
    }),
    route({
      method: 'PATCH',
      path: '/guilds/:guild_id/channels',
      who: 'users',
      body: moveChannelsBody,
      async answer({ params, body, command, owner }) {
        await owner(Guilds.method.moveChannels, params.guild_id, {
          command: command(params.guild_id),
          positions: body.map((move) => ({
            channelId: move.id,
            lockPermissions: move.lock_permissions,
            ...patch('position', move.position ?? undefined, 0),
            ...patch('parentId', move.parent_id, 0n),
          })),
        });
        return DONE;
      },
    }),
    route({
      method: 'GET',
      path: '/channels/:channel_id',
      who: 'users',
      async answer({ params, query_, owner }) {
        const reply = await owner(Guilds.method.getChannel, params.channel_id, {
          command: query_(),
          channelId: params.channel_id,
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'PATCH',
      path: '/channels/:channel_id',
      who: 'users',
      body: modifyChannelBody,
      async answer({ params, body, command, owner }) {
        const reply = await owner(Guilds.method.modifyChannel, params.channel_id, {
          command: command(),
          channelId: params.channel_id,
          fields: channelFields(body),
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'DELETE',
      path: '/channels/:channel_id',
      who: 'users',
      async answer({ params, command, owner }) {
        const reply = await owner(Guilds.method.deleteChannel, params.channel_id, {
          command: command(),
          channelId: params.channel_id,
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'PUT',
      path: '/channels/:channel_id/permissions/:overwrite_id',
      who: 'users',
      body: overwriteBody,
      async answer({ params, body, command, owner }) {
        await owner(Guilds.method.putOverwrite, params.channel_id, {
          command: command(),
          channelId: params.channel_id,
          overwrite: {
            id: params.overwrite_id,
            type: overwriteTypeOf(body.type),
            allow: body.allow,
            deny: body.deny,
          },
        });
        return DONE;
      },
    }),
    route({
      method: 'DELETE',
      path: '/channels/:channel_id/permissions/:overwrite_id',
      who: 'users',
      async answer({ params, command, owner }) {
        await owner(Guilds.method.deleteOverwrite, params.channel_id, {
          command: command(),
          channelId: params.channel_id,
          overwriteId: params.overwrite_id,
        });
        return DONE;
      },
    }),
  ];
}
