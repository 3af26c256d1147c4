/** What lower rooms get from higher ones. */
import { DEFAULT_RULES } from './alerts/model.ts';
import { insertDefaultRulesStatement } from './alerts/store.ts';
import type { Wiring } from './deps.ts';

export const WIRING: Wiring = {
  newUserStatements: (db, email, now) => [insertDefaultRulesStatement(db, email, DEFAULT_RULES, now)],
};
