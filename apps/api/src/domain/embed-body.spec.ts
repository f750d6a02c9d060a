import type { Fault } from '@guildhall/fault';
import { embeds } from './embed-body.js';
import { checked, object } from './validation.js';

const kept = (value: unknown): unknown => JSON.parse(checked(embeds, value));

function errorsOf(value: unknown): never {
  try {
    checked(object({ embeds }), { embeds: value });
  } catch (reason) {
    return JSON.parse((reason as Fault).refusal!.errorsJson!) as never;
  }
  throw new Error('nothing was wrong');
}

describe('Embeds', () => {
  it('are kept as Discord shows them', () => {
    const given = {
      title: ' Title ',
      description: '',
      type: 'article',
      color: 0xff00ff,
      author: { name: 'A', icon_url: 'attachment://a.png' },
      image: { url: 'https://example.org/i.png', width: 5 },
      footer: null,
      fields: [{ name: 'n', value: 'v' }],
      provider: { name: 'ignored' },
    };
    expect(kept([given])).toEqual([
      {
        type: 'rich',
        title: 'Title',
        color: 0xff00ff,
        image: { url: 'https://example.org/i.png' },
        author: { name: 'A', icon_url: 'attachment://a.png' },
        fields: [{ name: 'n', value: 'v', inline: false }],
      },
    ]);
  });

  it('are at most ten, with at most 25 fields and 6000 characters', () => {
    expect(kept(Array.from({ length: 10 }, () => ({ title: 'x' })))).toHaveLength(10);
    const eleven = errorsOf(Array.from({ length: 11 }, () => ({ title: 'x' })));
    expect(eleven['embeds']['_errors'][0]['code']).toBe('BASE_TYPE_MAX_LENGTH');
    const field = { name: 'n', value: 'v' };
    const fields = errorsOf([{ fields: Array.from({ length: 26 }, () => field) }]);
    expect(fields['embeds']['0']['fields']['_errors'][0]['code']).toBe('BASE_TYPE_MAX_LENGTH');
    const half = { description: 'x'.repeat(3000) };
    expect(kept([half, half])).toHaveLength(2);
    const over = errorsOf([half, half, { title: 'x' }]);
    expect(over['embeds']['_errors'][0]).toEqual({
      code: 'MAX_EMBED_SIZE_EXCEEDED',
      message: 'Embed size exceeds maximum size of 6000',
    });
  });

  it('have bounded parts, with addresses of known kinds', () => {
    const errors = errorsOf([
      { title: 'x'.repeat(257), url: 'javascript:x', color: 2 ** 24, fields: [{ name: '' }] },
    ]);
    const at = errors['embeds']['0'];
    expect(at['title']['_errors'][0]['code']).toBe('BASE_TYPE_MAX_LENGTH');
    expect(at['url']['_errors'][0]['code']).toBe('URL_TYPE_INVALID_SCHEME');
    expect(at['color']['_errors'][0]['code']).toBe('NUMBER_TYPE_MAX');
    expect(at['fields']['0']['name']['_errors'][0]['code']).toBe('BASE_TYPE_REQUIRED');
  });
});
