// The door for Podio's hooks: checks the key, keeps the delivery once, enqueues a job, answers.

import { createHmac, timingSafeEqual } from "node:crypto";
import { Client } from "./aws.mjs";

const { HOOK_SECRET, TABLE_NAME, QUEUE_URL } = process.env;
const KEPT_SECONDS = 7 * 24 * 3600;

const dynamodb = new Client("dynamodb", "application/x-amz-json-1.0");
const sqs = new Client("sqs", "application/x-amz-json-1.0");

export async function handle(event) {
  const parts = event.rawPath.split("/");
  if (parts.length !== 6 || parts.slice(0, 3).join("/") !== "/hooks/podio") return answer(404);
  const [refType, refId, key] = parts.slice(3);
  const expected = Buffer.from(createHmac("sha256", HOOK_SECRET).update(`${refType}/${refId}`).digest("hex"));
  const given = Buffer.from(key);
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) return answer(404);
  const body = event.isBase64Encoded ? Buffer.from(event.body, "base64").toString() : (event.body ?? "");
  const form = Object.fromEntries(new URLSearchParams(body));
  if (!form.type) return answer(400);
  const now = Math.floor(Date.now() / 1000);
  const name = [form.hook_id, form.type, form.item_id, form.item_revision_id].map((part) => part ?? "").join("#");
  const item = {
    pk: { S: `delivery#${name}` },
    sk: { S: "delivery" },
    ref_type: { S: refType },
    ref_id: { S: refId },
    fields: { M: Object.fromEntries(Object.entries(form).map(([field, value]) => [field, { S: value }])) },
    received_at: { N: String(now) },
    due: { S: "delivery" },
    due_at: { N: String((now + 60) * 1000) },
    expires_at: { N: String(now + KEPT_SECONDS) },
  };
  const put = await dynamodb.call("DynamoDB_20120810.PutItem", {
    TableName: TABLE_NAME,
    Item: item,
    ConditionExpression: "attribute_not_exists(pk)",
  });
  if (put.status !== 200) return answer(put.body.includes("ConditionalCheckFailed") ? 200 : 503);
  const message = JSON.stringify({ v: 1, kind: "delivery", name });
  const sent = await sqs.call("AmazonSQS.SendMessage", { QueueUrl: QUEUE_URL, MessageBody: message });
  return answer(sent.status === 200 ? 200 : 503);
}

function answer(status) {
  return { statusCode: status, headers: {}, body: "", isBase64Encoded: false };
}
