import { describe, expect, it } from 'vitest';
import { alertPages } from '../../src/alerts/pages.tsx';
import { dashboardPages } from '../../src/dashboard/pages.tsx';
import { explorePages } from '../../src/explore/pages.tsx';
import { keyPages } from '../../src/key-pages/pages.tsx';
import { tokenPages } from '../../src/tokens/pages.tsx';
import { userDataPages } from '../../src/user-data/pages.tsx';
import { userPages } from '../../src/users/pages.tsx';
import { signInPages } from '../../src/users/sign-in-pages.tsx';
import { createWorld } from '../support/world.ts';

describe('the OpenAPI document', () => {
  it('has every route of the app, and no other', async () => {
    const world = createWorld();
    const { body } = await world.json<{ paths: Record<string, object> }>('GET', '/openapi.json');
    const documented = Object.entries(body.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const rooms = [signInPages, dashboardPages, explorePages, keyPages, alertPages, tokenPages, userPages, userDataPages];
    const pages = new Set(rooms.flatMap(({ router }) => router.routes.map(({ method, path }) => `${method} ${path}`)));
    const served = world.app.routes
      .filter(({ method, path }) => method !== 'ALL' && !pages.has(`${method} ${path}`))
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    expect([...new Set(served)].sort()).toEqual(documented.sort());
  });

  it('is read by a page that loads nothing from elsewhere', async () => {
    const world = createWorld();
    const page = await world.call('GET', '/docs');
    expect(page.headers.get('content-type')).toContain('text/html');
    const html = await page.text();
    const loaded = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url ?? '');
    expect(html).toMatch(/^<!doctype html>/);
    expect(loaded.length).toBeGreaterThan(3);
    expect(loaded.filter((url) => !url.startsWith('/') || url.startsWith('//'))).toEqual([]);
    expect(html).not.toMatch(/<script>|<style|style=|\son\w+=/);
  });
});
