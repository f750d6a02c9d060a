import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { createHttpServer, type HttpServerOptions } from './http-server.js';
import type { Phase } from './service-life.js';

describe('createHttpServer', () => {
  const servers: FastifyInstance[] = [];
  const errors: { message: string; fields: object | undefined }[] = [];
  let phase: Phase;

  function server(more: Partial<HttpServerOptions> = {}): FastifyInstance {
    const made = createHttpServer({
      logger: {
        info: () => undefined,
        warn: () => undefined,
        error: (message, fields) => errors.push({ message, fields }),
      },
      metrics: () => 'sessions 3\n',
      isReady: () => phase === 'ready',
      phase: () => phase,
      ...more,
    });
    servers.push(made);
    return made;
  }

  /** Over a real connection: light-my-request is not to be had under Jest's CommonJS. */
  async function ask(from: FastifyInstance, path: string, init?: RequestInit) {
    const origin = from.server.listening
      ? `http://127.0.0.1:${(from.server.address() as AddressInfo).port}`
      : await from.listen({ host: '127.0.0.1', port: 0 });
    const answer = await fetch(origin + path, init);
    const body = await answer.text();
    return { status: answer.status, type: answer.headers.get('content-type'), body };
  }

  const asJson = (body: string): RequestInit => ({
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  });

  beforeEach(() => {
    phase = 'ready';
    errors.length = 0;
  });

  afterEach(async () => {
    for (const made of servers.splice(0)) await made.close();
  });

  it.each(['idle', 'starting', 'ready', 'draining', 'stopped'] as const)(
    'lives in the phase %s, and is ready in one of them',
    async (now) => {
      phase = now;
      const made = server();
      const ready = await ask(made, '/health/ready');

      expect((await ask(made, '/health/live')).status).toBe(200);
      expect(ready.status).toBe(now === 'ready' ? 200 : 503);
      expect(JSON.parse(ready.body)).toEqual({
        status: now === 'ready' ? 'ready' : 'not ready',
        phase: now,
      });
    },
  );

  it('gives the metrics under the type they are told in', async () => {
    const plain = await ask(server(), '/metrics');
    expect(plain.body).toBe('sessions 3\n');
    expect(plain.type).toBe('text/plain; version=0.0.4; charset=utf-8');

    const type = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
    const open = server({ metricsContentType: type, metrics: async () => '# EOF\n' });
    expect(await ask(open, '/metrics')).toEqual({ status: 200, type, body: '# EOF\n' });
  });

  it('answers JSON as application/json and nothing more, errors too', async () => {
    const api = server();
    api.get('/object', async () => ({ id: '1' }));
    api.get('/text', async () => 'hello');
    api.get('/made', async (_request, reply) => reply.type('application/json').send('{"id":"1"}'));
    api.get('/bad', async () => {
      throw Object.assign(new Error('no'), { statusCode: 400 });
    });
    await api.register(async (scope) => {
      scope.get('/scoped', async () => [1]);
    });

    for (const path of ['/object', '/made', '/bad', '/scoped', '/nowhere', '/health/ready']) {
      expect([path, (await ask(api, path)).type]).toEqual([path, 'application/json']);
    }
    expect((await ask(api, '/text')).type).toBe('text/plain; charset=utf-8');
  });

  it('logs what nobody expected, whatever handler the app has, not what a client did', async () => {
    const api = server();
    api.setErrorHandler((_error, _request, reply) => reply.code(500).send({ code: 0 }));
    const cause = new Error('table is gone');
    api.get('/boom/:id', async () => {
      throw cause;
    });
    api.post('/bad', async () => 'never');

    await ask(api, '/boom/3');
    await ask(api, '/bad', asJson('{'));

    expect(errors).toEqual([
      { message: 'request failed', fields: { error: cause, route: '/boom/:id' } },
    ]);
  });

  it('refuses a body over the limit', async () => {
    const api = server({ bodyLimitBytes: 10 });
    api.post('/echo', async (request) => request.body);
    expect((await ask(api, '/echo', asJson('{"a":1}'))).status).toBe(200);
    expect((await ask(api, '/echo', asJson('{"a":10000}'))).status).toBe(413);
  });

  it('waits no longer for a request than it is told to', async () => {
    const api = server({ requestTimeoutMs: 100 });
    api.post('/echo', async (request) => request.body);
    await api.listen({ host: '127.0.0.1', port: 0 });
    const socket = connect((api.server.address() as AddressInfo).port, '127.0.0.1');
    const head = 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
    socket.write(`${head}Content-Length: 100\r\n\r\n{"a":`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 408 /);
    await once(socket, 'close');
  });

  it('drops keys that would reach a prototype', async () => {
    const api = server();
    api.post('/echo', async (request) => request.body);
    const body = '{"__proto__":{"a":1},"constructor":{"prototype":{"a":1}},"b":2}';
    expect((await ask(api, '/echo', asJson(body))).body).toBe('{"b":2}');
  });

  it('believes x-forwarded-for only from proxies it is told to trust', async () => {
    const init = { headers: { 'x-forwarded-for': '203.0.113.9' } };
    const doubting = server();
    doubting.get('/ip', async (request) => request.ip);
    const trusting = server({ trustProxy: '127.0.0.1' });
    trusting.get('/ip', async (request) => request.ip);

    expect((await ask(doubting, '/ip', init)).body).toBe('127.0.0.1');
    expect((await ask(trusting, '/ip', init)).body).toBe('203.0.113.9');
  });
});
