export { httpRoom } from './http-room.js';
export type { HttpRoom, HttpRoomOptions } from './http-room.js';
export { createHttpServer } from './http-server.js';
export type { HttpServerOptions } from './http-server.js';
export type { Room, ServiceLog } from './room.js';
export { ExitCode, runMain } from './run-main.js';
export type { Assembly, AssemblyFront, ProcessFront, RunMainOptions } from './run-main.js';
export { ServiceLife } from './service-life.js';
export type { Phase, ServiceLifeOptions } from './service-life.js';
