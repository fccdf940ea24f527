"""The door with AWS requests that are signed by hand, without any library: faster than what people write."""

import os

import aws
import runtime
from door import door

TABLE = os.environ["TABLE_NAME"]
QUEUE = os.environ["QUEUE_URL"]

dynamodb = aws.Client("dynamodb", "application/x-amz-json-1.0")
sqs = aws.Client("sqs", "application/x-amz-json-1.0")


def keep(item):
    put = {"TableName": TABLE, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
    status, reply = dynamodb.call("DynamoDB_20120810.PutItem", put)
    if status != 200 and b"ConditionalCheckFailed" not in reply:
        raise OSError(f"DynamoDB says {status}")
    return status == 200


def wake(message):
    status, _ = sqs.call("AmazonSQS.SendMessage", {"QueueUrl": QUEUE, "MessageBody": message})
    if status != 200:
        raise OSError(f"SQS says {status}")


runtime.run(door(keep, wake))
