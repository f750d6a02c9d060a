import { isNewEnough } from './nats-binary.js';
import { natsConfig, natsUserUrl } from './nats-config.js';

describe('natsConfig', () => {
  it('binds to this machine alone and lets anybody in when there are no users', () => {
    const text = natsConfig({ port: 4711, storeDir: '/data/js' });
    expect(text).toContain('listen: "127.0.0.1:4711"');
    expect(text).toContain('store_dir: "/data/js"');
    expect(text).not.toContain('authorization');
  });

  it('gives each user its own subjects', () => {
    const users = [{ name: 'api', password: 'p"w', publish: ['a.>'], subscribe: ['b', 'c.*'] }];
    const text = natsConfig({ port: 1, storeDir: '/d', users });
    expect(text).toContain('user: "api", password: "p\\"w"');
    expect(text).toContain('publish: { allow: ["a.>"] }, subscribe: { allow: ["b","c.*"] }');
  });

  it('escapes a password in the URL', () => {
    const user = { name: 'api', password: 'a@b/c', publish: [], subscribe: [] };
    expect(natsUserUrl(user, 4222)).toBe('nats://api:a%40b%2Fc@127.0.0.1:4222');
  });
});

describe('isNewEnough', () => {
  it.each([
    ['nats-server: v2.10.23', true],
    ['nats-server: v2.10.27', true],
    ['nats-server: v2.11.0', true],
    ['nats-server: v3.0.0', true],
    ['nats-server: v2.10.22', false],
    ['nats-server: v2.9.30', false],
    ['nonsense', false],
  ])('%s: %s', (output, expected) => {
    expect(isNewEnough(output)).toBe(expected);
  });
});
