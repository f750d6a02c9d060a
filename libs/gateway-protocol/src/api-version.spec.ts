import { parseConnection } from './api-version.js';

describe('parseConnection', () => {
  it.each([
    ['/?v=10&encoding=json', 10, 'json', 'none'],
    ['/?v=9', 9, 'json', 'none'],
    ['?encoding=etf&v=10&compress=zlib-stream', 10, 'etf', 'zlib-stream'],
    ['ws://127.0.0.1:4000/?v=10&encoding=json&compress=zstd-stream', 10, 'json', 'zstd-stream'],
    ['/?v=10&compress=brotli-stream', 10, 'json', 'none'],
    ['/?v=10&compress=', 10, 'json', 'none'],
    ['/?v=10&v=6', 10, 'json', 'none'],
  ])('understands %s', (url, version, encoding, compression) => {
    expect(parseConnection(url)).toEqual({ ok: true, version, encoding, compression });
  });

  it.each(['/', '', '/?encoding=json', '/?v=', '/?v=8', '/?v=11', '/?v=010', '/?v=ten', '/?V=10'])(
    'stops a client whose version is not spoken: %s',
    (url) => {
      expect(parseConnection(url)).toEqual({ ok: false, closeCode: 4012 });
    },
  );

  it('guesses the version only if told to, and only where none was said', () => {
    expect(parseConnection('/', 10)).toMatchObject({ ok: true, version: 10, encoding: 'json' });
    expect(parseConnection('/?v=6', 10)).toEqual({ ok: false, closeCode: 4012 });
  });

  it('refuses an encoding it could not read', () => {
    expect(parseConnection('/?v=10&encoding=msgpack')).toEqual({ ok: false, closeCode: 4002 });
  });

  it('survives garbage', () => {
    for (const url of ['/?%%%', '/?v=%FF', '/?v=10&encoding=%00', '\u0000?', '/?'.repeat(1000)]) {
      expect(parseConnection(url).ok).toBe(false);
    }
  });
});
