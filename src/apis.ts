/** In the order of the API document, which is built from this list: nothing here may import pages. */
import { alertsApi } from './alerts/api.ts';
import { auditApi } from './audit/api.ts';
import { healthApi } from './jobs/api.ts';
import { keysApi } from './keys/api.ts';
import { tokensApi } from './tokens/api.ts';
import { usageApi } from './usage/api.ts';
import { userDataApi } from './user-data/api.ts';
import { usersApi } from './users/api.ts';

export const roomApis = [usersApi, userDataApi, auditApi, keysApi, tokensApi, usageApi, alertsApi, healthApi];
