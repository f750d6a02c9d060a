export { Arrivals, laterOf } from './arrivals.js';
export { answerParent, Child, CHILD_WORD } from './child.js';
export { dialectOf } from './dialect.js';
export type { Dialect, DialectName, DialectOptions } from './dialect.js';
export { compileFloor, startFloor } from './floor.js';
export { FrameCounter } from './frame-counter.js';
export {
  runSocketIoServer,
  runWsServer,
  SOCKET_IO_ROLE,
  startSocketIo,
  startWs,
  WS_ROLE,
} from './js-servers.js';
export { startNatsListener } from './nats-listener.js';
export { OpenStages } from './rounds.js';
export type { Cell, RoundsPlan, Weight } from './rounds.js';
export { Sink } from './sink.js';
export { runSink, SINK_ROLE, SinkProcess } from './sink-process.js';
export type { Stage, Target } from './target.js';
