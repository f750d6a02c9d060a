import { runMain } from '@guildhall/service';
import { readConfig } from './config.js';
import { assembleProcess } from './service.js';

void runMain({
  name: 'read-states',
  process,
  assemble: ({ env, phase }) =>
    assembleProcess(readConfig(env), {
      phase,
      // Whoever has our name has our place: make room, in good order.
      onReplaced: () => process.kill(process.pid, 'SIGTERM'),
    }),
});
