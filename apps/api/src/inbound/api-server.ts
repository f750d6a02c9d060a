// The framework under the routes: versions, admission, bodies, checks, answers. See route.ts for
// how a route is written.
//
//   socket ─ ban of the address ─ route found ─ token ─ limits ─ body read ─ checks ─ answer()
//            429                  404, 405      401     429      413, 50109   50035
import type { Clock } from '@guildhall/clock';
import { refuse } from '@guildhall/contracts';
import { assert, Fault, FaultCode } from '@guildhall/fault';
import type { Snowflake } from '@guildhall/snowflake';
import { SPAN, type Span, type SpanDefinition, type Telemetry } from '@guildhall/telemetry';
import multipart from '@fastify/multipart';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Owners } from '../domain/ports.js';
import { rateBucketOf, type RateBucket } from '../domain/rate-limit-table.js';
import {
  checked,
  clean,
  Findings,
  INVALID,
  refuseFields,
  snowflake,
  type Check,
} from '../domain/validation.js';
import type { Events } from '../events.js';
import { Admission, tokenOf, type AdmissionOptions, type Admitted } from './admission.js';
import { faultAnswer, METHOD_NOT_ALLOWED, NOT_FOUND, type Answer } from './answer.js';
import { receiveParts, type Received, type UploadBounds } from './received-files.js';
import type { Ask, Route } from './route.js';

const PREFIXES = ['/api/v10', '/api/v9', '/api'] as const;
const AUDIT_REASON_LENGTH_MAX = 512;
/** Of a body that is too large to be taken, and is heard out all the same. */
const UNREAD_BYTES_MAX = 64 * 1024 * 1024;
/** A body of a type nobody here reads. */
const FOREIGN_BODY = Symbol('body of another type');

export interface ApiServerOptions extends AdmissionOptions {
  readonly server: FastifyInstance;
  readonly routes: readonly Route[];
  readonly owners: Owners;
  readonly telemetry: Telemetry;
  readonly events: Events;
  readonly clock: Clock;
  readonly uploads: UploadBounds;
  /** A command id that no other command ever had. */
  mintCommandId(): Snowflake;
}

/** What is known of a request from its first byte on. */
interface Visit {
  readonly startedAtMs: number;
  span: Span | undefined;
  admitted: Admitted | undefined;
  route: string;
}

/** Puts the routes on the server, under every version and prefix. Call once, before it listens. */
export function installApi(options: ApiServerOptions): Admission {
  const api = new Api(options);
  api.install();
  return api.admission;
}

