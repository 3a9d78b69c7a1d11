/** An image layout cannot be used. The message is a sentence about it, and `hint` says what to do. */
export class LayoutError extends Error {
  override readonly name = "LayoutError";
  readonly hint?: string;

  constructor(message: string, hint?: string) {
    super(message);
    if (hint !== undefined) this.hint = hint;
  }
}
