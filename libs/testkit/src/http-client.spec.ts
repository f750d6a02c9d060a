import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { TestApi } from './http-client.js';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
type Answer = (response: ServerResponse) => void;

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };

describe('TestApi', () => {
  let server: Server;
  let api: TestApi;
  let seen: Seen[];
  let answers: Answer[];

  beforeAll(async () => {
    server = createServer((request, response) => {
      void text(request).then((body) => {
        const { method = '', url = '', headers } = request;
        seen.push({ method, url, headers, body });
        (answers.shift() ?? json(200, { ok: true }))(response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    api = new TestApi({ baseUrl: `http://127.0.0.1:${port}/api/v10`, token: 'a.b.c' });
  });

  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  beforeEach(() => {
    seen = [];
    answers = [];
  });

  it('asks with the token, the query and the reason it is given', async () => {
    const { status, body } = await api.get<{ ok: boolean }>('/channels/1/messages', {
      query: { limit: 5, after: '17' },
      headers: { 'x-audit-log-reason': 'test' },
    });
    expect([status, body.ok]).toEqual([200, true]);
    expect(seen[0]).toMatchObject({
      method: 'GET',
      url: '/api/v10/channels/1/messages?limit=5&after=17',
      headers: { authorization: 'Bot a.b.c', 'x-audit-log-reason': 'test' },
      body: '',
    });
    expect(seen[0]!.headers['content-type']).toBeUndefined();
  });

  it('sends bodies as JSON under each verb', async () => {
    await api.post('/a', { x: 1 });
    await api.patch('/b', [2]);
    await api.put('/c');
    await api.delete('/d');
    expect(seen.map(({ method, body }) => [method, body])).toEqual([
      ['POST', '{"x":1}'],
      ['PATCH', '[2]'],
      ['PUT', ''],
      ['DELETE', ''],
    ]);
    expect(seen[0]!.headers['content-type']).toBe('application/json');
  });

  it('sends text and bytes as they are, to try what is not JSON', async () => {
    await api.post('/a', '{"x":');
    await api.post('/a', new Uint8Array([0x7b, 0x7d]));
    expect(seen.map(({ body }) => body)).toEqual(['{"x":', '{}']);
  });

  it('speaks as a bot, a user, with a bearer token, and as nobody', async () => {
    await api.as('u').get('/');
    await api.as('u', 'user').get('/');
    await api.as('u', 'bearer').get('/');
    await api.as(undefined).get('/');
    expect(seen.map(({ headers }) => headers.authorization)).toEqual([
      'Bot u',
      'u',
      'Bearer u',
      undefined,
    ]);
  });

  it('sends files as a form with payload_json', async () => {
    await api.post(
      '/channels/1/messages',
      { content: 'look' },
      { files: [{ name: 'a.txt', bytes: 'hello', contentType: 'text/plain' }] },
    );
    const { headers, body } = seen[0]!;
    expect(headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
    expect(body).toContain('name="payload_json"\r\n\r\n{"content":"look"}\r\n');
    expect(body).toContain(
      'name="files[0]"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nhello',
    );
  });

  it('gives every status, its headers and its body', async () => {
    answers.push(
      json(404, { code: 10003 }, { 'x-ratelimit-remaining': '4' }),
      (response) => response.writeHead(204).end(),
      (response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('pong'),
      (response) => response.writeHead(302, { location: '/elsewhere' }).end(),
    );
    const missing = await api.get('/channels/9');
    expect([missing.status, missing.body]).toEqual([404, { code: 10003 }]);
    expect(missing.headers.get('x-ratelimit-remaining')).toBe('4');
    expect((await api.get('/')).body).toBeUndefined();
    expect((await api.get('/')).body).toBe('pong');
    expect((await api.get('/')).status).toBe(302);
  });

  it('says which request was answered with broken JSON', async () => {
    answers.push((response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"a":');
    });
    await expect(api.get('/x')).rejects.toThrow('GET /x answered 200 with JSON that is none');
  });

  it('rejects when no answer comes', async () => {
    answers.push(() => undefined);
    await expect(api.get('/', { timeoutMs: 50 })).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  it('hands on a 429 unless it is patient', async () => {
    answers.push(json(429, { retry_after: 0.01 }, { 'retry-after': '0.01' }));
    expect((await api.get('/')).status).toBe(429);
    expect(seen).toHaveLength(1);
  });

  it('waits out 429s for as long as they say', async () => {
    answers.push(json(429, {}, { 'retry-after': '0.05' }), json(429, {}, { 'retry-after': '0' }));
    const startedMs = performance.now();
    const { status } = await api.post('/', { n: 1 }, { patient: true });
    expect(status).toBe(200);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(49);
    expect(seen.map(({ body }) => body)).toEqual(['{"n":1}', '{"n":1}', '{"n":1}']);
  });

  it('does not wait for a 429 that says nothing, or hours', async () => {
    answers.push(json(429, {}), json(429, {}, { 'retry-after': '3600' }));
    expect((await api.get('/', { patient: true })).status).toBe(429);
    expect((await api.get('/', { patient: true })).status).toBe(429);
    expect(seen).toHaveLength(2);
  });
});
