/** What a text says in JSON; undefined where it is none. The parser's own error would repeat a part of the text. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
