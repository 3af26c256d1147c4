import type { Actor } from '../actor.ts';
import type { Deps } from '../deps.ts';
import type { FoundToken } from '../tokens/store.ts';
import type { FoundSession } from '../users/actions.ts';
import type { StatsVersion } from '../users/model.ts';

export interface Viewer {
  email: string;
  timeZone: string;
}

/** Lookups of users and tokens, injected by the app. */
export interface Credentials {
  findSession(deps: Deps, jwt: string): Promise<FoundSession | null>;
  findToken(deps: Deps, token: string): Promise<FoundToken | null>;
  noteUse(deps: Deps, token: FoundToken): void;
  /** The next change of the user's data then makes a new version. */
  markStatsSeen(deps: Deps, userId: number): void;
}

export interface AppEnv {
  Bindings: Env;
  Variables: {
    deps: Deps;
    credentials: Credentials;
    actor: Actor;
    requestId: string;
    /** Version of the user's data when the credential was looked up; null: not recognized. */
    stats: StatsVersion | null;
    viewer: Viewer | null;
  };
}
