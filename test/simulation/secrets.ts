/** The secrets of a run, and where they may not be. */
import { violated } from './violation.ts';

/** The random part, so that a secret is also found without the prefix that says what it is. */
const randomPartOf = (secret: string): string => secret.replace(/^(sk-or-v1-|or_api_|whsec_)/, '');

/** No secrets yet. */
export function createSecrets() {
  const known = new Set<string>();
  return {
    add: (secret: string): void => void known.add(randomPartOf(secret)),
    /** Ends the run if the text holds a secret. */
    expectNone(where: string, text: string): void {
      for (const secret of known) if (text.includes(secret)) violated(`${where} shows a secret`);
    },
  };
}

export type Secrets = ReturnType<typeof createSecrets>;
