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

/** A proof of who calls as it stands at one moment: every request that it authenticates comes from the same caller. */
export interface Proof {
  readonly authenticate: Authenticate;
  /** The secret that the proof is made from. Whoever needs to tell callers apart looks at it; it is never stored. */
  readonly secret: { readonly token: string } | { readonly keys: AwsKeys };
}

/** Finds the caller's proof, or renews it. @throws ArtifactRegistryError where there is none */
export type Prove = (signal: AbortSignal) => Promise<Proof>;

/** What the AWS SDK resolves. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** The steps in which the SDK found them, each by the name of a feature. */
  readonly $source?: object;
}
