import { CloseCode } from './close-codes.js';

/** The versions of the gateway spoken here; frames and opcodes are the same in both. */
export type ApiVersion = 9 | 10;
export type Encoding = 'json' | 'etf';
export type TransportCompression = 'none' | 'zlib-stream' | 'zstd-stream';

/** What a client asked for in the URL it connected with. */
export type Connection =
  | {
      readonly ok: true;
      readonly version: ApiVersion;
      readonly encoding: Encoding;
      readonly compression: TransportCompression;
    }
  | { readonly ok: false; readonly closeCode: CloseCode };

/**
 * Reads `v`, `encoding` and `compress` from a request target (`/?v=10&encoding=json`) or a whole
 * URL. Never throws; the first value of a repeated parameter counts.
 *
 * - `v` absent or not spoken here: 4012, which tells libraries to stop. (The real default is the
 *   long retired 6; guessing would hide the mistake until something odd happens later.) A gateway
 *   that would rather guess passes `versionWhenAbsent`: oceanic.js sends no query at all when it is
 *   given a gateway url of its own without `appendQuery`.
 * - `encoding` absent: JSON. Unknown: 4002, for we could not read a word of what comes.
 * - `compress` absent or unknown: no compression. Clients tell compressed frames from plain ones by
 *   their being binary, so an unknown wish costs bandwidth and not the connection.
 */
export function parseConnection(url: string, versionWhenAbsent?: ApiVersion): Connection {
  const queryAt = url.indexOf('?');
  const query = new URLSearchParams(queryAt === -1 ? '' : url.slice(queryAt + 1));
  const version = query.get('v') ?? String(versionWhenAbsent);
  if (version !== '9' && version !== '10') {
    return { ok: false, closeCode: CloseCode.InvalidApiVersion };
  }
  const encoding = query.get('encoding') ?? 'json';
  if (encoding !== 'json' && encoding !== 'etf') {
    return { ok: false, closeCode: CloseCode.DecodeError };
  }
  const compress = query.get('compress');
  const compression = compress === 'zlib-stream' || compress === 'zstd-stream' ? compress : 'none';
  return { ok: true, version: version === '10' ? 10 : 9, encoding, compression };
}
