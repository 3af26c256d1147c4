/** A key's text that no other test uses. */
export const freshKeyText = (): string =>
  `sk-or-v1-${[...crypto.getRandomValues(new Uint8Array(32))].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
