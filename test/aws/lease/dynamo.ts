import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { CreateTableCommand, DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import type { Item } from "../../../functions/aws/lease/item.ts";

/** A DynamoDB server in a process of its own, with a table of leases. */
export interface Dynamo {
  readonly endpoint: string;
  readonly tableName: string;
  readonly client: DynamoDBClient;
  item(repository: string): Promise<Item | undefined>;
  stop(): Promise<void>;
}

const credentials = { accessKeyId: "test", secretAccessKey: "test" };

export function dynamoClient(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({ endpoint, region: "eu-west-1", credentials, maxAttempts: 1 });
}

export async function startDynamo(): Promise<Dynamo> {
  const port = await freePort();
  const cli = new URL("../../../node_modules/dynalite/cli.js", import.meta.url).pathname;
  const options = ["--host", "127.0.0.1", "--port", String(port), "--createTableMs", "0"];
  const child = spawn(process.execPath, [cli, ...options], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const endpoint = `http://127.0.0.1:${port}`;
  const client = dynamoClient(endpoint);
  const tableName = "leases";
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "repository", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "repository", KeyType: "HASH" }],
    }),
  );
  return {
    endpoint,
    tableName,
    client,
    async item(repository) {
      const Key = { repository: { S: repository } };
      return (await client.send(new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true }))).Item;
    },
    async stop() {
      client.destroy();
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
