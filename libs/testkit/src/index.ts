export { startProcess } from './servers/child-process.js';
export type { Exit, ProcessOptions, RunningProcess } from './servers/child-process.js';
export { freePort, isPortFree } from './servers/free-port.js';
export { findNatsServer } from './servers/nats-binary.js';
export type { NatsUser } from './servers/nats-config.js';
export { startNats } from './servers/nats.js';
export type { NatsOptions, NatsServer } from './servers/nats.js';
export type { PostgresRole } from './servers/postgres-cluster.js';
export { removePostgres, startPostgres } from './servers/postgres.js';
export type { PostgresOptions, PostgresServer } from './servers/postgres.js';
export { httpAnswers, natsAnswers, postgresAnswers, until } from './servers/probes.js';
export { tempDir } from './servers/temp-dir.js';
export type { TempDir } from './servers/temp-dir.js';
export { workspaceRoot } from './servers/workspace.js';
export { eventually, shown } from './eventually.js';
export type { EventuallyOptions, NotYet } from './eventually.js';
export { SeededRandom, seedFromEnv } from './random.js';
export { TestGatewayClient } from './gateway-client.js';
export type {
  GatewayAddress,
  GatewayClose,
  GatewaySession,
  IdentifyOptions,
} from './gateway-client.js';
export { ProtocolViolation } from './gateway-payload.js';
export type { GatewayPayload } from './gateway-payload.js';
export { TestApi } from './http-client.js';
export type { ApiFile, ApiOptions, ApiResponse, RequestOptions, TokenKind } from './http-client.js';
export type { Wanted, WaitOptions } from './payload-record.js';
