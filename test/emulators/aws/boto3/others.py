"""DynamoDB and SQS, through boto3."""

import os

from checking import check, equal
from checks import client, function_keys, refused


@check
def tables_keep_their_conditions():
    dynamodb = client("dynamodb")
    dynamodb.create_table(
        TableName="py-leases",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    put = {"TableName": "py-leases", "Item": {"id": {"S": "a"}}, "ConditionExpression": "attribute_not_exists(id)"}
    dynamodb.put_item(**put)
    refused("ConditionalCheckFailedException", dynamodb.put_item, **put)
    equal(dynamodb.get_item(TableName="py-leases", Key={"id": {"S": "a"}})["Item"], {"id": {"S": "a"}})
    refused("AccessDeniedException", client("dynamodb", **function_keys()).put_item, **put)


@check
def messages_are_sent_and_received():
    sqs = client("sqs")
    queue = os.environ["QUEUE_URL"]
    sent = sqs.send_message(QueueUrl=queue, MessageBody="why")
    (received,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    equal((received["Body"], received["MessageId"]), ("why", sent["MessageId"]))
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=received["ReceiptHandle"])
