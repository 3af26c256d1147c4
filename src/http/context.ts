import type { StatsVersion } from '../accounts/model.ts';
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
    /** Which state of the user's data the caller's credential was found with; null: nobody is recognised. */
    stats: StatsVersion | null;
    /** Who looks at a page; null: nobody is signed in. */
    viewer: Viewer | null;
  };
}
