import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { AccountFiles } from "../../../functions/kubernetes/binding.ts";
import { readAccount } from "../../../functions/kubernetes/external/accounts.ts";
import { type MountedSecret, mountSecret } from "../support/files.ts";

const host = "registry.example:5000";
const mounted: MountedSecret[] = [];
afterEach(async () => {
  for (const secret of mounted.splice(0)) await secret.remove();
});

async function mount(data: Readonly<Record<string, string>>): Promise<MountedSecret> {
  const secret = await mountSecret(data);
  mounted.push(secret);
  return secret;
}

const read = async (files: AccountFiles, place = host) => {
  const { username, password } = await readAccount(files, "pullAccount", place);
  return [username, password.reveal()];
};
const basic = (secret: MountedSecret): AccountFiles => ({
  usernameFile: secret.path("username"),
  passwordFile: secret.path("password"),
});
const docker = async (content: unknown) => {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  return { dockerConfigFile: (await mount({ ".dockerconfigjson": text })).path(".dockerconfigjson") };
};

describe("an account in two files", () => {
  test("is read without the line end that editors leave, and with everything else", async () => {
    expect(await read(basic(await mount({ username: "robot$pull\n", password: " p:w d \r\n" })))).toEqual([
      "robot$pull",
      " p:w d ",
    ]);
  });

  test("is what is mounted now", async () => {
    const secret = await mount({ username: "old", password: "old password" });
    expect(await read(basic(secret))).toEqual(["old", "old password"]);
    await secret.replace({ username: "new", password: "new password" });
    expect(await read(basic(secret))).toEqual(["new", "new password"]);
  });

  test("is never half of one Secret and half of the next", async () => {
    const secret = await mount({ username: "0", password: "0" });
    let swapping = true;
    const swaps = (async () => {
      for (let i = 1; swapping; i++) await secret.replace({ username: String(i), password: String(i) });
    })();
    const seen = new Set<string>();
    try {
      for (let i = 0; i < 150; i++) {
        const [username, password] = await read(basic(secret)).catch(() => ["changing", "changing"]);
        expect(username).toBe(password);
        seen.add(username ?? "");
      }
    } finally {
      swapping = false;
      await swaps;
    }
    expect(seen.size).toBeGreaterThan(1);
  });

  const broken: [what: string, data: Record<string, string>, message: RegExp][] = [
    ["a missing password", { username: "u" }, /password of the binding's pullAccount cannot be read \(ENOENT\)/],
    ["an empty password", { username: "u", password: "\n" }, /password of the binding's pullAccount is empty/],
    ["an empty user name", { username: "", password: "s3cret-word" }, /username of the binding's pullAccount is empty/],
    ["a colon in the user name", { username: "a:b", password: "s3cret-word" }, /holds a colon/],
  ];
  test.each(broken)("%s is told with its file, and nothing of what it holds", async (_, data, message) => {
    await expectRefused(basic(await mount(data)), message, "s3cret-word");
  });

  test("a folder in a file's place is told", async () => {
    const secret = await mount({ username: "u", password: "p" });
    await expectRefused(
      { usernameFile: secret.path("username"), passwordFile: secret.path("..data") },
      /EISDIR/,
      "u\n",
    );
  });
});

describe("an account in a Docker configuration", () => {
  const auth = Buffer.from("robot:pass:word").toString("base64");
  const good: [what: string, auths: Record<string, object>][] = [
    ["by auth", { [host]: { auth } }],
    ["by user name and password", { [host]: { username: "robot", password: "pass:word", auth: "stale" } }],
    ["under a URL, among others", { other: { auth: "eDp5" }, [`https://${host}/v1/`]: { auth } }],
  ];
  test.each(good)("is read %s", async (_, auths) => {
    expect(await read(await docker({ auths }))).toEqual(["robot", "pass:word"]);
  });

  const named = (username: string) => ({ username, password: "word" });
  const several = Object.fromEntries(
    ["", "/team", "/team/images", "/team/images/base", "/teams"].map((path) => [host + path, named(`of ${path}`)]),
  );
  test.each([
    ["", "of "],
    ["/other", "of "],
    ["/team", "of /team"],
    ["/team/other", "of /team"],
    ["/team/images", "of /team/images"],
    ["/team/images/more", "of /team/images"],
  ])("of several on one host the one is read that covers %j best", async (path, username) => {
    const files = await docker({ auths: several });
    expect(await read(files, host + path)).toEqual([username, "word"]);
    const reversed = await docker({ auths: Object.fromEntries(Object.entries(several).reverse()) });
    expect(await read(reversed, host + path)).toEqual([username, "word"]);
  });

  test("an entry for a part of what is bound is none", async () => {
    const files = await docker({ auths: { [`${host}/team/images`]: named("narrow") } });
    await expect(read(files, `${host}/team`)).rejects.toThrow(`has no entry for ${host}/team`);
    await expect(read(files, `${host}/team/imagesque`)).rejects.toThrow("has no entry");
  });

  // `docker login` writes the first key (docker/cli, cli/config/credentials and `registry.IndexServer`).
  test.each(["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"])(
    "Docker Hub's account is found under %s",
    async (key) => {
      const files = await docker({ auths: { [key]: named("hub") } });
      for (const place of ["registry-1.docker.io", "registry-1.docker.io/team", "docker.io", "index.docker.io/team"]) {
        expect(await read(files, place)).toEqual(["hub", "word"]);
      }
      await expect(read(files, "docker.io.example")).rejects.toThrow("has no entry");
    },
  );

  const bad: [what: string, content: unknown, message: RegExp][] = [
    ["that is no JSON", `{"auths": ${auth}`, /is not a Docker configuration/],
    ["without auths", { credsStore: "desktop" }, /is not a Docker configuration/],
    ["for another port", { auths: { "registry.example": { auth } } }, /has no entry for registry\.example:5000/],
    ["for a host that merely begins alike", { auths: { [`${host}0`]: { auth } } }, /has no entry/],
    ["with an identity token only", { auths: { [host]: { identitytoken: auth } } }, /no user name and password/],
    ["without a password", { auths: { [host]: { auth: Buffer.from("robot:").toString("base64") } } }, /no user name/],
    ["with null", { auths: { [host]: null } }, /no entry/],
  ];
  test.each(bad)("%s is refused without a word of it", async (_, content, message) => {
    await expectRefused(await docker(content), message, auth);
  });

  test("whatever is in the file, it is an account or a clear refusal", async () => {
    const files = await docker("{}");
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.json().map((x) => `{"auths":{"${host}":${x}}}`),
        ),
        async (text) => {
          await writeFile(join(files.dockerConfigFile, "../..data/.dockerconfigjson"), text);
          const outcome = await readAccount(files, "account", host).catch((error: unknown) => error);
          if (outcome instanceof Error) expect(outcome).toMatchObject({ code: "BINDING_CONFIG_INVALID" });
          else expect(outcome).toMatchObject({ username: expect.stringMatching(/./s) });
        },
      ),
      { numRuns: 60 },
    );
  });
});

/** The refusal names what is wrong; nothing of it, nor of anything printed, holds the secret. */
async function expectRefused(files: AccountFiles, message: RegExp, secret: string): Promise<void> {
  const log = vi.spyOn(console, "log");
  const error = await readAccount(files, "pullAccount", host).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ArtifactRegistryError);
  expect(error).toMatchObject({
    code: "BINDING_CONFIG_INVALID",
    message: expect.stringMatching(message),
    hint: expect.stringContaining("Secret"),
    context: { field: "pullAccount" },
    retryable: false,
  });
  const wire = JSON.stringify((error as ArtifactRegistryError).toWire("r"));
  expect(wire).not.toContain(secret);
  expect(log).not.toHaveBeenCalled();
  log.mockRestore();
}
