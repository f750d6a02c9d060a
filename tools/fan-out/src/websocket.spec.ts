import { CLOSE_FRAME, clientFrame, FrameType, serverFrame, upgradeRequest } from './websocket.js';

describe('frames in one piece', () => {
  it('has a head of two, four or ten bytes', () => {
    expect(serverFrame(Buffer.alloc(125), 1)).toHaveLength(127);
    expect(serverFrame(Buffer.alloc(126), 1)).toHaveLength(130);
    expect(serverFrame(Buffer.alloc(65_536), 1)).toHaveLength(65_546);
    expect(serverFrame(Buffer.from('hi'), FrameType.Text).toString('hex')).toBe('81026869');
  });

  it('masks what a client sends, with nothing', () => {
    expect(clientFrame('hi', FrameType.Text).toString('hex')).toBe('8182000000006869');
    expect(CLOSE_FRAME.toString('hex')).toBe('88820000000003e8');
  });

  it('asks for an upgrade as RFC 6455 wants it', () => {
    const lines = upgradeRequest('/?v=10').toString().split('\r\n');
    expect(lines[0]).toBe('GET /?v=10 HTTP/1.1');
    expect(lines).toContain('Sec-WebSocket-Version: 13');
    expect(lines.slice(-2)).toEqual(['', '']);
  });
});
