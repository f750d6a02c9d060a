import { runMain } from '@guildhall/service';
import { readConfig } from './config.js';
import { assembleProcess } from './service.js';

void runMain({
  name: 'read-states',
  process,
  assemble: ({ env, phase, end }) =>
    assembleProcess(readConfig(env), {
      phase,
      onReplaced: () => end('another process has the name of this instance'),
    }),
});
