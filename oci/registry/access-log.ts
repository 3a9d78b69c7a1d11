/** The access log: a line for each request, in the form of the suite's audit log. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Caller } from "./auth/authorize.ts";
import type { Route } from "./route.ts";
import { parseDigest, parseRepositoryName, parseTag } from "./store/names.ts";

/** Who asked the registry for what, and what came of it. It holds no secret, and no text of a client that was not checked. */
export interface AccessLine {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly door: "registry";
  readonly source: { readonly address?: string; readonly userAgent?: string };
  /** Absent where there is no such operation. */
  readonly operation?: string;
  /** The repository. */
  readonly repoId?: string;
  /** The digest or the tag that the request names. */
  readonly reference?: string;
  /** The repository that a mount takes its blob from. */
  readonly from?: string;
  /** The `jti` of the credential: that of the audit log's line on its minting. A bearer has that of its credential. */
  readonly credentialId?: string;
  /** `OK`, the code of the error, or `INCOMPLETE` where the client did not wait for the whole answer. */
  readonly outcome: string;
  /** The HTTP status. */
  readonly status: number;
  readonly milliseconds: number;
}

/** Takes the lines, each when its request has been answered. */
export type AccessLog = (line: AccessLine) => void;

/** What is found out about a request while it is answered. */
export interface Noted {
  route?: Route;
  query?: URLSearchParams;
  caller?: Caller;
  /** The code of the error that was the answer. */
  code?: string;
}

/** What each request is called, by its path and its method. */
const operationNames: Readonly<Record<Route["kind"], Readonly<Record<string, string>>>> = {
  base: { GET: "ping", HEAD: "ping" },
  token: { GET: "exchangeToken", POST: "exchangeToken" },
  catalog: { GET: "listRepositories", HEAD: "listRepositories" },
  blob: { GET: "pullBlob", HEAD: "headBlob", DELETE: "deleteBlob" },
  uploads: { POST: "startUpload" },
  upload: {
    GET: "describeUpload",
    HEAD: "describeUpload",
    PATCH: "continueUpload",
    PUT: "finishUpload",
    DELETE: "cancelUpload",
  },
  manifest: { GET: "pullManifest", HEAD: "headManifest", PUT: "pushManifest", DELETE: "deleteManifest" },
  tags: { GET: "listTags", HEAD: "listTags" },
  referrers: { GET: "listReferrers", HEAD: "listReferrers" },
  repositories: { GET: "listRepositories", HEAD: "listRepositories" },
  images: { GET: "listImages", HEAD: "listImages" },
  repository: { GET: "getRepository", HEAD: "getRepository", DELETE: "deleteRepository" },
};

/**
 * Sees to the line of one request, which is written when its answer has ended.
 *
 * @returns what the request's handlers fill in
 */
export function logAccess(
  { req, res }: { readonly req: IncomingMessage; readonly res: ServerResponse },
  { access, clock, elapsed }: { access: AccessLog; clock: () => Date; elapsed: () => number },
): Noted {
  const noted: Noted = {};
  const begun = elapsed();
  const time = clock().toISOString();
  // Taken now: the socket forgets it when it ends.
  const { remoteAddress } = req.socket;
  const userAgent = req.headers["user-agent"];
  res.once("close", () => {
    const source = { ...(remoteAddress && { address: remoteAddress }), ...(userAgent && { userAgent }) };
    const outcome = noted.code ?? (res.writableFinished ? "OK" : "INCOMPLETE");
    const milliseconds = Math.round(elapsed() - begun);
    const status = res.statusCode;
    access({ time, door: "registry", source, ...meant(req.method ?? "GET", noted), outcome, status, milliseconds });
  });
  return noted;
}

function meant(method: string, { route, query, caller }: Noted): Partial<AccessLine> {
  const credential = caller === undefined ? {} : { credentialId: caller.root };
  if (route === undefined) return credential;
  const operation = operationNames[route.kind][method];
  const repoId = "name" in route ? parseRepositoryName(route.name) : undefined;
  const isUpload = route.kind === "uploads" || route.kind === "upload";
  const named = isUpload ? (query?.get("mount") ?? query?.get("digest")) : "tail" in route ? route.tail : undefined;
  const reference = parseDigest(named ?? "")?.text ?? (isUpload ? undefined : parseTag(named ?? ""));
  const from = route.kind === "uploads" ? parseRepositoryName(query?.get("from") ?? "") : undefined;
  return {
    ...(operation !== undefined && { operation }),
    ...(repoId !== undefined && { repoId }),
    ...(reference !== undefined && { reference }),
    ...(from !== undefined && { from }),
    ...credential,
  };
}
