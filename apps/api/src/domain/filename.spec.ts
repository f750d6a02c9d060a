import { contentTypeOf, safeFilename } from './filename.js';

describe('safeFilename', () => {
  it.each([
    ['cat.png', 'cat.png'],
    ['my cat (1).png', 'my_cat_1.png'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\temp\\x.txt', 'x.txt'],
    ['.htaccess', 'htaccess'],
    ['..', 'unknown'],
    ['', 'unknown'],
    [undefined, 'unknown'],
    ['日本.txt', 'txt'],
    ['Ünïcode.txt', 'Unicode.txt'],
    ['a\0b\r\n.txt', 'ab_.txt'],
    ['a"b.txt', 'ab.txt'],
  ])('%j becomes %j', (given, kept) => {
    expect(safeFilename(given)).toBe(kept);
    expect(safeFilename(kept)).toBe(kept);
  });

  it('keeps the end of a long name, where its kind is', () => {
    const name = safeFilename(`${'x'.repeat(500)}.png`);
    expect(name).toHaveLength(255);
    expect(name.endsWith('.png')).toBe(true);
  });
});

describe('contentTypeOf', () => {
  it('believes the sender, or else the name', () => {
    expect(contentTypeOf('Image/PNG', 'x')).toBe('image/png');
    expect(contentTypeOf('application/octet-stream', 'a.TXT')).toBe('text/plain; charset=utf-8');
    expect(contentTypeOf('text/html; x=\r\ny', 'a.png')).toBe('image/png');
    expect(contentTypeOf('', 'constructor')).toBe('application/octet-stream');
    expect(contentTypeOf('', 'x.')).toBe('application/octet-stream');
  });
});
