// A program of its own, so that it can be forked from anywhere.
import { runClientProcess } from './client-main.js';

runClientProcess();
