import { extensionOf, imageData } from './image.js';
import { checked, object } from './validation.js';

const PNG = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(8)]);

describe('A picture', () => {
  it('is known by its first bytes', () => {
    expect(extensionOf(PNG)).toBe('png');
    expect(extensionOf(Buffer.from([0xff, 0xd8, 0xff, 0xe0]))).toBe('jpg');
    expect(extensionOf(Buffer.from('GIF89a...'))).toBe('gif');
    expect(extensionOf(Buffer.from('RIFF....WEBPVP8 '))).toBe('webp');
    expect(extensionOf(Buffer.from('<svg>'))).toBeUndefined();
    expect(extensionOf(Buffer.alloc(0))).toBeUndefined();
  });

  it('comes in a data URI, whatever that says it is', () => {
    const body = object({ avatar: imageData() });
    const avatar = `data:image/gif;base64,${PNG.toString('base64')}`;
    expect(checked(body, { avatar }).avatar).toMatchObject({ extension: 'png', bytes: PNG });
    for (const wrong of ['x', 5, `data:image/svg+xml;base64,AAAA`, 'data:image/png;base64,AAAA']) {
      expect(() => checked(body, { avatar: wrong })).toThrow('Invalid Form Body');
    }
  });
});
