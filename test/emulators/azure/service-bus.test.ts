import { describe, expect, test } from "vitest";
import { ask, useAzure } from "./support.ts";

const azure = useAzure();
const audience = "https://servicebus.azure.net";
const role = "Azure Service Bus Data Sender";

/** Sends as a principal with this role, on this scope. */
async function send(init: {
  readonly queue?: string;
  readonly scope?: (queueId: string) => string;
  readonly role?: string;
  readonly token?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}) {
  const { url, id } = azure().queue("letters");
  const scope = init.scope?.(id) ?? id;
  const sender = azure().identity("sender", { roles: { [scope]: [init.role ?? role] } });
  const token = init.token ?? (await azure().entraToken(sender, audience));
  azure().sent.length = 0;
  return ask(`${url.replace(/letters$/, init.queue ?? "letters")}/messages`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "text/plain", ...init.headers },
    body: init.body ?? "text",
  });
}

test.each([
  ["on the queue", (id: string) => id],
  ["on its namespace", (id: string) => id.replace(/\/queues\/.*/, "")],
])("who may send %s sends, with properties of one's own", async (_, scope) => {
  expect((await send({ scope, headers: { reason: '"too old"' } })).status).toBe(201);
  expect(azure().sent).toMatchObject([
    { queue: "letters", contentType: "text/plain", properties: { reason: "too old" } },
  ]);
  expect(azure().sent[0]?.body.toString()).toBe("text");
});

describe("nothing is sent", () => {
  const all = { scope: (id: string) => id.replace(/\/providers\/.*/, "") };
  test.each<[string, Parameters<typeof send>[0], number]>([
    ["without a token that can be read", { token: "token" }, 401],
    ["by who may send to another queue", { scope: (id) => `${id}-2` }, 401],
    ["by who may do all but what roles on data allow", { ...all, role: "Owner" }, 401],
    ["to a queue that is not there", { ...all, queue: "others" }, 410],
    ["of more than the queue takes", { body: "x".repeat(256 * 1024) }, 403],
    ["with a property that is no text in quotes", { headers: { reason: "too old" } }, 400],
    ["with a property in whose text a quote stands", { headers: { reason: '"too "old""' } }, 400],
  ])("%s", async (_, init, status) => {
    expect((await send(init)).status).toBe(status);
    expect(azure().sent).toEqual([]);
  });

  test("with a token for something else", async () => {
    const { id } = azure().queue("letters");
    const sender = azure().identity("sender", { roles: { [id]: [role] } });
    expect((await send({ token: await azure().entraToken(sender) })).status).toBe(401);
  });

  test("where a fault is due", async () => {
    azure().faults.add({ service: "servicebus", fault: { kind: "failure", status: 503 } });
    expect((await send({})).status).toBe(503);
    expect((await send({})).status).toBe(201);
  });
});
