import type { Call } from "../call.ts";

/** Key attributes by table, learnt from CreateTable: what `dynamodb:LeadingKeys` is about. */
export type HashKeys = Map<string, string>;

/** Asks IAM about every table that a call names; dynalite itself asks nobody. */
export async function authorizeTables(call: Call, hashKeys: HashKeys): Promise<void> {
  const { input, record } = call;
  const action = `dynamodb:${record.action}`;
  const named = input.optionalText("TableName") ?? input.optionalText("ResourceArn");
  const batch = Object.keys(input.optionalRecord("RequestItems")?.values ?? {});
  const tables = named === undefined ? batch : [named, ...batch];
  if (tables.length === 0) return call.authorize({ action, resource: "*" });
  for (const table of tables) {
    const resource = table.startsWith("arn:") ? table : tableArn(call, table);
    await call.authorize({
      action,
      resource,
      context: { "dynamodb:LeadingKeys": leadingKeys(call, hashKeys.get(resource)) },
    });
  }
}

/** Remembers the key of a table that is being made. */
export function learnHashKey(call: Call, hashKeys: HashKeys): void {
  if (call.record.action !== "CreateTable") return;
  const key = call.input.records("KeySchema").find((entry) => entry.text("KeyType") === "HASH");
  if (key !== undefined) hashKeys.set(tableArn(call, call.input.text("TableName")), key.text("AttributeName"));
}

function tableArn(call: Call, name: string): string {
  return `arn:${call.world.directory.partition}:dynamodb:${call.region}:${call.account}:table/${name}`;
}

function leadingKeys({ input }: Call, attribute: string | undefined): string[] | undefined {
  if (attribute === undefined) return undefined;
  const item = input.optionalRecord("Key") ?? input.optionalRecord("Item");
  const value = item?.optionalRecord(attribute)?.values;
  const text = value?.S ?? value?.N;
  return typeof text === "string" ? [text] : undefined;
}
