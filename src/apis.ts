/** The rooms that have an API, in the order of its document. It is made from this list without the app: nothing here may know of pages. */

import { alertsApi } from './alerts/api.ts';
import { auditApi } from './audit/api.ts';
import { healthApi } from './jobs/api.ts';
import { keysApi } from './keys/api.ts';
import { tokensApi } from './tokens/api.ts';
import { usageApi } from './usage/api.ts';
import { userDataApi } from './user-data/api.ts';
import { usersApi } from './users/api.ts';

export const roomApis = [usersApi, userDataApi, auditApi, keysApi, tokensApi, usageApi, alertsApi, healthApi];
