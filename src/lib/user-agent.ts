/** As in `User-Agent`. Specific names come first, since most browsers also name their ancestors. */
const BROWSERS = {
  Firefox: /Firefox\//,
  Edge: /Edg(e|A|iOS)?\//,
  Opera: /OPR\//,
  Chrome: /(Chrome|CriOS|HeadlessChrome)\//,
  Safari: /Safari\//,
};
const SYSTEMS = { Android: /Android/, iOS: /iPhone|iPad/, Windows: /Windows/, macOS: /Mac OS X/, Linux: /Linux/ };

const nameIn = (names: Record<string, RegExp>, text: string): string | undefined =>
  Object.entries(names).find(([, pattern]) => pattern.test(text))?.[0];

/** A label such as "Firefox on Linux", by which users recognize a session; null: unknown. */
export function describeClient(userAgent: string): string | null {
  const browser = nameIn(BROWSERS, userAgent);
  const system = nameIn(SYSTEMS, userAgent);
  return browser && system ? `${browser} on ${system}` : (browser ?? system ?? null);
}
