"""The door for Podio's hooks: checks the key, keeps the delivery once, as a job, and answers."""

import base64
import hashlib
import hmac
import json
import os
import time
from urllib.parse import parse_qsl

SECRET = os.environ["HOOK_SECRET"].encode()
KEPT_SECONDS = 30 * 24 * 3600


def door(keep, wake):
    """The handler of an event.

    `keep` stores an item and says whether it is new; it raises when storage is down. `wake` sends a message, for
    verifications alone; when it raises, the job is left to a sweep, since the item is in the work table.
    """

    def handle(event):
        parts = event["rawPath"].split("/")
        if len(parts) != 6 or parts[:3] != ["", "hooks", "podio"]:
            return answer(404)
        ref_type, ref_id, key = parts[3:]
        expected = hmac.new(SECRET, f"{ref_type}/{ref_id}".encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), key.encode()):
            return answer(404)
        form = fields(event)
        if not form.get("type"):
            return answer(400)
        now = int(time.time())
        name = "#".join(form.get(part, "") for part in ("hook_id", "type", "item_id", "item_revision_id", "code"))
        item = {
            "pk": {"S": f"delivery#{name}"},
            "sk": {"S": "delivery"},
            "ref_type": {"S": ref_type},
            "ref_id": {"S": ref_id},
            "fields": {"M": {field: {"S": value} for field, value in form.items()}},
            "received_at": {"N": str(now)},
            "work_queue": {"S": "ready"},
            "work_place": {"S": f"0#{now * 1000:013}"},
            "work": {"S": json.dumps({"since": now, "calls": ["GET /item/{item_id}"], "group": f"{ref_type}/{ref_id}"})},
            "expires_at": {"N": str(now + KEPT_SECONDS)},
        }
        try:
            if not keep(item):
                return answer(200)
        except Exception:
            return answer(503)
        if form.get("type") == "hook.verify":
            try:
                wake(json.dumps({"v": 1, "body": "wake"}))
            except Exception:
                pass
        return answer(200)

    return handle


def fields(event):
    body = event.get("body", "")
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body).decode()
    return dict(parse_qsl(body, keep_blank_values=True))


def answer(status):
    return {"statusCode": status, "headers": {}, "body": "", "isBase64Encoded": False}
