import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { createClient, digestOf } from "../../../oci/client/index.ts";
import { bodyOf, reply, type Server, serve } from "./server.ts";

const credentials = { username: "token", password: "correct horse battery" };
const basic = `Basic ${Buffer.from("token:correct horse battery").toString("base64")}`;

type Token = { value: string; scopes: string[]; authorization: string | undefined };

/** A registry that takes only tokens of its own token endpoint, each for the scopes that it was asked for. */
async function tokenRegistry(
  options: { expiresIn?: number; key?: "token" | "access_token"; accept?: (token: Token) => boolean } = {},
) {
  const tokens: Token[] = [];
  const server: Server = await serve(async (request, response) => {
    const url = new URL(request.url ?? "", server.url);
    if (url.pathname === "/token") {
      if (request.headers.authorization !== basic) return reply(response, 401, { errors: [{ code: "UNAUTHORIZED" }] });
      const scopes = url.searchParams.getAll("scope").flatMap((one) => one.split(" "));
      const issued = { value: `bearer-number-${tokens.length}`, scopes, authorization: request.headers.authorization };
      tokens.push(issued);
      return reply(response, 200, { [options.key ?? "token"]: issued.value, expires_in: options.expiresIn ?? 300 });
    }
    const token = tokens.find((one) => request.headers.authorization === `Bearer ${one.value}`);
    if (token === undefined || !(options.accept?.(token) ?? true)) {
      const wanted = request.method === "GET" || request.method === "HEAD" ? "pull" : "pull,push";
      const scope = url.pathname === "/v2/" ? "" : `,scope="repository:team/app:${wanted}"`;
      const realm = `Bearer realm="${server.url}/token",service="here"${scope}`;
      return reply(response, 401, { errors: [{ code: "UNAUTHORIZED" }] }, { "www-authenticate": realm });
    }
    await answerRegistry(request, response, server);
  });
  return { server, tokens, client: (now?: () => number) => createClient({ url: server.url, credentials, now }) };
}

async function answerRegistry(request: IncomingMessage, response: Parameters<typeof reply>[0], server: Server) {
  const body = await bodyOf(request);
  if (request.method === "POST")
    return reply(response, 202, "", { location: `${server.url}/v2/team/app/blobs/uploads/1?_state=s` });
  if (request.method === "PUT") return reply(response, body.byteLength > 0 ? 201 : 400);
  reply(response, 200, { tags: ["1"] });
}

