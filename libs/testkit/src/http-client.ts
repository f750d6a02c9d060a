// Discord's HTTP API for tests: a thin skin over fetch that keeps what tests look at (status,
// headers, the body as it came) and never throws for a status.
import { shown } from './eventually.js';

export interface ApiOptions {
  /** With the version, such as `http://127.0.0.1:4001/api/v10`. */
  readonly baseUrl: string;
  /** Without a scheme word; none is sent when it is absent. */
  readonly token?: string;
  /** What stands before the token: `Bot ` for a bot (unless told), nothing for a user. */
  readonly tokenKind?: TokenKind;
  /** Whether to wait out 429s; false unless told. */
  readonly patient?: boolean;
  /** Added to each request. */
  readonly headers?: Readonly<Record<string, string>>;
}

export type TokenKind = 'bot' | 'user' | 'bearer';

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Overrides that of the client. */
  readonly patient?: boolean;
  /**
   * Sends a multipart form: the body as `payload_json`, and these as `files[0]`, `files[1]`, ...
   */
  readonly files?: readonly ApiFile[];
  /** For one answer, not counting the waiting for rate limits; 10 s unless told. */
  readonly timeoutMs?: number;
}

export interface ApiFile {
  readonly name: string;
  readonly bytes: Uint8Array | string;
  readonly contentType?: string;
}

export interface ApiResponse<T = unknown> {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON, other text as it is, undefined when there is none. Trusted to be a T. */
  readonly body: T;
}

const TIMEOUT_DEFAULT_MS = 10_000;
/**
 * A patient client gives up on a limit longer than this, lest a test hang: 429 is the answer then.
 */
const RETRY_AFTER_MAX_MS = 30_000;
const SCHEMES: Readonly<Record<TokenKind, string>> = { bot: 'Bot ', user: '', bearer: 'Bearer ' };

/** One identity at one API. Requests may run at the same time. */
export class TestApi {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  /** The same API as someone else; without a token as nobody. */
  as(token: string | undefined, tokenKind: TokenKind = 'bot'): TestApi {
    const { token: _token, ...others } = this.#options;
    return new TestApi({ ...others, tokenKind, ...(token === undefined ? {} : { token }) });
  }

  get<T = unknown>(path: string, options: RequestOptions = {}): Promise<ApiResponse<T>> {
    return this.request('GET', path, undefined, options);
  }

  post<T = unknown>(
    path: string,
    body?: unknown,
    options: RequestOptions = {},
  ): Promise<ApiResponse<T>> {
    return this.request('POST', path, body, options);
  }

  patch<T = unknown>(
    path: string,
    body?: unknown,
    options: RequestOptions = {},
  ): Promise<ApiResponse<T>> {
    return this.request('PATCH', path, body, options);
  }

  put<T = unknown>(
    path: string,
    body?: unknown,
    options: RequestOptions = {},
  ): Promise<ApiResponse<T>> {
    return this.request('PUT', path, body, options);
  }

  delete<T = unknown>(path: string, options: RequestOptions = {}): Promise<ApiResponse<T>> {
    return this.request('DELETE', path, undefined, options);
  }

  /**
   * One request, repeated only by a patient client and only after a 429. A body is sent as JSON (a
   * string or bytes as they are), or with `files` as a form. Rejects when no answer comes.
   */
  async request<T = unknown>(
    method: string,
    path: string,
    body: unknown,
    options: RequestOptions = {},
  ): Promise<ApiResponse<T>> {
    const isPatient = options.patient ?? this.#options.patient ?? false;
    for (;;) {
      const response = await this.#once<T>(method, path, body, options);
      if (response.status !== 429 || !isPatient) return response;
      const waitMs = retryAfterMs(response.headers);
      if (waitMs === undefined || waitMs > RETRY_AFTER_MAX_MS) return response;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  async #once<T>(
    method: string,
    path: string,
    body: unknown,
    options: RequestOptions,
  ): Promise<ApiResponse<T>> {
    const { baseUrl, token, tokenKind = 'bot' } = this.#options;
    const url = new URL(baseUrl + path);
    for (const [name, value] of Object.entries(options.query ?? {})) {
      url.searchParams.set(name, String(value));
    }
    const payload = payloadOf(body, options.files);
    const headers = new Headers({
      ...(token === undefined ? {} : { authorization: SCHEMES[tokenKind] + token }),
      ...(payload.contentType === undefined ? {} : { 'content-type': payload.contentType }),
      ...this.#options.headers,
      ...options.headers,
    });
    const response = await fetch(url, {
      method,
      headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_DEFAULT_MS),
      ...(payload.body === undefined ? {} : { body: payload.body }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: parsed(text, response, `${method} ${path}`) as T,
    };
  }
}

interface Payload {
  readonly body?: string | FormData | Uint8Array<ArrayBuffer>;
  readonly contentType?: string;
}

function payloadOf(body: unknown, files: readonly ApiFile[] | undefined): Payload {
  if (files !== undefined) {
    const form = new FormData();
    if (body !== undefined) form.set('payload_json', JSON.stringify(body));
    files.forEach((file, at) => {
      const type = file.contentType ?? 'application/octet-stream';
      form.set(`files[${at}]`, new Blob([asBytes(file.bytes)], { type }), file.name);
    });
    return { body: form };
  }
  if (body === undefined) return {};
  const contentType = 'application/json';
  if (typeof body === 'string') return { body, contentType };
  if (body instanceof Uint8Array) return { body: asBytes(body), contentType };
  return { body: JSON.stringify(body), contentType };
}

/** A copy in memory of its own, which is what fetch and Blob ask for. */
function asBytes(bytes: Uint8Array | string): Uint8Array<ArrayBuffer> {
  return typeof bytes === 'string' ? new TextEncoder().encode(bytes) : new Uint8Array(bytes);
}

function parsed(text: string, response: Response, request: string): unknown {
  if (text === '') return undefined;
  const contentType = response.headers.get('content-type') ?? '';
  if (!contentType.startsWith('application/json')) return text;
  try {
    return JSON.parse(text);
  } catch (cause) {
    const words = `${request} answered ${response.status} with JSON that is none: ${shown(text)}`;
    throw new Error(words, { cause });
  }
}

/** Seconds, maybe with a fraction; undefined without the header, or when it is a date. */
function retryAfterMs(headers: Headers): number | undefined {
  const value = headers.get('retry-after');
  if (value === null || !/^\d+(\.\d+)?$/.test(value)) return undefined;
  return Math.ceil(Number(value) * 1000);
}
