"""The door with AWS's SDK for Python, as people write it."""

import os

import boto3
import runtime
from botocore.config import Config
from door import door

TABLE = os.environ["TABLE_NAME"]
QUEUE = os.environ["QUEUE_URL"]

tries = Config(retries={"mode": "standard", "total_max_attempts": 3})
dynamodb = boto3.client("dynamodb", config=tries)
sqs = boto3.client("sqs", config=tries)


def keep(item):
    try:
        dynamodb.put_item(TableName=TABLE, Item=item, ConditionExpression="attribute_not_exists(pk)")
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True


def wake(message):
    sqs.send_message(QueueUrl=QUEUE, MessageBody=message)


runtime.run(door(keep, wake))
