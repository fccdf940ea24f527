// The door for Podio's hooks: checks the key, keeps the delivery once, as a job, and answers.

import { createHmac, timingSafeEqual } from "node:crypto";

const { HOOK_SECRET } = process.env;
const KEPT_SECONDS = 30 * 24 * 3600;

// The handler of an event. `keep` stores an item and says whether it is new; it throws when storage is down. `wake` sends
// a message, for verifications alone; when it throws, the job is left to a sweep, since the item is in the work table.
export function door(keep, wake) {
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
    const named = [form.hook_id, form.type, form.item_id, form.item_revision_id, form.code];
    const name = named.map((part) => part ?? "").join("#");
    const item = {
      pk: { S: `delivery#${name}` },
      sk: { S: "delivery" },
      ref_type: { S: refType },
      ref_id: { S: refId },
      fields: { M: Object.fromEntries(Object.entries(form).map(([field, value]) => [field, { S: value }])) },
      received_at: { N: String(now) },
      work_queue: { S: "ready" },
      work_place: { S: `0#${String(now * 1000).padStart(13, "0")}` },
      work: { S: JSON.stringify({ since: now, calls: ["GET /item/{item_id}"], group: `${refType}/${refId}` }) },
      expires_at: { N: String(now + KEPT_SECONDS) },
    };
    try {
      if (!(await keep(item))) return answer(200);
    } catch {
      return answer(503);
    }
    if (form.type === "hook.verify") {
      try {
        await wake(JSON.stringify({ v: 1, body: "wake" }));
      } catch {}
    }
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
