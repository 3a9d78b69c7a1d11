import { describe, expect, test } from "vitest";
import {
  type Door,
  type DoorName,
  doorNames,
  localDoor,
  oidcDoor,
  parseDoorName,
  platformDoor,
  trustedDoor,
  Unauthenticated,
} from "../../core/doors.ts";
import { ArtifactRegistryError } from "../../core/errors.ts";
import type { OperationKind } from "../../core/operation.ts";
import { errorOf } from "../support/inputs.ts";

const platformCaller = { issuer: "aws", subject: "123456789012:role/x" };
const tokenCaller = { issuer: "https://issuer.example", subject: "x" };
const verify = async (token: string) => {
  if (token === "good") return tokenCaller;
  throw new ArtifactRegistryError("AUTHENTICATION_ERROR", "no");
};
/** What the caller is told, who is also told what to do. */
const unauthenticated = { code: "AUTHENTICATION_ERROR", hint: expect.stringMatching(/\w/) };
const doors: Record<DoorName, Door> = {
  platform: platformDoor(),
  oidc: oidcDoor(verify),
  invoke: trustedDoor("invoke"),
  events: trustedDoor("events"),
  provision: trustedDoor("provision"),
  local: localDoor("caller-token"),
};

test.each<[DoorName, Door["accepts"], readonly OperationKind[]]>([
  ["platform", "http", ["runtime", "both"]],
  ["oidc", "http", ["runtime", "both"]],
  ["invoke", "invoke", ["runtime", "both"]],
  ["events", "events", ["runtime", "both"]],
  ["provision", "invoke", ["provision", "both"]],
  ["local", "http", ["runtime", "provision", "both"]],
])("the %s door accepts %s and admits %j", (name, accepts, kinds) => {
  const door = doors[name];
  const all: OperationKind[] = ["runtime", "provision", "both"];
  expect(door.name).toBe(name);
  expect(door.accepts).toBe(accepts);
  expect(all.filter((kind) => door.admits(kind))).toEqual(kinds);
});

describe("the platform door", () => {
  test("takes the platform's word and no token", async () => {
    expect(await doors.platform.authenticate({ platformCaller })).toBe(platformCaller);
    expect(await doors.platform.authenticate({ platformCaller, authorization: "Bearer good" })).toBe(platformCaller);
    const error = await errorOf(() => doors.platform.authenticate({ authorization: "Bearer good" }));
    expect(error).toMatchObject({ ...unauthenticated, reason: "NO_PLATFORM_CALLER" });
  });

  test("takes the caller whom the handler finds in the platform's token, and refuses as the handler does", async () => {
    expect(await doors.platform.authenticate({ platformCaller: async () => tokenCaller })).toBe(tokenCaller);
    const refused = doors.platform.authenticate({ platformCaller: () => verify("bad") });
    await expect(refused).rejects.toMatchObject({ code: "AUTHENTICATION_ERROR" });
  });
});

describe("the oidc door", () => {
  test("takes a verified token and no platform's word", async () => {
    expect(await doors.oidc.authenticate({ authorization: "Bearer good", platformCaller })).toBe(tokenCaller);
    expect((await errorOf(() => doors.oidc.authenticate({ platformCaller }))).code).toBe("AUTHENTICATION_ERROR");
    const wrong = { authorization: "Bearer bad", platformCaller };
    expect((await errorOf(() => doors.oidc.authenticate(wrong))).code).toBe("AUTHENTICATION_ERROR");
  });

  test.each(["Bearer good", "bearer good", "BEARER   good", "Bearer good  "])("reads %j", async (authorization) => {
    expect(await doors.oidc.authenticate({ authorization })).toBe(tokenCaller);
  });

  test.each([
    undefined,
    "",
    "Bearer",
    "Bearer ",
    "good",
    "Basic good",
    "Bearergood",
    "Bearer good more",
    " Bearer good",
    "Token good",
    "Bearer good, Bearer bad",
  ])("finds no token in %j", async (authorization) => {
    expect(await errorOf(() => doors.oidc.authenticate({ authorization }))).toMatchObject({
      ...unauthenticated,
      reason: "NO_TOKEN",
    });
  });

  test("knows its issuers, and whether they can be asked, as the verifier does", () => {
    const ready = async () => [];
    const issuers = [tokenCaller.issuer];
    expect(oidcDoor(Object.assign(async () => tokenCaller, { ready, issuers }))).toMatchObject({ ready, issuers });
    expect(Object.keys(doors.oidc)).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(ready|issuers)$/)]));
  });
});

describe("doors that speak for their callers", () => {
  test.each(["invoke", "events", "provision"] as const)("%s: whatever the request claims", async (name) => {
    const evidence = { authorization: "Bearer good", platformCaller };
    expect(await doors[name].authenticate(evidence)).toEqual({ issuer: "door", subject: name });
  });
});

describe("the local door", () => {
  test("lets in whoever holds the caller token", async () => {
    const evidence = { authorization: "Bearer caller-token" };
    expect(await doors.local.authenticate(evidence)).toEqual({ issuer: "door", subject: "local" });
  });

  test.each(["caller-toke", "caller-token2", "CALLER-TOKEN", "x", "é".repeat(500)])("refuses %j", async (token) => {
    const evidence = { authorization: `Bearer ${token}`, platformCaller };
    expect(await errorOf(() => doors.local.authenticate(evidence))).toMatchObject({
      ...unauthenticated,
      reason: "TOKEN_WRONG",
    });
  });

  test("refuses no token, and does not take the platform's word", async () => {
    expect((await errorOf(() => doors.local.authenticate({ platformCaller }))).code).toBe("AUTHENTICATION_ERROR");
  });
});

test("why a caller could not be authenticated is kept for the operator, with its cause", () => {
  const cause = new Error("inner");
  const claimed = { issuer: "https://issuer.example" };
  const error = new Unauthenticated("TOKEN_EXPIRED", "no", { hint: "a hint", claimed, cause });
  expect(error).toMatchObject({ reason: "TOKEN_EXPIRED", hint: "a hint", claimed, cause });
});

describe("ALIEN_DOOR", () => {
  test.each(doorNames.filter((name) => name !== "local"))("may be %s", (name) => {
    expect(parseDoorName(name)).toBe(name);
  });

  test.each([undefined, "", "local", "Platform", "platform ", "http", "toString"])("may not be %j", async (value) => {
    const error = await errorOf(() => parseDoorName(value));
    expect(error.code).toBe("BINDING_CONFIG_INVALID");
    expect(error.hint).toBe("One of platform, oidc, invoke, events, provision.");
  });
});
