// HTTP requests that are wrong, and what is answered: the second table of the stories of bad input.

import type { RequestOptions } from '@guildhall/testkit';

/** `me`: with a person's token, `nobody`: without, `liar`: with one of nobody's. */
export type Asker = 'me' | 'nobody' | 'liar';

/** `C` in the path is a channel of the asker's, `M` a message there, `G` the guild. */
export type BadRequest = readonly [
  what: string,
  who: Asker,
  request: `${string} ${string}`,
  body: unknown,
  answer: `${number} ${number}`,
  options?: RequestOptions,
];

const NO_FORM = '400 50035';
const SAY = 'POST /channels/C/messages';
const TOO_MANY_FILES = Array.from({ length: 11 }, (_, at) => ({ name: `${at}.txt`, bytes: 'x' }));
const form = (boundary: string): RequestOptions => ({
  headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
});
const part = (head: string, content: string, end = '\r\n--b--\r\n'): Buffer =>
  Buffer.from(`--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n${content}${end}`);

export const BAD_REQUESTS: readonly BadRequest[] = [
  // Who asks
  ['no token', 'nobody', 'GET /users/@me', undefined, '401 0'],
  ['a token of nobody', 'liar', 'GET /users/@me', undefined, '401 0'],
  ['a token of nobody, to write', 'liar', SAY, { content: 'x' }, '401 0'],
  [
    'a token too long to be one',
    'nobody',
    'GET /users/@me',
    undefined,
    '401 0',
    { headers: { authorization: 'x'.repeat(5_000) } },
  ],
  ['a wrong password', 'nobody', 'POST /auth/login', { login: 'x', password: 'y' }, NO_FORM],

  // Where to
  ['a route there is not', 'me', 'GET /nowhere', undefined, '404 0'],
  ['a route that is only read', 'me', 'DELETE /gateway', undefined, '405 0'],
  ['an id in words', 'me', 'GET /channels/general', undefined, NO_FORM],
  ['an id below zero', 'me', 'GET /channels/-1', undefined, NO_FORM],
  ['an id past 64 bits', 'me', 'GET /guilds/99999999999999999999', undefined, NO_FORM],
  ['an id with a fraction', 'me', 'GET /channels/C/messages/1.5', undefined, NO_FORM],
  ['an id of nothing', 'me', 'GET /channels/817000000000000001', undefined, '404 10003'],
  [
    'a message of nothing',
    'me',
    'GET /channels/C/messages/817000000000000001',
    undefined,
    '404 10008',
  ],
  ['an invite in words', 'me', 'POST /invites/nonsense', {}, '404 10006'],
  [
    'an emoji in words',
    'me',
    'PUT /channels/C/messages/M/reactions/smile/@me',
    undefined,
    '400 10014',
  ],
  ['a path that cannot be decoded', 'me', 'GET /channels/%zz', undefined, '400 0'],
  ['limit 0', 'me', 'GET /channels/C/messages?limit=0', undefined, NO_FORM],
  ['limit 101', 'me', 'GET /channels/C/messages?limit=101', undefined, NO_FORM],
  ['a limit in words', 'me', 'GET /channels/C/messages?limit=all', undefined, NO_FORM],
  ['before a word', 'me', 'GET /channels/C/messages?before=now', undefined, NO_FORM],

  // Bodies
  ['half a body', 'me', SAY, '{"content":', '400 50109'],
  ['a body that is no JSON', 'me', SAY, 'content=x', '400 50109'],
  ['a body that is an array', 'me', SAY, [], NO_FORM],
  ['a body that is null', 'me', SAY, 'null', '400 50006'],
  ['no body', 'me', SAY, undefined, '400 50006'],
  ['nothing to say', 'me', SAY, { content: '' }, '400 50006'],
  ['content that is an object', 'me', SAY, { content: { a: 1 } }, NO_FORM],
  ['2,001 letters', 'me', SAY, { content: 'x'.repeat(2_001) }, NO_FORM],
  ['embeds that are text', 'me', SAY, { embeds: 'x' }, NO_FORM],
  ['11 embeds', 'me', SAY, { embeds: Array.from({ length: 11 }, () => ({ title: 'x' })) }, NO_FORM],
  ['an embed with a title too long', 'me', SAY, { embeds: [{ title: 'x'.repeat(257) }] }, NO_FORM],
  ['a nonce too long', 'me', SAY, { content: 'x', nonce: 'x'.repeat(26) }, NO_FORM],
  ['mentions of words', 'me', SAY, { content: 'x', allowed_mentions: { users: ['x'] } }, NO_FORM],
  [
    'a reply to a word',
    'me',
    SAY,
    { content: 'x', message_reference: { message_id: 'x' } },
    NO_FORM,
  ],
  ['permissions in words', 'me', 'POST /guilds/G/roles', { permissions: 'all' }, NO_FORM],
  ['a channel without a name', 'me', 'POST /guilds/G/channels', {}, NO_FORM],
  ['a channel of no type', 'me', 'POST /guilds/G/channels', { name: 'x', type: 99 }, NO_FORM],
  ['a guild without a name', 'me', 'POST /guilds', { name: '' }, NO_FORM],
  ['a body of text', 'me', SAY, 'hello', NO_FORM, { headers: { 'content-type': 'text/plain' } }],
  ['two megabytes', 'me', SAY, { content: 'x'.repeat(2 * 1024 * 1024) }, '413 40005'],
  ['a registration of nothing', 'nobody', 'POST /auth/register', {}, NO_FORM],

  // Forms
  ['a form without a boundary', 'me', SAY, part('name="content"', 'x'), '400 0', form('')],
  ['a form with another boundary', 'me', SAY, part('name="content"', 'x'), '400 0', form('c')],
  ['half a form', 'me', SAY, part('name="files[0]"; filename="a"', 'x', ''), '400 0', form('b')],
  ['a form of noise', 'me', SAY, Buffer.from('00ff00ff0d0a', 'hex'), '400 0', form('b')],
  [
    'a form whose payload is no JSON',
    'me',
    SAY,
    part('name="payload_json"', '{'),
    '400 50109',
    form('b'),
  ],
  ['11 files', 'me', SAY, {}, '413 40005', { files: TOO_MANY_FILES }],
  [
    'a file too large',
    'me',
    SAY,
    {},
    '413 40005',
    { files: [{ name: 'a', bytes: 'x'.repeat(300_000) }] },
  ],
];
