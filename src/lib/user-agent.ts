/** Browsers and systems by the header that they send. */

/** Names as browsers write them into `User-Agent`, the more special ones first: most also name those that they descend from. */
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

/** Browser and system of a `User-Agent`, by which a user recognises a session; null if it names none that is known. */
export function describeClient(userAgent: string): string | null {
  const browser = nameIn(BROWSERS, userAgent);
  const system = nameIn(SYSTEMS, userAgent);
  return browser && system ? `${browser} on ${system}` : (browser ?? system ?? null);
}
