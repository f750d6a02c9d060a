export { APP_NAMES } from './apps.js';
export { fleetFilePath } from './fleet-file.js';
export type { FleetFile } from './fleet-file.js';
export { startFleet } from './fleet.js';
export type { Fleet, InstanceInfo } from './fleet.js';
export type { Env, FleetEvent, FleetOptions } from './options.js';
export { botSource } from './report.js';
export type { SeedResult } from './seed.js';
