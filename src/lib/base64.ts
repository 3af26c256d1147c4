/**
 * The bytes of base64, padded or not.
 * @throws DOMException if it is none
 */
export const fromBase64 = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
