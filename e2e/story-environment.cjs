// Tells a spec file, in `globalThis.hasStoryFailed`, whether anything in it has failed so far: a
// hook of its own cannot know, and the logs of a fleet are worth reading only then.
const { TestEnvironment } = require('jest-environment-node');

const FAILURES = new Set(['test_fn_failure', 'hook_failure', 'error']);

module.exports = class StoryEnvironment extends TestEnvironment {
  handleTestEvent(event) {
    if (FAILURES.has(event.name)) this.global.hasStoryFailed = true;
  }
};
