import { createPages } from '../http/pages/page.tsx';
import { dayOf } from '../lib/day.ts';
import { deleteAccountSchema } from '../users/model.ts';
import { showAccount } from '../users/pages.tsx';
import { deleteAccount } from './actions.ts';
import { streamExport } from './export.ts';

export const userDataPages = createPages();
const { page, form } = userDataPages;

page('/account/export', 'session', ({ c, deps, actor }) => {
  c.header('content-type', 'application/json; charset=utf-8');
  c.header('content-disposition', `attachment; filename="openrouter-monitor-${dayOf(deps.now())}.json"`);
  return c.req.method === 'HEAD' ? c.body(null) : c.body(streamExport(deps, actor));
});

form({
  path: '/account/delete',
  access: 'session',
  schema: deleteAccountSchema,
  async act({ deps, actor, body }) {
    await deleteAccount(deps, actor, body);
    return { to: '/', message: 'Your account is deleted.', session: null };
  },
  show: showAccount,
});
