/** A base that no address on the web has. */
const BASE = 'http://local.invalid';

/** The path and query of an address on this very site, or null for everything that leads elsewhere. */
export function localPath(text: string): string | null {
  if (!text.startsWith('/') || !URL.canParse(text, BASE)) return null;
  const url = new URL(text, BASE);
  return url.origin === BASE && !url.pathname.startsWith('//') ? `${url.pathname}${url.search}` : null;
}
