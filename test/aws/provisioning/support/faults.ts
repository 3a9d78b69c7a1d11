import { DynamoDBClient, ScanCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { expect } from "vitest";
import type { RetryPolicy } from "../../../../core/waiting.ts";
import { platform } from "../../../../functions/aws/index.ts";
import { keyAttribute } from "../../../../functions/aws/lease/item.ts";
import type { CallRecord } from "../../../emulators/aws/call.ts";
import type { Fault } from "../../../emulators/aws/index.ts";
import { type Asked, askOnce } from "../../../support/ask.ts";
import type { Account } from "./account.ts";
import { isRead, stateOf } from "./state.ts";

/** Each kind of fault, with the codes that may be told for it where nobody asks again. */
export const faults: readonly { readonly fault: Fault; readonly codes: readonly string[] }[] = [
  { fault: { kind: "throttle" }, codes: ["RATE_LIMIT_EXCEEDED"] },
  { fault: { kind: "failure", status: 500 }, codes: ["CLOUD_PLATFORM_ERROR", "SERVICE_UNAVAILABLE"] },
  { fault: { kind: "reset" }, codes: ["SERVICE_UNAVAILABLE"] },
  { fault: { kind: "lost" }, codes: ["SERVICE_UNAVAILABLE"] },
  { fault: { kind: "slow", ms: 30 }, codes: [] },
];

/** One operation in this process on the registry with this prefix. */
export function ask(
  account: Account,
  { prefix, binding = {}, ...asked }: Scenario & { readonly prefix: string },
  retry?: RetryPolicy,
): Promise<Asked> {
  const bound = { service: "ecr", repositoryPrefix: prefix, leaseTable: account.stack.leaseTable, ...binding };
  return askOnce(platform, account.env({ ALIEN_IMAGES_BINDING: JSON.stringify(bound) }), asked, retry);
}

export interface Scenario {
  readonly operation: "provisionRegistry" | "deprovisionRegistry";
  readonly binding?: object;
  readonly input?: object;
}

export interface Arranged extends Scenario {
  /** Brings the registry into the state in which the operation finds it. */
  arrange(account: Account, prefix: string): Promise<void>;
}

/** The requests of an operation that nothing disturbs, and the state that it leaves. */
export interface Undisturbed {
  readonly calls: readonly CallRecord[];
  readonly after: unknown;
}

export async function undisturbed(account: Account, scenario: Arranged): Promise<Undisturbed> {
  const prefix = account.fresh("ref");
  await scenario.arrange(account, prefix);
  const from = account.emulator.calls.length;
  const { answer } = await ask(account, { ...scenario, prefix });
  expect([answer.status, answer.text]).toEqual([200, expect.anything()]);
  return { calls: account.emulator.calls.slice(from), after: plain(account, prefix) };
}

/** Disturbs one request, then asks again: the others' things and all secrets are where they were. */
export async function disturb(
  account: Account,
  scenario: Arranged,
  { after }: Undisturbed,
  nth: number,
  { fault, codes }: (typeof faults)[number],
): Promise<void> {
  const { emulator } = account;
  const prefix = account.fresh("run");
  await scenario.arrange(account, prefix);
  const notMine = (name: string) => !name.startsWith(prefix);
  const others = stateOf(account, notMine);
  emulator.faults.add({ fault, nth });
  const { answer, audit } = await ask(account, { ...scenario, prefix });
  emulator.faults.clear();
  if (answer.status !== 200) {
    expect(codes).toContain(answer.body.code);
    expect(answer.body).toMatchObject({ retryable: true, message: expect.any(String) });
  }
  const { AWS_SECRET_ACCESS_KEY = "", AWS_SESSION_TOKEN = "" } = process.env;
  for (const secret of [AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN]) expect(answer.text + audit).not.toContain(secret);
  expect(stateOf(account, notMine)).toEqual(others);

  await leasesRunOut(account);
  const again = await ask(account, { ...scenario, prefix });
  expect([again.answer.status, again.answer.text]).toEqual([200, expect.anything()]);
  expect(plain(account, prefix)).toEqual(after);
  expect(stateOf(account, notMine)).toEqual(others);
}

/** What there is of a registry, without what differs from run to run. */
function plain(account: Account, prefix: string): unknown {
  const text = JSON.stringify(stateOf(account, (name) => name.startsWith(prefix)));
  return JSON.parse(text.replaceAll(prefix, "{prefix}"), (key, value) =>
    key === "createdAt" || key === "id" ? undefined : value,
  );
}

/** As if the time of every lease had passed: one whose write was not answered is not given back before. */
export async function leasesRunOut({ emulator, stack }: Account): Promise<void> {
  const client = new DynamoDBClient({ endpoint: emulator.url, region: stack.region, credentials: emulator.admin() });
  const { Items = [] } = await client.send(new ScanCommand({ TableName: stack.leaseTable, ConsistentRead: true }));
  for (const item of Items) {
    const { [keyAttribute]: key, holder } = item;
    if (key === undefined || holder === undefined) continue;
    await client.send(
      new UpdateItemCommand({
        TableName: stack.leaseTable,
        Key: { [keyAttribute]: key },
        UpdateExpression: "REMOVE holder, holderMs, acquiredAt, seenMs",
      }),
    );
  }
  client.destroy();
}

/** Every write under every fault; the reads, and the lease, which has tests of its own, under one after the other. */
export function plan({ calls }: Undisturbed): { nth: number; call: CallRecord; faults: typeof faults }[] {
  return calls.map((call, index) => {
    const one = faults[index % faults.length];
    const rotates = isRead(call) || call.service === "dynamodb";
    return { nth: index + 1, call, faults: rotates && one ? [one] : faults };
  });
}
