import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Principal } from "./index.ts";
import { arm, ask, managementClient, refusedWith, useAzure } from "./support.ts";

const azure = useAzure();
const version = "?api-version=2025-11-01";
const interval = { updateIntervalInMs: 1 };
let owner: Principal;
let group = "";
let groupId = "";
let count = 0;
beforeAll(() => {
  groupId = azure().resourceGroup(azure().resourceGroupName);
  group = azure().resourceGroupName;
  owner = azure().identity("owner", { roles: { [`/subscriptions/${azure().subscription}`]: ["Owner"] } });
});
afterEach(() => {
  azure().faults.clear();
  Object.assign(azure().behaviour, { operationMs: 10, operationRetryAfterSeconds: undefined });
});
const registries = (who = owner) => managementClient(azure(), who).registries;
const fresh = () => `images${++count}`;
const basic = { location: "westeurope", sku: { name: "Basic" } };
const pathOf = (name: string) => `${groupId}/providers/Microsoft.ContainerRegistry/registries/${name}`;
const put = (name: string, body: object) => arm(azure(), owner, "PUT", `${pathOf(name)}${version}`, body);

describe("a long-running operation", () => {
  test("goes on until it has ended, and says when to look again", async () => {
    Object.assign(azure().behaviour, { operationMs: 60_000, operationRetryAfterSeconds: 0 });
    const look = (at: string | null) => arm(azure(), owner, "GET", at?.replace(azure().armUrl, "") ?? "");
    const name = fresh();
    const { status, headers, body } = await put(name, basic);
    expect([status, body.properties.provisioningState, headers.get("retry-after")]).toEqual([201, "Creating", "0"]);
    const statusAt = headers.get("azure-asyncoperation");
    expect((await look(statusAt)).body.status).toBe("InProgress");
    azure().advance(60_000);
    expect((await look(statusAt)).body.status).toBe("Succeeded");
    const deletion = await arm(azure(), owner, "DELETE", `${pathOf(name)}${version}`);
    const location = deletion.headers.get("location");
    expect([deletion.status, (await look(location)).status]).toEqual([202, 202]);
    const at = location?.replace(azure().armUrl, "") ?? "";
    // Nobody looks without the right, at a place of the subscription; and whoever did not start it knows of no operation.
    const stranger = azure().identity("stranger", { roles: { [groupId]: ["Owner"] } });
    expect((await arm(azure(), stranger, "GET", at)).status).toBe(403);
    const reader = azure().identity("reader", { roles: { [`/subscriptions/${azure().subscription}`]: ["Reader"] } });
    expect((await arm(azure(), reader, "GET", at)).status).toBe(404);
    expect((await registries().get(group, name)).provisioningState).toBe("Deleting");
    azure().advance(60_000);
    expect((await look(location)).status).toBe(204);
    expect(await refusedWith(registries().get(group, name))).toMatchObject({ code: "ResourceNotFound" });
  });

  test("is none where the work is done at once", async () => {
    azure().behaviour.operationMs = 0;
    const name = fresh();
    const { headers, body } = await put(name, basic);
    expect([headers.get("azure-asyncoperation"), body.properties.provisioningState]).toEqual([null, "Succeeded"]);
    expect((await arm(azure(), owner, "DELETE", `${pathOf(name)}${version}`)).status).toBe(200);
  });

  test("may fail, and then nothing was done", async () => {
    const name = fresh();
    azure().faults.add({
      fault: { kind: "operation", code: "RegionIsFull", message: "No room." },
      action: "PUT registries",
    });
    await expect(registries().create(group, name, basic, interval)).rejects.toThrow("RegionIsFull. No room.");
    expect(await refusedWith(registries().get(group, name))).toMatchObject({ code: "ResourceNotFound" });
    await registries().create(group, name, basic, interval);
    azure().faults.add({ fault: { kind: "operation", code: "Conflict" }, action: "DELETE registries" });
    await expect(registries().delete(group, name, interval)).rejects.toThrow();
    expect((await registries().get(group, name)).provisioningState).toBe("Succeeded");
  });

  test("may never end", async () => {
    const name = fresh();
    azure().faults.add({ fault: { kind: "unending" }, action: "PUT registries" });
    const { headers } = await put(name, basic);
    const at = headers.get("azure-asyncoperation")?.replace(azure().armUrl, "") ?? "";
    for (let look = 0; look < 3; look++)
      expect((await arm(azure(), owner, "GET", at)).body).toMatchObject({ status: "InProgress" });
    expect((await arm(azure(), owner, "GET", `${pathOf(name)}${version}`)).status).toBe(404);
  });
});