describe("bearer tokens", () => {
  test("are asked for once per scope, with Basic at the realm, and used again", async () => {
    const { server, tokens, client } = await tokenRegistry();
    const one = client();
    await one.tags("team/app");
    await one.tags("team/app");
    await Promise.all([one.tags("team/app"), one.headManifest("team/app", "1")]);
    expect(tokens).toEqual([{ value: "bearer-number-0", scopes: ["repository:team/app:pull"], authorization: basic }]);
    expect(server.seen.filter(({ url }) => url.startsWith("/v2/")).map(({ authorization }) => authorization)).toEqual([
      undefined,
      ...Array(4).fill("Bearer bearer-number-0"),
    ]);
    expect(server.seen.find(({ url }) => url.startsWith("/token"))?.url).toContain("service=here");
  });

  test("are asked for once by callers who come at the same time", async () => {
    const { tokens, client } = await tokenRegistry();
    const one = client();
    await Promise.all(Array.from({ length: 20 }, () => one.tags("team/app")));
    expect(tokens).toHaveLength(1);
  });

  test("may come as access_token", async () => {
    const { client } = await tokenRegistry({ key: "access_token" });
    await expect(client().tags("team/app")).resolves.toEqual(["1"]);
  });

  test("may come as access_token beside an empty token", async () => {
    const server: Server = await serve((request, response) => {
      if (request.url?.startsWith("/token")) return reply(response, 200, { token: "", access_token: "the-token" });
      if (request.headers.authorization === "Bearer the-token") return reply(response, 200, { tags: ["1"] });
      reply(response, 401, "", { "www-authenticate": `Bearer realm="${server.url}/token"` });
    });
    await expect(createClient({ url: server.url, credentials }).tags("a")).resolves.toEqual(["1"]);
  });

  describe("are asked for in the form of the challenge", () => {
    /** A registry that names one scope in every challenge, and takes tokens that have another one. */
    async function registryOf({ named, takes, refuses }: { named: string; takes: RegExp; refuses?: RegExp }) {
      const asked: string[][] = [];
      const server: Server = await serve((request, response) => {
        const url = new URL(request.url ?? "", server.url);
        if (url.pathname === "/token") {
          const scopes = url.searchParams.getAll("scope");
          asked.push(scopes);
          const refused = refuses !== undefined && scopes.some((each) => refuses.test(each));
          return reply(response, refused ? 400 : 200, { token: scopes.join(" ") });
        }
        if (takes.test(request.headers.authorization ?? "")) return reply(response, 202);
        const error = request.headers.authorization === undefined ? "" : ',error="insufficient_scope"';
        const challenge = `Bearer realm="${server.url}/token",scope="${named}"${error}`;
        reply(response, 401, { errors: [{ code: "UNAUTHORIZED" }] }, { "www-authenticate": challenge });
      });
      return { server, asked, client: createClient({ url: server.url, credentials }) };
    }

    test("and not in ours, which Quay refuses for a deletion", async () => {
      const named = "repository:a:pull,push";
      const { asked, client } = await registryOf({ named, takes: /pull,push/, refuses: /delete/ });
      await expect(client.deleteManifest("a", "1")).resolves.toBe(true);
      expect(asked).toEqual([[named]]);
    });

    test("and then in ours too, if the challenge names less than is needed", async () => {
      const { asked, client } = await registryOf({ named: "repository:a:pull", takes: /delete/ });
      await expect(client.deleteManifest("a", "1")).resolves.toBe(true);
      expect(asked).toEqual([["repository:a:pull"], ["repository:a:pull", "repository:a:delete"]]);
    });

    test("and the registry's refusal stands, if the token service does not know ours", async () => {
      const { client } = await registryOf({ named: "repository:a:pull", takes: /never/, refuses: /delete/ });
      const refused = client.deleteManifest("a", "1");
      await expect(refused).rejects.toMatchObject({ status: 401, code: "UNAUTHORIZED", authenticated: true });
    });
  });

  test("that the registry refuses after a successful exchange tell that the password was right", async () => {
    const { client } = await tokenRegistry({ accept: () => false });
    await expect(client().tags("team/app")).rejects.toMatchObject({ status: 401, authenticated: true });
    // As Harbor, which asks for Basic once it has seen a token.
    const harbor: Server = await serve((request, response) => {
      if (request.url?.startsWith("/token")) return reply(response, 200, { token: "the-token", expires_in: 300 });
      const asks = request.headers.authorization === undefined ? `Bearer realm="${harbor.url}/token"` : "Basic";
      reply(response, 401, "", { "www-authenticate": asks });
    });
    const one = createClient({ url: harbor.url, credentials });
    for (let i = 0; i < 3; i++) await expect(one.tags("a")).rejects.toMatchObject({ status: 401, authenticated: true });
    const server = (await tokenRegistry()).server;
    const stranger = createClient({ url: server.url, credentials: { username: "token", password: "wrong-password" } });
    await expect(stranger.tags("team/app")).rejects.toMatchObject({ status: 401, authenticated: false });
  });

  test("are used until they expire and not after", async () => {
    const { tokens, client } = await tokenRegistry({ expiresIn: 10 });
    let now = 1_000_000;
    const one = client(() => now);
    await one.tags("team/app");
    now += 9_999;
    await one.tags("team/app");
    expect(tokens).toHaveLength(1);
    now += 1;
    await one.tags("team/app");
    expect(tokens).toHaveLength(2);
  });

  test("that the registry stops taking are renewed once, and the request is sent again once", async () => {
    let revoked = "";
    const { server, tokens, client } = await tokenRegistry({ accept: (token) => token.value !== revoked });
    const one = client();
    await one.tags("team/app");
    revoked = "bearer-number-0";
    await expect(one.tags("team/app")).resolves.toEqual(["1"]);
    expect(tokens).toHaveLength(2);
    expect(server.seen.filter(({ url }) => url.startsWith("/v2/"))).toHaveLength(4);
  });

  test("that are never taken end after one retry, as the registry's refusal", async () => {
    const { server, client } = await tokenRegistry({ accept: () => false });
    await expect(client().tags("team/app")).rejects.toMatchObject({ status: 401, code: "UNAUTHORIZED" });
    expect(server.seen.filter(({ url }) => url.startsWith("/v2/"))).toHaveLength(2);
  });

  test("for a mount cover both repositories", async () => {
    const { tokens, client } = await tokenRegistry();
    const body = Buffer.from("layer");
    await client().pushBlob("team/app", { digest: digestOf(body), body, mountFrom: "team/base" });
    expect(tokens.map(({ scopes }) => scopes)).toEqual([
      ["repository:team/app:pull,push", "repository:team/base:pull"],
    ]);
  });

  test("are had before a stream is sent, for a stream cannot be sent twice", async () => {
    const { server, client } = await tokenRegistry();
    const body = Buffer.from("streamed layer");
    await client().pushBlob("team/app", {
      digest: digestOf(body),
      size: body.byteLength,
      body: (async function* () {
        yield body;
      })(),
    });
    const put = server.seen.filter(({ method }) => method === "PUT");
    expect(put).toHaveLength(1);
    expect(put[0]).toMatchObject({ authorization: "Bearer bearer-number-0", headers: { "content-length": "14" } });
  });

  test("are shared with the same client under another signal, and a signal ends a request", async () => {
    const { tokens, client } = await tokenRegistry();
    const one = client();
    await one.tags("team/app");
    await one.withSignal(new AbortController().signal).tags("team/app");
    expect(tokens).toHaveLength(1);
    const gone = AbortSignal.abort(new Error("too late"));
    await expect(one.withSignal(gone).tags("team/app")).rejects.toThrow("too late");
  });

  test("that somebody began to renew and went away are renewed for those who wait, also the second time", async () => {
    const [refusable, waiting] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    /** Ends the request of each exchange that is never answered, when it has come. */
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const beginners: AbortSignal[] = [];
    let [revoked, exchanges, refusals, refused] = [false, 0, 0, 0];
    const server: Server = await serve(async (request, response) => {
      const { url = "", headers } = request;
      if (url.startsWith("/token")) {
        exchanges += 1;
        if (exchanges === 2) return first.resolve();
        if (exchanges === 3) return second.resolve();
        return reply(response, 200, { token: `bearer-number-${exchanges}`, expires_in: 300 });
      }
      if (headers.authorization === "Bearer bearer-number-1" && revoked) {
        // All send the token that is revoked before the first of them renews it.
        refusals += 1;
        if (refusals === 4) refusable.resolve();
        await refusable.promise;
      } else if (headers.authorization !== undefined) {
        return reply(response, 200, { tags: ["1"] });
      }
      reply(response, 401, "", { "www-authenticate": `Bearer realm="${server.url}/token"` });
    });
    const client = createClient({
      url: server.url,
      credentials,
      fetch: async (url, init) => {
        if (revoked && String(url).includes("/token") && init?.signal) beginners.push(init.signal);
        const response = await fetch(url, init);
        if (revoked && response.status === 401) refused += 1;
        // By the next turn of the event loop all of them wait for the exchange.
        if (refused === 4) setImmediate(waiting.resolve);
        return response;
      },
    });
    await client.tags("team/app");
    revoked = true;
    const callers = Array.from({ length: 4 }, () => {
      const leaver = new AbortController();
      return { leaver, tags: client.withSignal(leaver.signal).tags("team/app") };
    });
    const ended = Promise.allSettled(callers.map(({ tags }) => tags));
    await Promise.all([waiting.promise, first.promise]);
    for (const began of [second.promise, undefined]) {
      callers.find(({ leaver }) => leaver.signal === beginners.at(-1))?.leaver.abort(new Error("gone"));
      await began;
    }
    const answers = await ended;
    const gone = new Error("gone");
    expect(answers.flatMap((each) => (each.status === "rejected" ? [each.reason] : []))).toEqual([gone, gone]);
    expect(answers.flatMap((each) => (each.status === "fulfilled" ? each.value : []))).toEqual(["1", "1"]);
    expect(exchanges).toBe(4);
  });

  test("given by the caller are sent as they are and never exchanged", async () => {
    const { server } = await tokenRegistry();
    const client = createClient({ url: server.url, credentials: { bearer: "made-elsewhere" } });
    await expect(client.tags("team/app")).rejects.toMatchObject({ status: 401 });
    expect(server.seen.map(({ authorization }) => authorization)).toEqual(["Bearer made-elsewhere"]);
  });

  test("are asked for without credentials where there are none", async () => {
    const server: Server = await serve((request, response) => {
      if (request.url?.startsWith("/token")) return reply(response, 200, { token: "anonymous-token" });
      if (request.headers.authorization === "Bearer anonymous-token") return reply(response, 200, { tags: [] });
      reply(response, 401, "", { "www-authenticate": `Bearer realm="${server.url}/token"` });
    });
    await expect(createClient({ url: server.url }).tags("a")).resolves.toEqual([]);
    expect(server.seen[1]).toMatchObject({ url: "/token?scope=repository%3Aa%3Apull", authorization: undefined });
  });

  test("cannot be had with a wrong password: the token service's refusal is the answer, without the password", async () => {
    const { server } = await tokenRegistry();
    const client = createClient({ url: server.url, credentials: { username: "token", password: "wrong-password" } });
    const error = await client.tags("team/app").catch((caught: unknown) => caught);
    expect(error).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
    expect(JSON.stringify(error)).not.toContain("wrong-password");
  });

  test.each([
    ["no token", {}],
    ["an empty token", { token: "" }],
    ["not an object", "hello"],
  ])("%s in the answer is an unexpected response", async (_, answer) => {
    const server: Server = await serve((request, response) => {
      if (request.url?.startsWith("/token")) return reply(response, 200, answer);
      reply(response, 401, "", { "www-authenticate": `Bearer realm="${server.url}/token"` });
    });
    const client = createClient({ url: server.url, credentials });
    await expect(client.tags("a")).rejects.toMatchObject({ code: "UNEXPECTED_RESPONSE" });
  });

  test("a realm that redirects gets no second chance at the password", async () => {
    const thief = await serve((_, response) => reply(response, 200, { token: "stolen-token" }));
    const server: Server = await serve((request, response) => {
      if (request.url?.startsWith("/token")) return reply(response, 307, "", { location: `${thief.url}/token` });
      reply(response, 401, "", { "www-authenticate": `Bearer realm="${server.url}/token"` });
    });
    await expect(createClient({ url: server.url, credentials }).tags("a")).rejects.toMatchObject({ status: 307 });
    expect(thief.seen).toEqual([]);
  });

  test.each(["ftp://127.0.0.1/token", "/token", "", "javascript:alert(1)"])(
    "the realm %j is refused",
    async (realm) => {
      const server = await serve((_, response) =>
        reply(response, 401, "", { "www-authenticate": `Bearer realm="${realm}"` }),
      );
      await expect(createClient({ url: server.url, credentials }).tags("a")).rejects.toMatchObject({
        code: "REALM_REFUSED",
      });
    },
  );

  test("a plain http realm of an https registry is refused", async () => {
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = async (input) => {
      asked.push(String(input));
      return new Response("", {
        status: 401,
        headers: { "www-authenticate": 'Bearer realm="http://auth.example/token"' },
      });
    };
    const client = createClient({ url: "https://registry.example", credentials, fetch });
    await expect(client.tags("a")).rejects.toMatchObject({ code: "REALM_REFUSED" });
    expect(asked).toEqual(["https://registry.example/v2/a/tags/list"]);
  });
});

