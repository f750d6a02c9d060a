import { person } from '../testing/message-stage.js';
import { messageDocument, messageFromDocument, MessageType, newMessage } from './message.js';
import type { Document } from './tables.js';

const stored = (document: Document): Document => JSON.parse(JSON.stringify(document)) as Document;

describe('messageDocument', () => {
  it('holds everything there is', () => {
    const message = newMessage({
      id: 5n,
      channelId: 6n,
      type: MessageType.Reply,
      author: person(7n, { globalName: 'Seven', bot: true }),
      content: 'hello',
      editedAtMs: 1_700_000_000_000,
      tts: true,
      mentionEveryone: true,
      mentions: [person(8n)],
      mentionRoles: [9n],
      attachments: [{ id: '1', filename: 'a', size: 2, url: 'u', proxy_url: 'u' }],
      embeds: [{ title: 'x' }],
      components: [{ type: 1 }],
      stickerIds: ['3'],
      flags: 4,
      reference: { messageId: 1n, channelId: 6n },
      pinnedAtMs: 1_700_000_000_123,
      applicationId: 77n,
    });
    expect(messageFromDocument(5n, 6n, stored(messageDocument(message)))).toEqual(message);
  });

  it('leaves out what is empty', () => {
    const message = newMessage({ id: 5n, channelId: 6n, author: person(7n) });
    const document = stored(messageDocument(message));
    expect(Object.keys(document)).toEqual(['type', 'author']);
    expect(messageFromDocument(5n, 6n, document)).toEqual(message);
  });
});