describe("Azure Resource Manager", () => {
  const codeOf = async (answer: ReturnType<typeof arm>) => {
    const { status, body } = await answer;
    return [status, body.error.code];
  };
  const listing = () => `${groupId}/providers/Microsoft.ContainerRegistry/registries`;

  test("knows whom it talks to, by tokens that are for it", async () => {
    expect(await codeOf(arm(azure(), undefined, "GET", listing() + version))).toEqual([401, "AuthenticationFailed"]);
    const asked = async (bearer: string) => {
      const answer = await ask(`${azure().armUrl}${listing()}${version}`, {
        headers: { authorization: `Bearer ${bearer}` },
      });
      expect(answer.headers.get("www-authenticate")).toContain(`authorization_uri=`);
      return answer.body.error.code;
    };
    expect(await asked("guessed")).toBe("InvalidAuthenticationToken");
    expect(await asked(await azure().entraToken(owner))).toBe("InvalidAuthenticationTokenAudience");
    expect(await asked(await azure().entraToken(owner, "https://management.azure.com", -5))).toBe(
      "ExpiredAuthenticationToken",
    );
  });

  test("wants a version that it knows, and knows no other resources", async () => {
    expect(await codeOf(arm(azure(), owner, "GET", listing()))).toEqual([400, "MissingApiVersionParameter"]);
    expect(await codeOf(arm(azure(), owner, "GET", `${listing()}?api-version=2016-01-01`))).toEqual([
      400,
      "InvalidApiVersionParameter",
    ]);
    expect(await codeOf(arm(azure(), owner, "GET", `${groupId}/providers/Other/things/x${version}`))).toEqual([
      404,
      "InvalidResourceType",
    ]);
  });

  test("tells of resource groups", async () => {
    const query = "?api-version=2024-11-01";
    expect((await arm(azure(), owner, "GET", groupId + query)).body).toMatchObject({
      name: group,
      location: "westeurope",
    });
    expect(await codeOf(arm(azure(), owner, "GET", `${groupId}x${query}`))).toEqual([404, "ResourceGroupNotFound"]);
    const stranger = azure().identity("nobody");
    expect(await codeOf(arm(azure(), stranger, "GET", groupId + query))).toEqual([403, "AuthorizationFailed"]);
  });

  test("fails as it is told to", async () => {
    const get = () => registries().get(group, "absent");
    azure().faults.add({ fault: { kind: "throttle", retryAfterSeconds: 1 }, service: "arm" });
    expect((await refusedWith(get())).status).toBe(429);
    azure().faults.add({ fault: { kind: "failure", status: 503 }, service: "arm" });
    expect((await refusedWith(get())).status).toBe(503);
    const name = fresh();
    azure().faults.add({ fault: { kind: "lost" }, action: "PUT registries" });
    await expect(put(name, basic)).rejects.toThrow("fetch failed");
    expect((await registries().get(group, name)).name).toBe(name);
    azure().faults.add({ fault: { kind: "reset" }, action: "DELETE registries" });
    await expect(registries().delete(group, name, interval)).rejects.toThrow();
    expect((await registries().get(group, name)).name).toBe(name);
  });
});
