/** The rooms that have an API, in the order of its document. It is made from this list without the app: nothing here may know of pages. */
import { accountsApi } from './accounts/api.ts';
import { alertsApi } from './alerts/api.ts';
import { auditApi } from './audit/api.ts';
import { healthApi } from './jobs/api.ts';
import { keysApi } from './keys/api.ts';
import { tokensApi } from './tokens/api.ts';
import { usageApi } from './usage/api.ts';

export const roomApis = [accountsApi, auditApi, keysApi, tokensApi, usageApi, alertsApi, healthApi];
