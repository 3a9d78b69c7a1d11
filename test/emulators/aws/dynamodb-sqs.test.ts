import {
  CreateTableCommand,
  DescribeTableCommand,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { beforeAll, describe, expect, test } from "vitest";
import { allow, clients, HOME, refused, useEmulator } from "./support.ts";

const aws = useEmulator();
const TableName = "leases";
const table = `arn:aws:dynamodb:us-east-1:${HOME}:table/${TableName}`;
const as = (...policies: ReturnType<typeof allow>[]) =>
  clients(aws(), aws().credentialsFor(aws().role(HOME, "leaser", { policies })));
const get = (key: string) => new GetItemCommand({ TableName, Key: { id: { S: key } } });

beforeAll(async () => {
  await clients(aws()).dynamodb.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    }),
  );
});

describe("DynamoDB", () => {
  test("keeps conditions", async () => {
    const { dynamodb } = as(allow(["dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:DescribeTable"], table));
    const put = () =>
      dynamodb.send(
        new PutItemCommand({ TableName, Item: { id: { S: "a" } }, ConditionExpression: "attribute_not_exists(id)" }),
      );
    expect((await dynamodb.send(new DescribeTableCommand({ TableName }))).Table?.TableStatus).toBe("ACTIVE");
    await put();
    expect((await refused(put())).name).toBe("ConditionalCheckFailedException");
    expect((await dynamodb.send(get("a"))).Item).toEqual({ id: { S: "a" } });
    expect(aws().calls.at(-2)?.outcome).toBe("ConditionalCheckFailedException");
  });

  test("asks IAM, down to the keys", async () => {
    const { dynamodb } = as(
      allow("dynamodb:GetItem", table, { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": "mine-*" } }),
    );
    await dynamodb.send(get("mine-1"));
    expect(await refused(dynamodb.send(get("other")))).toMatchObject({ name: "AccessDeniedException", status: 400 });
    const update = new UpdateItemCommand({ TableName, Key: { id: { S: "mine-1" } } });
    expect((await refused(dynamodb.send(update))).name).toBe("AccessDeniedException");
  });

  test("is each region's own", async () => {
    const elsewhere = clients(aws(), aws().admin(), "eu-west-1").dynamodb.send(new DescribeTableCommand({ TableName }));
    expect((await refused(elsewhere)).name).toBe("ResourceNotFoundException");
  });
});

describe("SQS", () => {
  test("a message is sent, received, hidden, and deleted", async () => {
    const QueueUrl = aws().queue(HOME, "us-east-1", "dead-letters");
    const { sqs } = clients(aws());
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "why" }));
    const receive = async () => (await sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages;
    const [message] = (await receive()) ?? [];
    expect(message?.Body).toBe("why");
    expect(await receive()).toBeUndefined();
    aws().advance(31_000);
    const [again] = (await receive()) ?? [];
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: again?.ReceiptHandle }));
    aws().advance(31_000);
    expect(await receive()).toBeUndefined();
  });

  test("nobody sends without leave, or to a queue that is not there", async () => {
    const QueueUrl = aws().queue(HOME, "us-east-1", "guarded");
    const send = new SendMessageCommand({ QueueUrl, MessageBody: "x" });
    expect((await refused(as().sqs.send(send))).name).toMatch(/^AccessDenied/);
    await as(allow("sqs:SendMessage", `arn:aws:sqs:us-east-1:${HOME}:guarded`)).sqs.send(send);
    const nowhere = new SendMessageCommand({ QueueUrl: `${QueueUrl}-not`, MessageBody: "x" });
    expect((await refused(clients(aws()).sqs.send(nowhere))).name).toBe("QueueDoesNotExist");
  });
});
