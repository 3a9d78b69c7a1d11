/** A refusal, answered as a `Status` of the API's `meta/v1`. */
export class Refusal extends Error {
  readonly code: number;
  readonly reason: string;

  constructor(code: number, reason: string, message: string) {
    super(message);
    this.code = code;
    this.reason = reason;
  }

  get body(): object {
    const { code, reason, message } = this;
    return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code };
  }
}

export function refuse(code: number, reason: string, message: string): Refusal {
  return new Refusal(code, reason, message);
}
