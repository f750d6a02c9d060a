// What the fleet tool prints. Pure: facts in, text out.

import type { FleetFile } from './fleet-file.js';
import type { FleetEvent } from './options.js';

/** One line (a crash: a few) about something that happened. */
export function describeEvent(event: FleetEvent): string {
  switch (event.kind) {
    case 'step':
      return `   ${event.text} (${seconds(event.tookMs)})`;
    case 'ready':
      return `   ${event.name} is ready (${seconds(event.tookMs)}, process ${event.pid})`;
    case 'stopped':
      return `   ${event.name} ended: ${event.reason} (${seconds(event.tookMs)})`;
    case 'gave up':
      return ` ! ${event.name} crashed ${event.crashes} times in a row and stays down`;
    case 'crashed':
      return [
        ` ! ${event.name} crashed (${event.reason}); again in ${seconds(event.backoffMs)}`,
        ...event.lines.map((line) => `     ${line}`),
      ].join('\n');
  }
}

/** What a newcomer needs once the fleet is up: where it is, who to be, a bot that works. */
export function describeFleet(file: FleetFile, dataDir: string): string {
  const [bot] = file.bots;
  const [guild] = file.guilds;
  const [user] = file.users;
  const lines = [
    '',
    '== Guildhall is up',
    `   HTTP API   ${file.api}`,
    `   Gateway    ${file.gateway}`,
    `   Data       ${dataDir} (logs/, and fleet.json with everything below)`,
  ];
  for (const { name, email, password, token } of file.users) {
    lines.push(`   User       ${name}: ${email} / ${password}, token ${token}`);
  }
  if (guild !== undefined) lines.push(`   Guild      ${guild.name} (${guild.id})`);
  if (bot !== undefined) {
    lines.push(
      `   Bot token  ${bot.token}`,
      '',
      'A bot: save as bot.mjs in this folder, then `node bot.mjs`',
      '',
      botSource(file.api, bot.token),
    );
    const channel = guild?.channels[0];
    if (user !== undefined && channel !== undefined) {
      lines.push(
        '',
        `Say something to it as ${user.name}:`,
        '',
        sayPing(file.api, channel.id, user),
      );
    }
  }
  lines.push('', 'Ctrl-C drains the fleet and stops it.', '');
  return lines.join('\n');
}

/** One line for each process of a running fleet, and whether it answers. */
export function describeStatus(file: FleetFile, isReady: ReadonlyMap<string, boolean>): string {
  const rows = file.services.map(({ instance, pid, health }) => {
    const state = isReady.get(instance) === true ? 'ready' : 'NOT READY';
    return `   ${instance.padEnd(16)} ${state.padEnd(10)} process ${pid}, ${health}`;
  });
  return [`   HTTP API ${file.api}`, `   Gateway  ${file.gateway}`, ...rows, ''].join('\n');
}

/** Ten lines of discord.js that log in and answer. */
export function botSource(api: string, token: string): string {
  return `import { Client, Events, GatewayIntentBits } from 'discord.js';
const { Guilds, GuildMessages, MessageContent } = GatewayIntentBits;
const intents = [Guilds, GuildMessages, MessageContent];
const client = new Client({ intents, rest: { api: '${api}' } });

client.once(Events.ClientReady, ({ user }) => console.log(\`logged in as \${user.tag}\`));
client.on(Events.MessageCreate, async (message) => {
  if (message.content === '!ping') await message.reply('pong');
});
await client.login('${token}');`;
}

function sayPing(api: string, channelId: string, user: FleetFile['users'][number]): string {
  return [
    `curl ${api}/v10/channels/${channelId}/messages -d '{"content":"!ping"}' \\`,
    `  -H 'content-type: application/json' -H 'authorization: ${user.token}'`,
  ].join('\n');
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
