/** `GET /health`. */
import { createApi } from '../http/route.ts';
import { healthSchema } from './answers.ts';
import { getHealth } from './health.ts';

export const healthApi = createApi();

healthApi.route({
  method: 'get',
  path: '/health',
  tag: 'Service',
  summary: 'How the service is',
  description: 'A job that is overdue or never ran is still 200. With a session the answer has details.',
  access: 'recognised',
  success: { status: 200, description: 'Configuration, database and encryption keys are in order', schema: healthSchema },
  problems: [503],
  handle: ({ deps, actor }) => getHealth(deps, actor),
});
