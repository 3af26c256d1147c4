/** `npm start`: everything a fresh clone needs, then the Worker on this machine. Arguments go to `wrangler dev`. */

import { ensureDevVars, migrate, portOf, requireFreePort, serve } from './serve.ts';
import { option } from './wrangler.ts';

const args = process.argv.slice(2);
if (option(args, 'env-file') === undefined) await ensureDevVars();
await requireFreePort(portOf(args));
await migrate(args);
await serve(args, (origin) => {
  console.log(`\nOpenRouter Monitor is at ${origin} (reference: ${origin}/docs, health: ${origin}/health). Stop it with Ctrl+C.`);
  console.log(
    'Links in messages begin with the address under which a channel was made. Behind a proxy that ends TLS, say PUBLIC_URL="https://…" in .dev.vars: it decides the links, and that cookies are Secure.\n',
  );
});
