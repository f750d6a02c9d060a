export { readRepository } from './repository.js';
export { RULES } from './rules.js';
