/** Gives each file of scenarios a database of its own: modules are shared by all files that run in one process. */
import { startAnew } from './node-workers.ts';

startAnew();
