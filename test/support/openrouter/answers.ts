/** An error in OpenRouter's own shape. */
export const errorAnswer = (code: number, message: string, headers: Record<string, string> = {}): Response =>
  Response.json({ error: { code, message } }, { status: code, headers });