class Api {
  readonly admission: Admission;
  readonly #options: ApiServerOptions;
  readonly #visits = new WeakMap<FastifyRequest, Visit>();
  readonly #patterns: { readonly path: RegExp; readonly methods: Set<string> }[] = [];

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.admission = new Admission(options);
  }

  install(): void {
    const { server, routes, telemetry } = this.#options;
    this.#installBodies();
    server.addHook('onRequest', async (request, reply) => this.#arrive(request, reply));
    server.addHook('onResponse', async (request, reply) => this.#leave(request, reply));
    server.setErrorHandler((error: FastifyError, request, reply) =>
      this.#fail(error, request, reply),
    );
    server.setNotFoundHandler((request, reply) => send(reply, this.#notFound(request)));
    server.options('*', async (_request, reply) => {
      reply.header('access-control-max-age', '86400');
      return reply.code(204).send();
    });
    for (const route of routes) this.#installRoute(route);
    telemetry.metrics.observe(
      'gauge',
      { name: 'guildhall_api_rate_limit_keys', help: 'Rate limit windows held in memory' },
      () => this.admission.keysCount,
    );
  }

  #installBodies(): void {
    const { server } = this.#options;
    server.removeAllContentTypeParsers();
    server.addContentTypeParser(
      'application/json',
      { parseAs: 'string' },
      (_request, body, done) => {
        if (body === '') return done(null, undefined);
        try {
          done(null, JSON.parse(body as string));
        } catch {
          done(refuse('RequestNotJson'), undefined);
        }
      },
    );
    server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
      done(null, body.length === 0 ? undefined : FOREIGN_BODY);
    });
    void server.register(multipart);
  }

  #installRoute(route: Route): void {
    const { server, rateLimitFactor } = this.#options;
    const bucket = rateBucketOf(route.method, route.path, rateLimitFactor);
    const definition = SPAN.httpServer(route.method, route.path);
    this.#notePattern(route);
    for (const prefix of PREFIXES) {
      server.route({
        method: route.method,
        url: prefix + route.path,
        ...(route.bodyBytesMax === undefined ? {} : { bodyLimit: route.bodyBytesMax }),
        onRequest: async (request, reply) => this.#admit(request, reply, route, bucket, definition),
        handler: async (request, reply) => this.#answer(request, reply, route),
      });
    }
  }

  #notePattern(route: Route): void {
    const path = route.path.replace(/:\w+/g, '[^/]+').replaceAll('.', '\\.');
    const known = this.#patterns.find(({ path: other }) => other.source === `^${path}/?$`);
    if (known !== undefined) known.methods.add(route.method);
    else
      this.#patterns.push({
        path: new RegExp(`^${path}/?$`.replaceAll('/', '\\/')),
        methods: new Set([route.method]),
      });
  }

  async #arrive(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const visit: Visit = {
      startedAtMs: this.#options.telemetry.tracer.nowMs(),
      span: undefined,
      admitted: undefined,
      route: '',
    };
    this.#visits.set(request, visit);
    reply.headers(CORS_HEADERS);
    if (!request.url.startsWith('/api')) return;
    const ban = this.admission.isBanned(request.ip);
    if (ban !== undefined) await send(reply, ban);
  }

  async #admit(
    request: FastifyRequest,
    reply: FastifyReply,
    route: Route,
    bucket: RateBucket,
    definition: SpanDefinition,
  ): Promise<void> {
    const visit = this.#visitOf(request);
    visit.route = definition.name;
    visit.span = this.#options.telemetry.tracer.root(definition, visit.startedAtMs);
    const admitted = await this.admission.admit(request, reply, route, bucket);
    visit.admitted = admitted;
    if (admitted.refusal !== undefined) await send(reply, admitted.refusal);
  }

  async #answer(request: FastifyRequest, reply: FastifyReply, route: Route): Promise<void> {
    let received: Received | undefined;
    let answer: Answer;
    try {
      if (route.takesFiles === true && request.isMultipart()) {
        received = await receiveParts(request, this.#options.uploads);
      }
      const ask = this.#askOf(request, route, received);
      answer = await route.answer(ask);
    } catch (reason) {
      answer = this.#faultAnswer(reason, request);
    } finally {
      await received?.dispose();
    }
    await send(reply, answer);
  }

  #askOf(
    request: FastifyRequest,
    route: Route,
    received: Received | undefined,
  ): Ask<Record<string, string | Snowflake>, unknown, unknown> {
    const visit = this.#visitOf(request);
    const { owners, telemetry } = this.#options;
    const trace = visit.span?.context;
    const identity = visit.admitted?.identity;
    const commandOf = (commandId: Snowflake, topicId: Snowflake) => ({
      commandId,
      topicId,
      actorId: identity?.user.id ?? 0n,
      actorIsBot: identity?.user.bot ?? false,
      reason: commandId === 0n ? '' : auditReason(request),
    });
    return {
      params: checkedParams(request),
      query: route.query === undefined ? undefined : checked(route.query, request.query),
      body: route.body === undefined ? undefined : checkedBody(request, route.body, received),
      files: received?.files ?? [],
      get identity() {
        assert(identity !== undefined, 'a route that wants to know who asks demands a token');
        return identity;
      },
      get user() {
        return this.identity.user;
      },
      token: identity === undefined ? '' : tokenOf(request),
      ip: request.ip,
      trace,
      log: telemetry.logger.with(trace),
      command: (topicId = 0n) => commandOf(this.#options.mintCommandId(), topicId),
      query_: (topicId = 0n) => commandOf(0n, topicId),
      owner: (method, id, body) => owners.ask(method, id, body, trace),
    };
  }

  async #fail(error: FastifyError, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (error.statusCode === 413) hearOut(request, reply);
    await send(reply, this.#faultAnswer(fastifyFault(error), request));
  }

  #faultAnswer(reason: unknown, request: FastifyRequest): Answer {
    const fault = Fault.from(reason);
    const visit = this.#visits.get(request);
    if (fault.code !== FaultCode.Refused) visit?.span?.fail(fault.code);
    this.#options.events.requestFailed(visit?.span?.context, visit?.route ?? '', fault);
    return faultAnswer(fault);
  }

  #notFound(request: FastifyRequest): Answer {
    const path = request.url.split('?', 1)[0]!;
    const match = /^\/api(?:\/v(\d+))?(\/.*)?$/.exec(path);
    if (match === null) return NOT_FOUND;
    const [, version, rest = '/'] = match;
    if (version !== undefined && version !== '9' && version !== '10') {
      return faultAnswer(refuse('InvalidApiVersion'));
    }
    const isKnown = this.#patterns.some(({ path: pattern }) => pattern.test(rest));
    return isKnown ? METHOD_NOT_ALLOWED : NOT_FOUND;
  }

  #leave(request: FastifyRequest, reply: FastifyReply): void {
    const visit = this.#visits.get(request);
    if (visit === undefined) return;
    const { statusCode } = reply;
    const isShared = reply.getHeader('x-ratelimit-scope') === 'shared';
    if (statusCode === 401 || statusCode === 403 || (statusCode === 429 && !isShared)) {
      this.admission.countInvalid(request.ip);
    }
    const { tracer } = this.#options.telemetry;
    visit.span?.set('http.response.status_code', statusCode).end();
    if (visit.route !== '') {
      const tookMs = tracer.nowMs() - visit.startedAtMs;
      this.#options.events.requestAnswered(visit.span?.context, visit.route, statusCode, tookMs);
    }
  }

  #visitOf(request: FastifyRequest): Visit {
    const visit = this.#visits.get(request);
    assert(visit !== undefined, 'every request has arrived before it is answered');
    return visit;
  }
}

