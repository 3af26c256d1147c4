/** Somebody with a browser that keeps cookies and sends forms, for tests of pages without a real one. */
import { expect } from 'vitest';
import type { World } from './world.ts';

export interface Visit {
  status: number;
  location: string | null;
  headers: Headers;
  html: string;
  bytes: Uint8Array;
}

/** A visitor of a world's pages; `jwt`: signed in from the start. */
export function createVisitor(world: World, jwt?: string) {
  const cookies = new Map<string, string>(jwt === undefined ? [] : [['__Host-session', jwt]]);

  async function send(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Visit> {
    const response = await world.call(method, path, {
      ...(body !== undefined && { raw: body }),
      headers: {
        accept: 'text/html',
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(body !== undefined && { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }),
        ...headers,
      },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, decodeURIComponent(value));
    }
    const bytes = new Uint8Array(await response.arrayBuffer());
    const { status, headers: given } = response;
    return { status, location: given.get('location'), headers: given, html: new TextDecoder().decode(bytes), bytes };
  }

  /** Looks at a page. */
  const visit = (path: string): Promise<Visit> => send('GET', path);
  /** Sends a form. */
  const submit = (path: string, fields: Record<string, string> = {}, headers?: Record<string, string>): Promise<Visit> =>
    send('POST', path, new URLSearchParams(fields).toString(), headers);
  /** Sends a form that succeeds, and looks at the page that it leads to. */
  async function follow(path: string, fields: Record<string, string> = {}): Promise<Visit> {
    const { status, location, html } = await submit(path, fields);
    expect([path, status, status === 303 ? '' : html]).toEqual([path, 303, '']);
    return visit(location ?? '');
  }
  return { cookies, send, visit, submit, follow };
}

/** What a page says of the form that led to it: what it did, or the summary of what was wrong with it. */
export function messageIn({ html }: Visit): string | null {
  const [, , inside] = /<(p|div) class="notice \w+" role="\w+"[^>]*>(.*?)<\/\1>/s.exec(html) ?? [];
  return inside === undefined ? null : inside.replaceAll(/(<[^>]*>)+/g, ' ').trim();
}
