const BASE = 'http://local.invalid';

/** Path and query of an address on this site; null for any other address. */
export function localPath(text: string): string | null {
  if (!text.startsWith('/') || !URL.canParse(text, BASE)) return null;
  const url = new URL(text, BASE);
  return url.origin === BASE && !url.pathname.startsWith('//') ? `${url.pathname}${url.search}` : null;
}