/** Answers that are JSON say exactly `application/json`: clients compare. */
export async function send(reply: FastifyReply, answer: Answer): Promise<void> {
  reply.code(answer.status);
  if (answer.body !== undefined) reply.header('content-type', 'application/json');
  if (answer.headers !== undefined) reply.headers(answer.headers);
  // Bytes, not text: Fastify adds a charset to text.
  await reply.send(typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body);
}

/** The answer to a path that cannot be decoded and such. */
export function answerFrameworkError(
  error: FastifyError,
  _request: unknown,
  reply: FastifyReply,
): void {
  void send(reply, faultAnswer(Fault.from(fastifyFault(error))));
}

const CORS_HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
  'access-control-allow-headers':
    'Authorization, Content-Type, X-Audit-Log-Reason, X-Super-Properties, X-Discord-Locale, ' +
    'X-Discord-Timezone, X-Debug-Options, X-Fingerprint, X-Context-Properties',
  'access-control-expose-headers':
    'Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, ' +
    'X-RateLimit-Reset-After, X-RateLimit-Bucket, X-RateLimit-Global, X-RateLimit-Scope',
};

function checkedParams(request: FastifyRequest): Record<string, string | Snowflake> {
  const findings = new Findings();
  const params: Record<string, string | Snowflake> = {};
  for (const [name, text] of Object.entries(request.params as Record<string, string>)) {
    const value = name.endsWith('_id') ? snowflake().run(text, [name], findings) : text;
    if (value !== INVALID) params[name] = value;
  }
  if (findings.errors.length > 0) throw refuseFields(findings.errors);
  return params;
}

function checkedBody(
  request: FastifyRequest,
  check: Check<unknown>,
  received: Received | undefined,
): unknown {
  if (received !== undefined) return checked(check, received.body);
  if (request.body === FOREIGN_BODY || request.isMultipart()) {
    const message = `Expected "Content-Type" header to be one of {'application/json'}.`;
    throw refuseFields([{ path: [], code: 'CONTENT_TYPE_INVALID', message }]);
  }
  return checked(check, request.body ?? undefined);
}

/** Comes percent-encoded, since a header holds no more than Latin-1. */
function auditReason(request: FastifyRequest): string {
  const header = request.headers['x-audit-log-reason'];
  if (typeof header !== 'string') return '';
  const text = clean(decoded(header).replace(/\p{Cc}/gu, ' ')).trim();
  return [...text].slice(0, AUDIT_REASON_LENGTH_MAX).join('');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Fastify closes when it does not read a body to its end, and a client that is still sending then
 * often loses the answer with the connection. A body that is not out of all proportion is read on,
 * and thrown away.
 */
function hearOut(request: FastifyRequest, reply: FastifyReply): void {
  const sizeBytes = Number(request.headers['content-length'] ?? Infinity);
  if (sizeBytes <= UNREAD_BYTES_MAX) reply.removeHeader('connection');
}

/** What Fastify itself refuses, in Discord's words. */
function fastifyFault(error: FastifyError): unknown {
  if (error.statusCode === 413) return refuse('EntityTooLarge');
  const isTheClients = error.statusCode !== undefined && error.statusCode < 500;
  return isTheClients ? refuse('General') : error;
}
