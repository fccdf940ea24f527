"""The door for Podio's hooks: checks the key, keeps the delivery once, enqueues a job, answers."""

import base64
import hashlib
import hmac
import json
import os
import time
from urllib.parse import parse_qsl

import aws

SECRET = os.environ["HOOK_SECRET"].encode()
TABLE = os.environ["TABLE_NAME"]
QUEUE = os.environ["QUEUE_URL"]
KEPT_SECONDS = 7 * 24 * 3600

dynamodb = aws.Client("dynamodb", "application/x-amz-json-1.0")
sqs = aws.Client("sqs", "application/x-amz-json-1.0")


def handle(event):
    parts = event["rawPath"].split("/")
    if len(parts) != 6 or parts[:3] != ["", "hooks", "podio"]:
        return answer(404)
    ref_type, ref_id, key = parts[3:]
    expected = hmac.new(SECRET, f"{ref_type}/{ref_id}".encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), key.encode()):
        return answer(404)
    body = event.get("body", "")
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body).decode()
    form = dict(parse_qsl(body, keep_blank_values=True))
    if not form.get("type"):
        return answer(400)
    now = int(time.time())
    name = "#".join([form.get("hook_id", ""), form["type"], form.get("item_id", ""), form.get("item_revision_id", "")])
    item = {
        "pk": {"S": f"delivery#{name}"},
        "sk": {"S": "delivery"},
        "ref_type": {"S": ref_type},
        "ref_id": {"S": ref_id},
        "fields": {"M": {field: {"S": value} for field, value in form.items()}},
        "received_at": {"N": str(now)},
        "due": {"S": "delivery"},
        "due_at": {"N": str((now + 60) * 1000)},
        "expires_at": {"N": str(now + KEPT_SECONDS)},
    }
    status, reply = dynamodb.call(
        "DynamoDB_20120810.PutItem",
        {"TableName": TABLE, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"},
    )
    if status != 200:
        return answer(200 if b"ConditionalCheckFailed" in reply else 503)
    message = json.dumps({"v": 1, "kind": "delivery", "name": name})
    status, _ = sqs.call("AmazonSQS.SendMessage", {"QueueUrl": QUEUE, "MessageBody": message})
    return answer(200 if status == 200 else 503)


def answer(status):
    return {"statusCode": status, "headers": {}, "body": "", "isBase64Encoded": False}