describe("basic", () => {
  test("is sent once it was asked for, and first from then on", async () => {
    const server = await serve((request, response) => {
      if (request.headers.authorization === basic) return reply(response, 200, { tags: ["1"] });
      reply(response, 401, "", { "www-authenticate": 'Negotiate, Basic realm="r"' });
    });
    const client = createClient({ url: server.url, credentials });
    await client.ping();
    await client.tags("a");
    expect(server.seen.map(({ authorization }) => authorization)).toEqual([undefined, basic, basic]);
  });

  test("that is refused is not offered again", async () => {
    const server = await serve((_, response) => reply(response, 401, "", { "www-authenticate": "Basic" }));
    const client = createClient({ url: server.url, credentials });
    await expect(client.ping()).rejects.toMatchObject({ status: 401, code: "UNAUTHORIZED" });
    expect(server.seen).toHaveLength(2);
    await expect(client.ping()).rejects.toMatchObject({ status: 401 });
    expect(server.seen).toHaveLength(3);
  });

  test("gives way to Bearer where both are offered", async () => {
    const server: Server = await serve((request, response) => {
      if (request.url?.startsWith("/token")) return reply(response, 200, { token: "the-token" });
      if (request.headers.authorization === "Bearer the-token") return reply(response, 200);
      reply(response, 401, "", { "www-authenticate": `Basic realm="r", Bearer realm="${server.url}/token"` });
    });
    await createClient({ url: server.url, credentials }).ping();
    expect(server.seen.map(({ authorization }) => authorization)).toEqual([undefined, basic, "Bearer the-token"]);
  });
});

