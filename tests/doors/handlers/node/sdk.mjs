// The door with AWS's SDK for JavaScript, as people write it.

import { ConditionalCheckFailedException, DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { door } from "./door.mjs";
import { run } from "./runtime.mjs";

const { TABLE_NAME, QUEUE_URL } = process.env;

const dynamodb = new DynamoDBClient();
const sqs = new SQSClient();

async function keep(item) {
  const put = { TableName: TABLE_NAME, Item: item, ConditionExpression: "attribute_not_exists(pk)" };
  try {
    await dynamodb.send(new PutItemCommand(put));
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
  return true;
}

async function wake(message) {
  await sqs.send(new SendMessageCommand({ QueueUrl: QUEUE_URL, MessageBody: message }));
}

await run(door(keep, wake));
