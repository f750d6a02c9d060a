export { parseArguments, USAGE, UsageError } from './arguments.js';
export type { Request, Subject } from './arguments.js';
export { CHILD_WORD } from './child.js';
export { runCourse } from './course.js';
export type { Findings } from './course.js';
export { runSocketIoServer, runWsServer, SOCKET_IO_ROLE, WS_ROLE } from './js-servers.js';
export { describeCells, describeProfile, describeWeights } from './report.js';
export type { Cell, Weight } from './rounds.js';
export { runSink, SINK_ROLE } from './sink-process.js';