test("challenges() tells what is asked of a stranger, and sends no credentials to learn it", async () => {
  const header = 'Bearer realm="https://auth.example/token",service="s"';
  const server = await serve((_, response) => reply(response, 401, "", { "www-authenticate": header }));
  const [challenge] = await createClient({ url: server.url, credentials }).challenges();
  expect(challenge).toMatchObject({ scheme: "bearer", params: { realm: "https://auth.example/token", service: "s" } });
  expect(server.seen).toMatchObject([{ url: "/v2/", authorization: undefined }]);
});

test("challenges() of a registry that answers neither 200 nor 401 is an error, not a registry that asks for nothing", async () => {
  const server = await serve((_, response) => reply(response, 503, "", { "retry-after": "7" }));
  const refused = createClient({ url: server.url }).challenges();
  await expect(refused).rejects.toMatchObject({ status: 503, retryAfterSeconds: 7 });
});

describe("requestToken()", () => {
  const challengeOf = (server: Server) => ({
    scheme: "bearer",
    params: { realm: `${server.url}/token`, service: "s", scope: "repository:other:pull" },
  });

  test("asks for exactly the scope, not for what the challenge suggests", async () => {
    const server = await serve((_, response) => reply(response, 200, { token: "t-1", expires_in: 90 }));
    const client = createClient({ url: server.url, credentials, now: () => 1_000 });
    const grant = await client.requestToken(challengeOf(server), "repository:team/app:pull");
    expect(grant).toEqual({ value: "t-1", expiresAt: 91_000 });
    const asked = new URL(server.seen[0]?.url ?? "", server.url).searchParams;
    expect([asked.getAll("scope"), asked.getAll("service")]).toEqual([["repository:team/app:pull"], ["s"]]);
  });

  const jwt = (claims: object) =>
    ["{}", JSON.stringify(claims), "s"].map((part) => Buffer.from(part).toString("base64url")).join(".");
  const lifetimes: [what: string, answer: object, expiresAt: number][] = [
    ["from when it was issued, if that was earlier", { issued_at: "1970-01-01T00:00:10Z", expires_in: 30 }, 40_000],
    ["from the request, if it was issued later", { issued_at: "2099-01-01T00:00:00Z", expires_in: 30 }, 50_000],
    ["in a string, as the specification's example once had it", { expires_in: "900" }, 920_000],
    // The answers of GitLab and Quay have neither field.
    ["by the token's own end, where the answer names none", { token: jwt({ exp: 3_600 }) }, 3_600_000],
    ["by the answer, where both tell", { token: jwt({ exp: 3_600 }), expires_in: 30 }, 50_000],
    ["as 60 s, where nothing tells", {}, 80_000],
    ["as 60 s, where nothing can be understood", { issued_at: "soon", expires_in: "long" }, 80_000],
    ["as 60 s for a JWT without an end", { token: jwt({ exp: "soon" }) }, 80_000],
  ];
  test.each(lifetimes)("counts a lifetime %s", async (_, answer, expiresAt) => {
    const server = await serve((_, response) => reply(response, 200, { token: "t", ...answer }));
    const client = createClient({ url: server.url, credentials, now: () => 20_000 });
    expect((await client.requestToken(challengeOf(server), "s")).expiresAt).toBe(expiresAt);
  });

  test("sends the password to no realm that is not trusted", async () => {
    const elsewhere = await serve((_, response) => reply(response, 200, { token: "t" }));
    const asked: string[] = [];
    const trustRealm = (realm: URL) => asked.push(realm.origin) === 0;
    const client = createClient({ url: "http://127.0.0.1:9", credentials, trustRealm });
    await expect(client.requestToken(challengeOf(elsewhere), "s")).rejects.toMatchObject({ code: "REALM_REFUSED" });
    expect([asked, elsewhere.seen]).toEqual([[elsewhere.url], []]);
  });

  test("reads no endless answer", async () => {
    const server = await serve((_, response) => {
      response.writeHead(200);
      const more = () => response.write("x".repeat(65_536), () => !response.destroyed && setImmediate(more));
      more();
    });
    const client = createClient({ url: server.url, credentials });
    await expect(client.requestToken(challengeOf(server), "s")).rejects.toMatchObject({ code: "UNEXPECTED_RESPONSE" });
  });
});
