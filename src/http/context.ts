import type { Actor } from '../actor.ts';
import type { Deps } from '../deps.ts';

/** What every request carries through the app. */
export interface AppEnv {
  Bindings: Env;
  Variables: {
    deps: Deps;
    actor: Actor;
    requestId: string;
  };
}
