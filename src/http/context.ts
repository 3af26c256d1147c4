import type { Actor } from '../actor.ts';
import type { Deps } from '../deps.ts';

/** Of a signed-in user, what pages show everywhere. */
export interface Viewer {
  email: string;
  timeZone: string;
}

/** What every request carries through the app. */
export interface AppEnv {
  Bindings: Env;
  Variables: {
    deps: Deps;
    actor: Actor;
    requestId: string;
    /** Who looks at a page; null: nobody is signed in. */
    viewer: Viewer | null;
  };
}
