import type { ServiceAccount } from "../identity/directory.ts";
import type { World } from "../world.ts";
import { type Answer, answerCall } from "./answer.ts";
import { type Listening, listen } from "./server.ts";

const FLAVOR = { "metadata-flavor": "Google" };
const text = (body: string): Answer => ({ status: 200, body, headers: FLAVOR });
const notFound: Answer = { status: 404, body: "Not Found", headers: FLAVOR };
/** A token is given out again until so little of its life is left. */
const FRESH_MS = 5 * 60 * 1000;
/**
 * These tokens end by the machine's clock, which `advance` does not move: whoever gets one counts its life by that, and
 * would go on using one that the emulator thinks dead.
 */
const machineClock = () => new Date();

/** The metadata server that code sees which runs as this account. */
export function serveMetadata(world: World, email: string, region: string): Promise<Listening> {
  const tokens = new Map<string, { token: string; expiresAt: Date }>();
  return listen((req, res) => {
    const url = new URL(req.url ?? "/", "http://metadata");
    const record = world.record("metadata", `${req.method} ${url.pathname}`, Object.fromEntries(url.searchParams));
    record.principal = email;
    const run = (): Answer => {
      if (req.headers["metadata-flavor"] !== "Google") {
        return { status: 403, body: "Missing required header: Metadata-Flavor", headers: FLAVOR };
      }
      return answer(world, email, region, url, tokens);
    };
    answerCall(world, record, req, res, run).catch((error: unknown) => {
      if (!req.socket.destroyed) console.error("The metadata server failed:", error);
      req.socket.destroy();
    });
  });
}

function answer(
  world: World,
  email: string,
  region: string,
  url: URL,
  tokens: Map<string, { token: string; expiresAt: Date }>,
): Answer {
  const account = world.directory.account(email);
  if (account === undefined) return notFound;
  const path = url.pathname.replace(/^\/computeMetadata\/v1\/?/, "").replace(/\/$/, "");
  const project = world.directory.project(account.project);
  const [, name, what = ""] = /^instance\/service-accounts\/([^/]+)(?:\/(.+))?$/.exec(path) ?? [];
  if (name !== undefined) {
    if (name !== "default" && name !== email) return notFound;
    return aboutAccount(world, account, what, url.searchParams, tokens);
  }
  if (path === "" || path === "instance") return text("service-accounts/\n");
  if (path === "project/project-id") return text(account.project);
  if (path === "project/numeric-project-id") return text(project?.number ?? "");
  if (path === "instance/region") return text(`projects/${project?.number}/regions/${region}`);
  if (path === "instance/zone") return text(`projects/${project?.number}/zones/${region}-1`);
  if (path === "universe/universe-domain" || path === "universe/universe_domain") return text("googleapis.com");
  return notFound;
}

function aboutAccount(
  world: World,
  account: ServiceAccount,
  what: string,
  query: URLSearchParams,
  tokens: Map<string, { token: string; expiresAt: Date }>,
): Answer {
  const { email } = account;
  if (what === "email") return text(email);
  if (what === "aliases") return text("default\n");
  if (what === "scopes") return text("https://www.googleapis.com/auth/cloud-platform\n");
  if (what === "") {
    const body = { aliases: ["default"], email, scopes: ["https://www.googleapis.com/auth/cloud-platform"] };
    return { status: 200, body, headers: FLAVOR };
  }
  if (what === "identity") {
    const audience = query.get("audience");
    if (audience === null || audience === "") {
      return { status: 400, body: "non-empty audience parameter required", headers: FLAVOR };
    }
    return text(world.idTokens.sign(account, audience, query.get("format") === "full"));
  }
  if (what !== "token") return notFound;
  const scopes = query.get("scopes");
  const known = tokens.get(scopes ?? "");
  const now = machineClock().getTime();
  const fresh = known !== undefined && known.expiresAt.getTime() - now > FRESH_MS;
  const { token, expiresAt } = fresh ? known : world.tokens.mint(email, 3600, scopes?.split(/[, ]/), machineClock);
  tokens.set(scopes ?? "", { token, expiresAt });
  const seconds = Math.floor((expiresAt.getTime() - now) / 1000);
  return { status: 200, body: { access_token: token, expires_in: seconds, token_type: "Bearer" }, headers: FLAVOR };
}
