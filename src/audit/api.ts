import { createApi } from '../http/route.ts';
import { pageQuerySchema } from '../lib/paging.ts';
import { listAudit } from './actions.ts';
import { auditPageSchema } from './responses.ts';

export const auditApi = createApi();

auditApi.route({
  method: 'get',
  path: '/api/audit',
  tag: 'Account',
  summary: 'List your activity log',
  description: 'Sign-ins, including failed ones, and changes: who, what, when and from where. Kept for a year.',
  access: 'session',
  query: pageQuerySchema,
  success: { status: 200, description: 'A page of events, newest first', schema: auditPageSchema },
  handle: ({ deps, actor, query }) => listAudit(deps, actor, query),
});
