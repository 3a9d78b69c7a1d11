/** A refusal. Each service writes it in its own form. */
export class AzureError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What a registry adds to its errors. */
  readonly detail: unknown;

  constructor(
    status: number,
    code: string,
    message: string,
    more: { readonly headers?: Readonly<Record<string, string>>; readonly detail?: unknown } = {},
  ) {
    super(message);
    this.name = "AzureError";
    this.status = status;
    this.code = code;
    this.headers = more.headers ?? {};
    this.detail = more.detail;
  }
}
