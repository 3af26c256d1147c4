import { createApi } from '../http/route.ts';
import { getHealth } from './health.ts';
import { healthSchema } from './responses.ts';

export const healthApi = createApi();

healthApi.route({
  method: 'get',
  path: '/health',
  tag: 'Service',
  summary: 'Service health',
  description: 'An overdue job, or one that never ran, still answers 200. With a session the answer has details.',
  access: 'recognised',
  success: { status: 200, description: 'Configuration, database and encryption keys are in order', schema: healthSchema },
  problems: [503],
  handle: ({ deps, actor }) => getHealth(deps, actor),
});
