import { Bug } from '@guildhall/fault';
import { fastify, type FastifyInstance, type FastifyServerOptions } from 'fastify';
import type { ServiceLog } from './room.js';
import type { Phase } from './service-life.js';

const BODY_BYTES_MAX = 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
/** How late a request may be found to be late, as a part of the time it has. */
const LATENESS = 1 / 4;
const LATENESS_MS_MAX = 10_000;
const HEADERS_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_MS = 65_000;
const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export interface HttpServerOptions {
  logger: ServiceLog;
  /** The body of `/metrics`, made anew for each scrape. */
  metrics: () => string | Promise<string>;
  metricsContentType?: string;
  /** Whether work is welcome; `/health/ready` says it. */
  isReady: () => boolean;
  /** Named in the answer of `/health/ready`. */
  phase?: () => Phase;
  /** Default 1 MiB; a route may set its own. */
  bodyLimitBytes?: number;
  /** A request must have arrived whole within this. Default 30,000. */
  requestTimeoutMs?: number;
  /** An idle connection is kept this long, longer than a load balancer's. Default 65,000. */
  keepAliveMs?: number;
  /** Which proxies' `x-forwarded-*` to believe: none unless told. Fastify's `trustProxy`. */
  trustProxy?: boolean | string | string[];
  /** How paths are matched: trailing slashes, the longest parameter. Fastify's `routerOptions`. */
  router?: NonNullable<FastifyServerOptions['routerOptions']>;
  /** Answers what fails before a route is found, such as a path that cannot be decoded. */
  frameworkErrors?: NonNullable<FastifyServerOptions['frameworkErrors']>;
}

/**
 * A Fastify instance with `/health/live`, `/health/ready` and `/metrics`, ready for routes of the
 * app's own; {@link httpRoom} opens it. Answers in JSON are exactly `application/json`, since
 * clients of the API compare. An unexpected error is logged here and a Bug ends the process,
 * whatever error handler the app sets.
 */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const requestTimeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const connectionsCheckingInterval = Math.min(requestTimeoutMs * LATENESS, LATENESS_MS_MAX);
  const server: FastifyInstance = fastify({
    logger: false,
    // By itself Node looks every 30 s, however short the time is. And when headers have longer than
    // the whole request (60 s unless told), it takes the one time for the other.
    http: {
      connectionsCheckingInterval,
      headersTimeout: Math.min(requestTimeoutMs, HEADERS_TIMEOUT_MS),
    },
    bodyLimit: options.bodyLimitBytes ?? BODY_BYTES_MAX,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: options.keepAliveMs ?? KEEP_ALIVE_MS,
    trustProxy: options.trustProxy ?? false,
    forceCloseConnections: 'idle',
    onProtoPoisoning: 'remove',
    onConstructorPoisoning: 'remove',
    ...(options.router === undefined ? {} : { routerOptions: options.router }),
    ...(options.frameworkErrors === undefined ? {} : { frameworkErrors: options.frameworkErrors }),
  });
  server.addHook('onSend', (_request, reply, payload, done) => {
    if (reply.getHeader('content-type') === 'application/json; charset=utf-8') {
      reply.header('content-type', 'application/json');
    }
    done(null, payload);
  });
  server.addHook('onError', (request, _reply, error, done) => {
    if (error instanceof Bug) endProcess(error);
    else if ((error.statusCode ?? 500) >= 500) {
      options.logger.error('request failed', { error, route: request.routeOptions.url });
    }
    done();
  });
  addHealth(server, options);
  return server;
}

function addHealth(server: FastifyInstance, options: HttpServerOptions): void {
  server.get('/health/live', async () => ({ status: 'live' }));
  server.get('/health/ready', async (_request, reply) => {
    const isReady = options.isReady();
    const phase = options.phase?.() ?? (isReady ? 'ready' : 'starting');
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'not ready', phase });
  });
  server.get('/metrics', async (_request, reply) => {
    const body = await options.metrics();
    return reply.type(options.metricsContentType ?? METRICS_CONTENT_TYPE).send(body);
  });
}

/** Out of Fastify's reach, which would answer 500 and go on. */
function endProcess(bug: Bug): void {
  queueMicrotask(() => {
    throw bug;
  });
}
