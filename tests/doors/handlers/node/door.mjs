// The door for Podio's hooks: checks the key, keeps the delivery once, enqueues a job, answers.

import { createHmac, timingSafeEqual } from "node:crypto";

const { HOOK_SECRET } = process.env;
const KEPT_SECONDS = 30 * 24 * 3600;

// The handler of an event. `keep` stores an item and says whether it is new; it throws when storage is down. `enqueue`
// sends a message; when it throws, the job is left to a sweep, since the item says that it is due.
export function door(keep, enqueue) {
  return async (event) => {
    const parts = event.rawPath.split("/");
    if (parts.length !== 6 || parts.slice(0, 3).join("/") !== "/hooks/podio") return answer(404);
    const [refType, refId, key] = parts.slice(3);
    const expected = Buffer.from(createHmac("sha256", HOOK_SECRET).update(`${refType}/${refId}`).digest("hex"));
    const given = Buffer.from(key);
    if (expected.length !== given.length || !timingSafeEqual(expected, given)) return answer(404);
    const form = fields(event);
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
    try {
      if (!(await keep(item))) return answer(200);
    } catch {
      return answer(503);
    }
    try {
      await enqueue(JSON.stringify({ v: 1, kind: "delivery", name }));
    } catch {}
    return answer(200);
  };
}

function fields(event) {
  const body = event.isBase64Encoded ? Buffer.from(event.body, "base64").toString() : (event.body ?? "");
  return Object.fromEntries(new URLSearchParams(body));
}

function answer(status) {
  return { statusCode: status, headers: {}, body: "", isBase64Encoded: false };
}
