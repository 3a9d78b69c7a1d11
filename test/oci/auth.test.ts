import { describe, expect, it } from "vitest";
import { verifyToken } from "../../oci/token/index.ts";
import { type Answer, ask, type Client, json, pushBlob, pushImage, sha256, startRegistry } from "./support.ts";

const basic = (password: string, user = "token") => `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
const challengeOf = (answer: Answer) => answer.headers["www-authenticate"];
const soon = (ms: number) => new Date(Date.now() + ms);

function exchange(client: Client, authorization: string | undefined, query: string): Promise<Answer> {
  const headers = authorization === undefined ? {} : { Authorization: authorization };
  return ask("GET", `${client.url}/token?service=registry&${query}`, { headers });
}

function accessOf(client: Client, answer: Answer) {
  const { token } = json<{ token: string }>(answer);
  return verifyToken(client.key, token, { audience: "registry", now: new Date() });
}

describe("who says nothing, or nothing that counts,", () => {
  it.each([
    ["GET", "/v2", ""],
    ["GET", "/v2/", ""],
    ["GET", "/v2/a/manifests/latest", ',scope="repository:a:pull"'],
    ["HEAD", `/v2/a/b/blobs/${sha256("x")}`, ',scope="repository:a/b:pull"'],
    ["PUT", "/v2/a/manifests/latest", ',scope="repository:a:pull,push"'],
    ["POST", "/v2/a/blobs/uploads/", ',scope="repository:a:pull,push"'],
    ["POST", `/v2/a/blobs/uploads/?mount=${sha256("x")}&from=b`, ',scope="repository:a:pull,push repository:b:pull"'],
    ["DELETE", "/v2/a/manifests/latest", ',scope="repository:a:delete"'],
    ["DELETE", "/v2/a/blobs/uploads/id", ',scope="repository:a:pull,push"'],
    ["GET", "/v2/_catalog", ',scope="registry:catalog:*"'],
    ["GET", "/v2/UPPER/manifests/latest", ""],
    ["GET", "/v2/no/such/path", ""],
  ])("is challenged: %s %s", async (method, path, scope) => {
    const client = await startRegistry();
    const answer = await ask(method, `${client.url}${path}`);
    expect([answer.status, answer.code]).toEqual([401, method === "HEAD" ? undefined : "UNAUTHORIZED"]);
    expect(challengeOf(answer)).toBe(`Bearer realm="${client.url}/token",service="registry"${scope}`);
    for (const header of ["Bearer nonsense", basic("nonsense"), "Digest a=b", "Bearer", "Basic %%%"]) {
      const refused = await ask(method, `${client.url}${path}`, { headers: { Authorization: header } });
      expect([refused.status, challengeOf(refused)?.endsWith(',error="invalid_token"')]).toEqual([401, true]);
    }
  });

  it("is sent to the public address, and to no other that a header makes up", async () => {
    const client = await startRegistry({ publicUrl: "https://registry.example/" });
    expect(challengeOf(await ask("GET", `${client.url}/v2/`))).toContain('realm="https://registry.example/token"');
    const plain = await startRegistry();
    const forged = await ask("GET", `${plain.url}/v2/`, { headers: { Host: 'evil",realm="evil' } });
    expect(challengeOf(forged)).toBe(`Bearer realm="${plain.url}/token",service="registry"`);
    const noUrl = await ask("GET", `${plain.url}/v2/`, { headers: { Host: 'evil",realm="http://evil' } });
    expect([noUrl.status, challengeOf(noUrl)]).toEqual([400, undefined]);
  });

  it("is sent to the host that it asked, if that is a plain host", async () => {
    const client = await startRegistry();
    for (const [host, authority] of [
      ["registry.example", "registry.example"],
      ["registry.example:5000", "registry.example:5000"],
      ["[::1]:5000", "[::1]:5000"],
    ]) {
      const answer = await ask("GET", `${client.url}/v2/`, { headers: { Host: String(host) } });
      expect(challengeOf(answer)).toBe(`Bearer realm="http://${authority}/token",service="registry"`);
    }
    const slashes = await startRegistry({ publicUrl: "https://registry.example//" });
    expect(challengeOf(await ask("GET", `${slashes.url}/v2/`))).toContain('realm="https://registry.example/token"');
  });

  it("is sent to a public address whose name is not ASCII, in the form that headers can hold", async () => {
    const client = await startRegistry({ publicUrl: "https://registry.例/" });
    expect(challengeOf(await ask("GET", `${client.url}/v2/`))).toContain('realm="https://registry.xn--fsq/token"');
  });

  it("gets an error where the challenge cannot be written, and the registry lives on", async () => {
    const told: string[] = [];
    const client = await startRegistry({ service: "例", log: (message) => void told.push(message) });
    for (const _again of [1, 2]) expect((await ask("GET", `${client.url}/v2/`)).status).toBe(500);
    expect(told).toEqual(Array(2).fill("GET /v2/ could not be answered"));
  });
});

describe("a token", () => {
  it("does what it says, by Bearer and by Basic, and nothing else", async () => {
    const client = await startRegistry();
    const push = client.as("repository:a:pull,push");
    const image = await pushImage(push, "a", "1");
    const pull = client.as("repository:a:pull");
    expect((await pull("GET", "/v2/")).status).toBe(200);
    expect((await pull("GET", "/v2/a/manifests/1")).status).toBe(200);
    const password = client.token("repository:a:pull");
    const direct = await ask("GET", `${client.url}/v2/a/manifests/1`, { headers: { Authorization: basic(password) } });
    expect(direct.status).toBe(200);
    const wrongUser = { Authorization: basic(password, "root") };
    expect((await ask("GET", `${client.url}/v2/`, { headers: wrongUser })).status).toBe(401);

    const refusals: [ReturnType<Client["as"]>, string, string][] = [
      [pull, "POST", "/v2/a/blobs/uploads/"],
      [pull, "PUT", "/v2/a/manifests/2"],
      [pull, "DELETE", "/v2/a/manifests/1"],
      [pull, "GET", "/v2/a/b/manifests/1"],
      [pull, "GET", "/v2/_catalog"],
      [pull, "DELETE", "/v2/a/_alien/repository"],
      [push, "DELETE", "/v2/a/manifests/1"],
      [push, "DELETE", `/v2/a/blobs/${sha256(image.config)}`],
      [push, "DELETE", "/v2/a/_alien/repository"],
      [push, "GET", "/v2/_catalog"],
      [push, "POST", "/v2/b/blobs/uploads/"],
      [client.as("repository:a:push"), "GET", "/v2/a/manifests/1"],
      [client.as("repository:a:push"), "GET", "/v2/a/_alien/repository"],
      [client.as("repository:catalog:*"), "GET", "/v2/_catalog"],
      [client.as(""), "GET", "/v2/a/tags/list"],
    ];
    for (const [send, method, path] of refusals) {
      const answer = await send(method, path);
      expect([answer.status, answer.code], `${method} ${path}`).toEqual([401, "DENIED"]);
      expect(challengeOf(answer)).toContain('error="insufficient_scope"');
    }
    // With the credential itself there is nothing to come back with.
    const headers = { Authorization: basic(password) };
    const denied = await ask("PUT", `${client.url}/v2/a/manifests/2`, { headers, body: "{}" });
    expect([denied.status, denied.code]).toEqual([403, "DENIED"]);
    expect((await pull("GET", "/v2/a/tags/list")).body.toString()).toBe('{"name":"a","tags":["1"]}');
  });

  it("counts however its scheme is written, and with nothing before or behind it", async () => {
    const client = await startRegistry();
    const token = client.token("repository:a:pull");
    const status = async (header: string) =>
      (await ask("GET", `${client.url}/v2/`, { headers: { Authorization: header } })).status;
    const scheme = basic(token).slice("Basic ".length);
    for (const header of [`bearer ${token}`, `BEARER   ${token}`, `bAsIc ${scheme}`, `Basic  ${scheme}`]) {
      expect([header, await status(header)]).toEqual([header, 200]);
    }
    const surrounded = [`x Bearer ${token}`, `Bearer ${token} x`, `x Basic ${scheme}`, `Basic ${scheme} x`];
    for (const header of [...surrounded, `Digest ${scheme}`, `Basic ${token}`, token]) {
      expect([header, await status(header)]).toEqual([header, 401]);
    }
  });

  it("ends at its second, however often it was used before", async () => {
    let now = new Date("2026-03-01T12:00:00.000Z");
    const client = await startRegistry({ clock: () => now });
    const bearer = `Bearer ${client.token("repository:a:pull", { expiresAt: new Date("2026-03-01T12:00:10Z") })}`;
    const status = async () => (await ask("GET", `${client.url}/v2/`, { headers: { Authorization: bearer } })).status;
    expect(await status()).toBe(200);
    now = new Date("2026-03-01T12:00:09.999Z");
    expect(await status()).toBe(200);
    now = new Date("2026-03-01T12:00:10.000Z");
    expect(await status()).toBe(401);
    expect((await exchange(client, basic(bearer.slice(7)), "scope=repository:a:pull")).status).toBe(401);
  });

  it("is for this service", async () => {
    const client = await startRegistry();
    const headers = { Authorization: `Bearer ${client.token("repository:a:pull", { audience: "another" })}` };
    expect((await ask("GET", `${client.url}/v2/`, { headers })).status).toBe(401);
  });
});

describe("an exchange", () => {
  it("narrows to what is asked for and held", async () => {
    const client = await startRegistry();
    const credential = basic(client.token("repository:a:pull,push"));
    const ofScopes = async (query: string) => accessOf(client, await exchange(client, credential, query)).access;
    expect(await ofScopes("scope=repository:a:pull")).toEqual([{ type: "repository", name: "a", actions: ["pull"] }]);
    expect(await ofScopes("scope=repository:a:pull,push,delete")).toEqual([
      { type: "repository", name: "a", actions: ["pull", "push"] },
    ]);
    expect(await ofScopes("scope=repository:a:pull&scope=repository:b:pull%20registry:catalog:*")).toEqual([
      { type: "repository", name: "a", actions: ["pull"] },
    ]);
    expect(await ofScopes("")).toEqual([]);
    const narrowed = json<{ token: string }>(await exchange(client, credential, "scope=repository:a:pull")).token;
    const wider = await exchange(client, basic(narrowed), "scope=repository:a:pull,push");
    expect(accessOf(client, wider).access).toEqual([{ type: "repository", name: "a", actions: ["pull"] }]);
    const headers = { Authorization: `Bearer ${narrowed}` };
    expect((await ask("POST", `${client.url}/v2/a/blobs/uploads/`, { headers })).status).toBe(401);
  });

  it("never outlives the credential, nor five minutes", async () => {
    const client = await startRegistry();
    const lifetime = async (ms: number) => {
      const credential = client.token("repository:a:pull", { expiresAt: soon(ms) });
      const answer = await exchange(client, basic(credential), "scope=repository:a:pull");
      const { expires_in } = json<{ expires_in: number }>(answer);
      const end = verifyToken(client.key, credential, { audience: "registry", now: new Date() }).expiresAt;
      const now = Date.now();
      return { expires_in, left: accessOf(client, answer).expiresAt.getTime() - now, end: end.getTime() - now };
    };
    const short = await lifetime(200_000);
    expect(short.left).toBeLessThanOrEqual(short.end);
    expect(short.expires_in).toBeLessThanOrEqual(200);
    const long = await lifetime(3_600_000);
    expect(long.left).toBeLessThanOrEqual(300_000);
    expect(long.expires_in).toBeLessThanOrEqual(300);
    expect(long.expires_in).toBeGreaterThan(290);
  });

  it("answers with a new token, its end and its time, and is kept by nobody", async () => {
    const now = new Date("2026-03-01T12:00:00.500Z");
    const client = await startRegistry({ clock: () => now });
    const ask = (expiresAt: string) =>
      exchange(client, basic(client.token("repository:a:pull", { expiresAt: new Date(expiresAt) })), "");
    const short = await ask("2026-03-01T12:00:10Z");
    expect(json(short)).toMatchObject({ expires_in: 9, issued_at: "2026-03-01T12:00:00.500Z" });
    const long = await ask("2026-03-01T13:00:00Z");
    expect(json(long)).toMatchObject({ expires_in: 299 });
    const { token } = json<{ token: string }>(long);
    expect(verifyToken(client.key, token, { audience: "registry", now })).toMatchObject({
      subject: "test",
      expiresAt: new Date("2026-03-01T12:05:00Z"),
    });
    const { iat } = JSON.parse(Buffer.from(String(token.split(".")[1]), "base64url").toString());
    expect(iat).toBe(Date.parse("2026-03-01T12:00:00Z") / 1_000);
    expect(long.headers["cache-control"]).toBe("no-store");
  });

  it("takes the forms that Docker and containerd send, and no others", async () => {
    const client = await startRegistry();
    const credential = client.token("repository:a:pull,push");
    const post = (form: Record<string, string>) =>
      ask("POST", `${client.url}/token`, {
        body: new URLSearchParams({ service: "registry", client_id: "test", ...form }).toString(),
        headers: { "Content-Type": "application/x-www-form-urlencoded" },
      });
    const scope = "repository:a:pull repository:b:pull";
    const password = await post({ grant_type: "password", username: "token", password: credential, scope });
    expect(accessOf(client, password).access).toEqual([{ type: "repository", name: "a", actions: ["pull"] }]);
    expect(json(password)).toMatchObject({ access_token: json(password).token, issued_at: expect.any(String) });
    const refresh = await post({ grant_type: "refresh_token", refresh_token: credential, scope });
    expect(accessOf(client, refresh).access).toEqual([{ type: "repository", name: "a", actions: ["pull"] }]);
    for (const form of [
      { grant_type: "password", username: "root", password: credential },
      { grant_type: "password", username: "token", password: "nonsense" },
      { grant_type: "refresh_token", refresh_token: "" },
      { grant_type: "refresh_token", password: credential },
      { grant_type: "password", username: "token", refresh_token: credential },
      { grant_type: "client_credentials" },
      { grant_type: "client_credentials", username: "token", password: credential, refresh_token: credential },
      {},
    ]) {
      const refused = await post(form);
      expect([form, refused.status, challengeOf(refused)]).toEqual([form, 401, 'Basic realm="token"']);
    }
    const ofLength = async (length: number) => {
      const { status, code } = await ask("POST", `${client.url}/token`, { body: "x".repeat(length) });
      return [status, code];
    };
    expect([await ofLength(65_536), await ofLength(65_537)]).toEqual([
      [401, "UNAUTHORIZED"],
      [413, "SIZE_INVALID"],
    ]);
    const put = await ask("DELETE", `${client.url}/token`);
    expect([put.status, put.code, put.headers.allow]).toEqual([405, "UNSUPPORTED", "GET, POST"]);
  });

  it("is refused to whoever has nothing, or nothing that counts", async () => {
    const client = await startRegistry();
    const nothing = await exchange(client, undefined, "scope=repository:a:pull");
    expect([nothing.status, nothing.code, nothing.body.toString()]).toEqual([
      401,
      "UNAUTHORIZED",
      expect.stringContaining("A credential is required."),
    ]);
    for (const header of [basic("nonsense"), basic(""), "Bearer x"]) {
      const { status, code, body } = await exchange(client, header, "scope=repository:a:pull");
      expect([status, code, body.toString()]).toEqual([401, "UNAUTHORIZED", expect.stringContaining("is not valid")]);
    }
  });
});

describe("a mount", () => {
  it("from a repository that may not be read looks like one from nowhere", async () => {
    const client = await startRegistry();
    await pushBlob(client.as("repository:secret:pull,push"), "secret", "secret");
    const push = client.as("repository:mine:pull,push");
    const mount = async (send: typeof push, from: string, digest: string) => {
      const answer = await send("POST", `/v2/mine/blobs/uploads/?mount=${digest}&from=${from}`);
      const { date: _, location, "docker-upload-uuid": id, ...headers } = answer.headers;
      return {
        status: answer.status,
        headers,
        body: answer.body.toString(),
        upload: location?.replace(String(id), ""),
      };
    };
    const unreadable = await mount(push, "secret", sha256("secret"));
    expect(unreadable.status).toBe(202);
    expect(unreadable).toEqual(await mount(push, "secret", sha256("not there")));
    expect(unreadable).toEqual(await mount(push, "nowhere", sha256("secret")));
    const pushOnly = client.as("repository:mine:pull,push repository:secret:push,delete");
    expect(unreadable).toEqual(await mount(pushOnly, "secret", sha256("secret")));
    expect((await push("HEAD", `/v2/mine/blobs/${sha256("secret")}`)).status).toBe(404);
  });

  it("with a bearer for the target alone is challenged once for the source, and then done", async () => {
    const client = await startRegistry();
    await pushBlob(client.as("repository:base:pull,push"), "base", "layer");
    const both = basic(client.token("repository:mine:pull,push repository:base:pull"));
    const path = `/v2/mine/blobs/uploads/?mount=${sha256("layer")}&from=base`;
    const bearerFor = async (scope: string) =>
      `Bearer ${json<{ token: string }>(await exchange(client, both, `scope=${scope}`)).token}`;
    const mount = async (scope: string) =>
      ask("POST", `${client.url}${path}`, { headers: { Authorization: await bearerFor(scope) } });
    const challenged = await mount("repository:mine:pull,push");
    expect([challenged.status, challenged.code]).toEqual([401, "DENIED"]);
    const wider = "repository:mine:pull,push repository:base:pull";
    expect(challengeOf(challenged)).toBe(
      `Bearer realm="${client.url}/token",service="registry",scope="${wider}",error="insufficient_scope"`,
    );
    expect((await mount(encodeURIComponent(wider))).status).toBe(201);
    // Basic credentials are asked at once, and need no exchange.
    expect((await ask("POST", `${client.url}${path}`, { headers: { Authorization: both } })).status).toBe(201);
  });

  it("is an upload where the wider scope was asked for and not granted, whatever there is", async () => {
    const client = await startRegistry();
    await pushBlob(client.as("repository:secret:pull,push"), "secret", "layer");
    const mine = basic(client.token("repository:mine:pull,push"));
    const answersFor = async (from: string, scopes: readonly string[]) => {
      const query = scopes.map((scope) => `scope=${scope}`).join("&");
      const { token } = json<{ token: string }>(await exchange(client, mine, query));
      const answer = await ask("POST", `${client.url}/v2/mine/blobs/uploads/?mount=${sha256("layer")}&from=${from}`, {
        headers: { Authorization: `Bearer ${token}` },
      });
      return [answer.status, answer.body.toString().replaceAll(from, "FROM")];
    };
    const own = "repository:mine:pull,push";
    for (const from of ["secret", "nowhere"]) {
      expect(await answersFor(from, [own])).toEqual([401, expect.stringContaining("pull on FROM")]);
      expect(await answersFor(from, [own, `repository:${from}:pull`])).toEqual([202, ""]);
      expect(await answersFor(from, [own, `repository:${from}:pull,push`])).toEqual([202, ""]);
      expect(await answersFor(from, [own, `repository:${from}:push`])).toEqual([401, expect.anything()]);
    }
    // However many a client asks for, it is not challenged twice.
    const many = Array.from({ length: 100 }, (_, i) => `repository:other${i}:pull`);
    expect((await answersFor("secret", [own, ...many, "repository:secret:pull"]))[0]).toBe(202);
  });
});
