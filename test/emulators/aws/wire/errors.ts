/** An error as a service answers it: its code, status and message; who is to blame matters to the query protocol. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, status = 400, fields: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = "AwsError";
    this.code = code;
    this.status = status;
    this.fields = fields;
  }
}

/** What every service can answer, whatever it is called there. */
export type CommonFailure =
  | "accessDenied"
  | "unknownKey"
  | "badSignature"
  | "expired"
  | "missing"
  | "throttled"
  | "internal"
  | "unknownAction";
