/** `npm start`: prepares a fresh clone and runs the Worker. Arguments go to `wrangler dev`; `--verbose` shows its log. */
import { describePublicUrl, publicUrlVar, readPublicUrl } from './public-url.ts';
import { ensureDevVars, migrate, portOf, requireFreePort, serve } from './serve.ts';
import { option } from './wrangler.ts';

const args = process.argv.slice(2);
const isNew = option(args, 'env-file') === undefined && (await ensureDevVars());
await requireFreePort(portOf(args));
await migrate(args);
await serve([...publicUrlVar(args), ...args], async (origin) => {
  console.log(`OpenRouter Monitor is at ${origin} (reference: ${origin}/docs, health: ${origin}/health). Stop it with Ctrl+C.`);
  console.log(describePublicUrl(await readPublicUrl(args), origin));
  if (isNew) console.log('Created .dev.vars with fresh random secrets.');
});
