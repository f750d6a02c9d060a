import { availableGuild } from './ready-payload.js';
import { Dispatch } from './dispatch.js';

const parsed = (dispatch: Dispatch): unknown => JSON.parse(dispatch.data.toString());

describe('Dispatch', () => {
  it('loses what MESSAGE_CONTENT is for, inside as well, and nothing else', () => {
    const message = {
      id: '1',
      content: 'text',
      embeds: [{}],
      attachments: [{}],
      components: [{}],
      poll: {},
      mentions: [{ id: '2' }],
      referenced_message: { id: '3', content: 'older', embeds: [], poll: {} },
      message_snapshots: [{ message: { content: 'forwarded' } }],
    };
    const blank = Dispatch.own('MESSAGE_CREATE', message).withoutContent();
    expect(parsed(blank)).toEqual({
      id: '1',
      content: '',
      embeds: [],
      attachments: [],
      components: [],
      mentions: [{ id: '2' }],
      referenced_message: { id: '3', content: '', embeds: [] },
      message_snapshots: [{ message: { content: '' } }],
    });
  });

  it('gains no key that an update did not have', () => {
    const update = Dispatch.own('MESSAGE_UPDATE', { id: '1', referenced_message: null });
    expect(parsed(update.withoutContent())).toEqual({ id: '1', referenced_message: null });
  });

  it('makes the blank one once', () => {
    const dispatch = Dispatch.own('MESSAGE_CREATE', { content: 'x' });
    expect(dispatch.withoutContent()).toBe(dispatch.withoutContent());
  });
});

describe('availableGuild', () => {
  it('adds the key that one library needs, and only if it is missing', () => {
    const text = (json: string) => Buffer.from(availableGuild(Buffer.from(json))).toString();
    expect(JSON.parse(text('{"id":"1"}'))).toEqual({ unavailable: false, id: '1' });
    expect(JSON.parse(text('{}'))).toEqual({ unavailable: false });
    expect(text('{"id":"1","unavailable":true}')).toBe('{"id":"1","unavailable":true}');
    // A name may say anything.
    const tricky = JSON.stringify({ name: '"unavailable":' });
    expect(JSON.parse(text(tricky))).toEqual({ unavailable: false, name: '"unavailable":' });
  });
});
