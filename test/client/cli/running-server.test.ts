import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { withRunningServer } from "../../../client/cli/running-server.ts";
import { announce } from "../../../functions/local/address.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "running-"));
  return () => rm(folder, { recursive: true, force: true });
});

const address = {
  url: "http://127.0.0.1:8080",
  registries: ["images", "my-builds"],
  callerToken: "token-of-the-caller",
};
const binding = '{"service":"function","url":"http://127.0.0.1:8080","platform":"local"}';

it("commands find the server of their folder, until it ends", async () => {
  const env = { DATA_DIR: folder, ALIEN_CALLER_TOKEN: "of-an-earlier-start" };
  const withdraw = await announce(folder, address);
  expect((await stat(join(folder, "server.json"))).mode & 0o777).toBe(0o600);
  expect(withRunningServer(env)).toEqual({
    DATA_DIR: folder,
    ALIEN_IMAGES_BINDING: binding,
    ALIEN_MY_BUILDS_BINDING: binding,
    ALIEN_CALLER_TOKEN: "token-of-the-caller",
  });
  await withdraw();
  expect(withRunningServer(env)).toEqual(env);
});

it("a server that ends leaves the file of the next one alone", async () => {
  const withdraw = await announce(folder, address);
  await announce(folder, { ...address, callerToken: "of-the-next-one" });
  await withdraw();
  expect(withRunningServer({ DATA_DIR: folder })).toMatchObject({ ALIEN_CALLER_TOKEN: "of-the-next-one" });
});

it("behind another door the token is the caller's own", async () => {
  const { callerToken: _, ...open } = address;
  await announce(folder, open);
  const env = { DATA_DIR: folder, ALIEN_CALLER_TOKEN: "of-an-issuer" };
  expect(withRunningServer(env)).toMatchObject({ ALIEN_CALLER_TOKEN: "of-an-issuer", ALIEN_IMAGES_BINDING: binding });
});

it.each([
  ["binds a registry", { ALIEN_OTHER_BINDING: binding }],
  ["names a profile", { ALIEN_PROFILE: "work" }],
])("an environment that %s stays as it is", async (_, more) => {
  await announce(folder, address);
  const env = { DATA_DIR: folder, ...more };
  expect(withRunningServer(env)).toBe(env);
});

it.each([
  ["another machine", { ...address, url: "https://elsewhere.example" }],
  ["this machine's name for a while", { ...address, url: "http://127.0.0.1.elsewhere.example:80" }],
  ["a user in the URL", { ...address, url: "http://a@127.0.0.1:80" }],
  ["no registries", { url: address.url }],
  ["a registry that is no name", { ...address, registries: ["a b"] }],
  ["a list", []],
])("a file that says %s leads nowhere", async (_, content) => {
  await writeFile(join(folder, "server.json"), JSON.stringify(content));
  const env = { DATA_DIR: folder };
  expect(withRunningServer(env)).toBe(env);
});
