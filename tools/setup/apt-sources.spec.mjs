import { sourceFor } from './apt-sources.mjs';

const vendor = {
  name: '/etc/apt/sources.list.d/vendor.sources',
  text: 'Types: deb\nURIs: https://vendor.example/node\nSuites: nodistro\nComponents: main\n',
};

describe('sourceFor', () => {
  it('points the main stanza at another suite and keeps the rest', () => {
    const text = [
      'Types: deb deb-src',
      '# a comment',
      'URIs: http://mirror.example/debian',
      'Suites: bookworm bookworm-updates',
      'Components: main contrib',
      'Signed-By: /usr/share/keyrings/debian.gpg',
      '',
      'Types: deb',
      'URIs: http://mirror.example/security',
      'Suites: bookworm-security',
      'Components: main',
    ].join('\n');
    const files = [vendor, { name: '/etc/apt/sources.list.d/debian.sources', text }];
    expect(sourceFor(files, 'bookworm', 'trixie')).toEqual({
      name: 'guildhall.sources',
      text:
        'types: deb\nuris: http://mirror.example/debian\nsuites: trixie\ncomponents: main\n' +
        'signed-by: /usr/share/keyrings/debian.gpg\n',
    });
  });

  it('keeps a key that is written out over several lines', () => {
    const key = '\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQ==';
    const text = `Types: deb\nURIs: u\nSuites: bookworm\nComponents: main\nSigned-By:${key}\n`;
    const found = sourceFor([{ name: 'a.sources', text }], 'bookworm', 'trixie');
    expect(found.text).toContain(`signed-by: ${key}\n`);
  });

  it('skips a stanza that is switched off', () => {
    const text = 'Enabled: no\nTypes: deb\nURIs: u\nSuites: bookworm\nComponents: main\n';
    expect(sourceFor([{ name: 'a.sources', text }], 'bookworm', 'trixie')).toBeUndefined();
  });

  it('reads the one-line style, with and without options', () => {
    const list = (text) => [vendor, { name: '/etc/apt/sources.list', text }];
    const plain = 'deb-src http://m/debian bookworm main\ndeb http://m/debian bookworm main # x\n';
    expect(sourceFor(list(plain), 'bookworm', 'trixie')).toEqual({
      name: 'guildhall.list',
      text: 'deb http://m/debian trixie main\n',
    });
    const signed = 'deb [arch=amd64 signed-by=/k.gpg] http://m/debian bookworm contrib main';
    expect(sourceFor(list(signed), 'bookworm', 'trixie').text).toBe(
      'deb [arch=amd64 signed-by=/k.gpg] http://m/debian trixie main\n',
    );
  });

  it('finds nothing in other suites, other components or other vendors', () => {
    const text = [
      'deb http://m/debian bookworm-updates main',
      'deb http://m/debian bookworm contrib',
      '# deb http://m/debian bookworm main',
    ].join('\n');
    const files = [vendor, { name: '/etc/apt/sources.list', text }];
    expect(sourceFor(files, 'bookworm', 'trixie')).toBeUndefined();
    expect(sourceFor([], undefined, 'trixie')).toBeUndefined();
  });
});
