import { basic, parseChallenge, tokenUrl } from "./challenge.ts";
import { TYPES } from "./content.ts";
import { type Answer, type Ask, send } from "./http.ts";

/** What a client of today understands; a registry may give no manifest of another type. */
const ACCEPT = [TYPES.image, TYPES.index, TYPES.dockerImage, TYPES.dockerList].join(", ");

export type Target = {
  readonly url: string;
  /** Every repository that the judge writes to lies below this name. */
  readonly namespace: string;
  /** With `token`, requests are authenticated as the challenge says; the cases on tokens are judged as well. */
  readonly auth: "none" | "token";
  readonly credentials?: { readonly username: string; readonly password: string };
};

export type Registry = Target & {
  /** The full name of one of the judge's repositories. */
  repository(slug: string): string;
  /** A request as a client makes it: authenticated where that is asked for, and redirected where a blob is elsewhere. */
  ask(method: string, path: string, options?: Ask): Promise<Answer>;
  /** A request with nothing added. */
  bare(method: string, path: string, options?: Ask): Promise<Answer>;
};

export function openRegistry(target: Target): Registry {
  const base = target.url.replace(/\/+$/, "");
  const tokens = new Map<string, string>();
  const absolute = (path: string) => (/^https?:/.test(path) ? path : `${base}${path}`);
  const bare: Registry["bare"] = (method, path, options) => send(method, absolute(path), options);

  async function authorization(answer: Answer): Promise<string | undefined> {
    const challenge = parseChallenge(answer.headers["www-authenticate"]);
    if (challenge === undefined || target.credentials === undefined) return undefined;
    const credential = basic(target.credentials);
    if (challenge.scheme === "basic") return credential;
    const issued = await send("GET", tokenUrl(challenge), { headers: { Authorization: credential } });
    if (issued.status !== 200) return undefined;
    const { token, access_token } = JSON.parse(issued.body.toString()) as { token?: string; access_token?: string };
    return `Bearer ${token ?? access_token}`;
  }

  async function authenticated(method: string, path: string, options: Ask = {}): Promise<Answer> {
    const key = `${method} ${scopeOf(path)}`;
    const withToken = (): Ask => {
      const held = tokens.get(key);
      return held === undefined ? options : { ...options, headers: { Authorization: held, ...options.headers } };
    };
    const first = await bare(method, path, withToken());
    if (first.status !== 401) return first;
    const fresh = await authorization(first);
    if (fresh === undefined) return first;
    tokens.set(key, fresh);
    return bare(method, path, withToken());
  }

  return {
    ...target,
    repository: (slug) => (slug === "" ? target.namespace : `${target.namespace}/${slug}`),
    bare,
    async ask(method, path, given) {
      const reads = (method === "GET" || method === "HEAD") && path.includes("/manifests/");
      const options = reads ? { ...given, headers: { Accept: ACCEPT, ...given?.headers } } : given;
      let answer = await authenticated(method, path, options);
      for (let hops = 0; hops < 5 && isRedirect(method, answer); hops++) {
        answer = await send(method, locationOf(answer), headersWithoutSecret(options));
      }
      return answer;
    },
  };
}

/** Where a `Location` leads, seen from the request that it answers. */
export function locationOf({ headers, url }: Answer): string {
  if (headers.location === undefined) throw new Error("the answer has no Location");
  return new URL(headers.location, url).href;
}

/** What a token is kept for: the repository, and that from which a blob is mounted. */
function scopeOf(path: string): string {
  const [, name = path] = /\/v2\/(.+?)\/(?:blobs|manifests|tags|referrers)\//.exec(path) ?? [];
  return `${name} ${/[?&]from=([^&]*)/.exec(path)?.[1] ?? ""}`;
}

function isRedirect(method: string, { status, headers }: Answer): boolean {
  const moved = [301, 302, 303, 307, 308].includes(status);
  return (method === "GET" || method === "HEAD") && moved && headers.location !== undefined;
}

function headersWithoutSecret({ headers = {} }: Ask = {}): Ask {
  return { headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "Authorization")) };
}
