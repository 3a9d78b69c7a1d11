/** A request as it is about to be sent. */
export interface Unsigned {
  readonly method: "POST";
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Adds what proves who calls. @returns all the headers of the request */
export type Authenticate = (request: Unsigned) => Promise<Record<string, string>>;
