import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the checkout this file is in. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
