import {
  dispatch,
  heartbeatAck,
  heartbeatRequest,
  hello,
  invalidSession,
  reconnect,
} from './frames.js';

describe('server frames', () => {
  it('have the four members of the envelope, s and t null but for dispatches', () => {
    expect(hello(41_250)).toEqual({
      op: 10,
      d: { heartbeat_interval: 41_250, _trace: [] },
      s: null,
      t: null,
    });
    expect(heartbeatAck()).toEqual({ op: 11, d: null, s: null, t: null });
    expect(heartbeatRequest()).toEqual({ op: 1, d: null, s: null, t: null });
    expect(reconnect()).toEqual({ op: 7, d: null, s: null, t: null });
    expect(invalidSession(true)).toEqual({ op: 9, d: true, s: null, t: null });
    expect(dispatch('RESUMED', { _trace: [] }, 7)).toEqual({
      op: 0,
      d: { _trace: [] },
      s: 7,
      t: 'RESUMED',
    });
  });
});
