// All unit and model suites in one run. The fleet stories in e2e/ are run apart: they need the
// built apps and a PostgreSQL and NATS of their own.
module.exports = {
  projects: [
    '<rootDir>/libs/*/jest.config.cjs',
    '<rootDir>/apps/*/jest.config.cjs',
    '<rootDir>/tools/*/jest.config.cjs',
  ],
};
