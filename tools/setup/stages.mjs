// What `npm test` runs, cheap and explanatory first.

/**
 * The stages in order: `name` to ask for one alone, `title`, and `commands` to run one after the
 * other until one fails. `report` is the file a Jest stage writes its counts to.
 */
export function stages(reportDir) {
  const jest = (name, ...args) => {
    const report = `${reportDir}/${name}.json`;
    const command = ['jest', '--ci', ...args, '--json', `--outputFile=${report}`];
    return { commands: [command], report };
  };
  return [
    { name: 'format', title: 'Format', commands: [['prettier', '--check', '.']] },
    // Also leaves the project graph that the lint rule on module boundaries reads.
    { name: 'sync', title: 'Project references', commands: [['nx', 'sync:check']] },
    { name: 'contracts', title: 'Contracts', commands: [['npm', 'run', '-s', 'contracts:check']] },
    { name: 'types', title: 'Types', commands: [['tsc', '--build']] },
    { name: 'lint', title: 'Lint', commands: [['eslint', '.']] },
    { name: 'unit', title: 'Unit and model tests', ...jest('unit', '--maxWorkers=2') },
    {
      name: 'build',
      title: 'Build',
      commands: [['nx', 'run-many', '-t', 'build', '--parallel=2']],
    },
    {
      name: 'e2e',
      title: 'The fleet, end to end',
      ...jest('e2e', '--runInBand', '--config', 'e2e/jest.config.cjs'),
    },
  ];
}
