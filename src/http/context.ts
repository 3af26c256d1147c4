import type { Actor } from '../actor.ts';
import type { Deps } from '../deps.ts';
import type { FoundToken } from '../tokens/store.ts';
import type { FoundSession } from '../users/actions.ts';
import type { StatsVersion } from '../users/model.ts';

/** Of a signed-in user, what pages show everywhere. */
export interface Viewer {
  email: string;
  timeZone: string;
}

/** Who a credential belongs to: look-ups that the app takes from the rooms of users and tokens. */
export interface Credentials {
  /** The session that a JWT names; null: it does not verify, has expired or was ended. */
  findSession(deps: Deps, jwt: string): Promise<FoundSession | null>;
  /** The active token with this text; null: there is none. */
  findToken(deps: Deps, token: string): Promise<FoundToken | null>;
  /** Notes after the answer that a token was used. */
  noteUse(deps: Deps, token: FoundToken): void;
  /** Has the next change of the user's data make another version of them. */
  markStatsSeen(deps: Deps, userId: number): void;
}

/** What every request carries through the app. */
export interface AppEnv {
  Bindings: Env;
  Variables: {
    deps: Deps;
    credentials: Credentials;
    actor: Actor;
    requestId: string;
    /** Which state of the user's data the caller's credential was found with; null: nobody is recognised. */
    stats: StatsVersion | null;
    /** Who looks at a page; null: nobody is signed in. */
    viewer: Viewer | null;
  };
}
