import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createApplication } from "../../core/application.ts";
import type { AuditLine } from "../../core/audit.ts";
import { type AuthenticatedCaller, doorCaller } from "../../core/caller.ts";
import type { Door } from "../../core/doors.ts";
import type { ErrorLine } from "../../core/error-log.ts";
import { ArtifactRegistryError, type ErrorJson } from "../../core/errors.ts";
import { createHttp } from "../../core/http.ts";
import type { OperationName } from "../../core/operations.ts";
import { passingPageKey } from "../../core/pages.ts";
import type { Environment, Platform } from "../../core/platform.ts";
import type { Capabilities, GranteeAccess, Image } from "../../core/registry-schemas.ts";
import type { Rule } from "../../core/rules.ts";
import { fixedRules } from "../../core/rules-source.ts";
import type { ArtifactRegistryCredentials, Backfill, RepositoryResponse } from "../../core/schemas.ts";
import { requestListener } from "../../core/server/http.ts";
import { readDirectory } from "../../core/suite.ts";
import { watchedLog } from "../support/secrets.ts";

/**
 * The callers of the suite. No rule says that `reader` may push; `production` and `staging` are one subject, whose rule asks for
 * the first one's claim; the credentials of `hurried` and `instant` may live for 1,000 seconds and for 5; `granter` may let in one
 * consumer; `lister` lists the repositories whose names hold `visible`; `builder` may push everywhere, and pull from repositories whose names hold `base`; `stranger` holds a good token that no rule names; `nobody` holds none.
 */
export type CallerName = keyof typeof tokens | "nobody" | "forger";

export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** What each operation answers, so that tests read like calls. */
interface Outputs {
  createRepository: RepositoryResponse;
  getRepository: RepositoryResponse;
  setupRepository: RepositoryResponse;
  listRepositories: { repositories: RepositoryResponse[]; nextPageToken?: string };
  listImages: { images: Image[]; nextPageToken?: string };
  listGranteeAccess: { repositories: GranteeAccess[]; nextPageToken?: string };
  removeGranteeAccess: { changed: string[]; nextPageToken?: string };
  generateCredentials: ArtifactRegistryCredentials;
  describeRegistry: {
    service: string;
    registryEndpoint: string;
    upstreamRepositoryPrefix: string;
    capabilities: Capabilities;
    health: { status: string; findings: { message: string }[] };
  };
  revokeCredentials: { notBefore: string; certainBy: string };
  provisionRegistry: { binding: Record<string, unknown>; backfills?: Backfill[] };
}
type Output<Name extends OperationName> = Name extends keyof Outputs ? Outputs[Name] : Record<string, never>;

/** The suite's HTTP API on a real socket, over one platform, with callers told apart by their token. */
export interface Suite {
  readonly url: string;
  readonly audit: readonly AuditLine[];
  /** Calls an operation that must succeed. */
  ok<Name extends OperationName>(name: Name, input: object, as?: CallerName): Promise<Output<Name>>;
  /** Calls an operation that must be refused. */
  refused(name: string, input: unknown, as?: CallerName): Promise<Answer<ErrorJson>>;
  stop(): Promise<void>;
}

const tokens = {
  alice: doorCaller("alice"),
  bob: doorCaller("bob"),
  reader: doorCaller("reader"),
  builder: doorCaller("builder"),
  production: { ...doorCaller("deployer"), claims: { environment: "production", ref: "main" } },
  staging: { ...doorCaller("deployer"), claims: { environment: "staging", ref: "main" } },
  hurried: doorCaller("hurried"),
  instant: doorCaller("instant"),
  granter: doorCaller("granter"),
  lister: doorCaller("lister"),
  stranger: doorCaller("stranger"),
} satisfies Record<string, AuthenticatedCaller>;

const tokenOf = (name: keyof typeof tokens) => `token-of-${name}`;

/** The one consumer whom `granter` may let in, on either cloud. */
export const onlyGrantee = "444455556666";
/** Another consumer, whom `granter` may not let in. */
export const otherGrantee = "555566667777";

export async function startSuite(platform: Platform, env: Environment, registries: readonly string[]): Promise<Suite> {
  const audit = watchedLog<AuditLine>();
  const errors = watchedLog<ErrorLine>();
  const everywhere = { registries: [...registries], repositories: ["*"], grantees: ["*"] };
  const reader = { callers: [doorCaller("reader")], ...everywhere };
  const builder = { callers: [doorCaller("builder")], operations: ["generateCredentials"], ...everywhere };
  const rules: Rule[] = [
    {
      callers: [doorCaller("alice"), doorCaller("bob")],
      operations: ["*"],
      ...everywhere,
      permissions: ["pull", "push-pull"],
    },
    { ...reader, operations: ["*"] },
    // Says "push-pull", but allows no credentials: it must not lend the permission to the rule above.
    { ...reader, operations: ["getRepository"], permissions: ["pull", "push-pull"] },
    {
      callers: [{ ...doorCaller("deployer"), claims: { environment: ["production"] } }],
      operations: ["*"],
      ...everywhere,
    },
    { callers: [doorCaller("hurried")], operations: ["*"], ...everywhere, maxTtlSeconds: 1_000 },
    { callers: [doorCaller("instant")], operations: ["*"], ...everywhere, maxTtlSeconds: 5 },
    {
      callers: [doorCaller("granter")],
      operations: ["*"],
      ...everywhere,
      grantees: [`aws:${onlyGrantee}`, `gcp:${onlyGrantee}`],
    },
    {
      callers: [doorCaller("lister")],
      operations: ["listRepositories"],
      registries: [...registries],
      repositories: ["*visible*"],
    },
    { ...builder, permissions: ["push-pull"] },
    { ...builder, repositories: ["*base*"], permissions: ["pull"] },
  ];
  const application = createApplication({
    directory: readDirectory(platform, env, rules),
    rules: fixedRules(rules),
    door: tokenDoor(),
    pages: passingPageKey(),
    audit: (line) => void audit.push(line),
    errorLog: (line) => void errors.push(line),
  });
  const http = createHttp(application);
  const server = createServer(
    requestListener((request, { socket }) => http(request, { address: socket.remoteAddress })),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const send = async (name: string, input: unknown, as: CallerName): Promise<Answer<unknown>> => {
    const token = as === "nobody" ? undefined : as === "forger" ? "not-a-token" : tokenOf(as);
    const response = await fetch(`${url}/v1/${name}`, {
      method: "POST",
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      body: typeof input === "string" ? input : JSON.stringify(input),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  return {
    url,
    audit,
    async ok(name, input, as = "alice") {
      const { status, body } = await send(name, input, as);
      if (status !== 200) throw new Error(`${name} answered ${status}: ${JSON.stringify(body)}`);
      return body as Output<typeof name>;
    },
    async refused(name, input, as = "alice") {
      const answer = await send(name, input, as);
      if (answer.status < 400) throw new Error(`${name} was not refused: ${JSON.stringify(input).slice(0, 200)}`);
      return answer as Answer<ErrorJson>;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** As the local door, but with several callers. */
function tokenDoor(): Door {
  return {
    name: "local",
    accepts: "http",
    admits: () => true,
    async authenticate({ authorization }) {
      for (const name of Object.keys(tokens) as (keyof typeof tokens)[]) {
        if (authorization === `Bearer ${tokenOf(name)}`) return tokens[name];
      }
      throw new ArtifactRegistryError("AUTHENTICATION_ERROR", "Unknown token.");
    },
  };
}
