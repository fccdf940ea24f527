// The door with AWS requests that are signed by hand, without any library: faster than what people write.

import { Client } from "./aws.mjs";
import { door } from "./door.mjs";
import { run } from "./runtime.mjs";

const { TABLE_NAME, QUEUE_URL } = process.env;

const dynamodb = new Client("dynamodb", "application/x-amz-json-1.0");
const sqs = new Client("sqs", "application/x-amz-json-1.0");

async function keep(item) {
  const put = { TableName: TABLE_NAME, Item: item, ConditionExpression: "attribute_not_exists(pk)" };
  const { status, body } = await dynamodb.call("DynamoDB_20120810.PutItem", put);
  if (status !== 200 && !body.includes("ConditionalCheckFailed")) throw new Error(`DynamoDB says ${status}`);
  return status === 200;
}

async function wake(message) {
  const { status } = await sqs.call("AmazonSQS.SendMessage", { QueueUrl: QUEUE_URL, MessageBody: message });
  if (status !== 200) throw new Error(`SQS says ${status}`);
}

await run(door(keep, wake));
