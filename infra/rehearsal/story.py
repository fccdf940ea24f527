"""The rehearsal, step by step as infra/README.md has it."""

import base64
import hashlib
import hmac
import json
import secrets
import time
import urllib.error
import urllib.request
from pathlib import Path

import judge
import processes
from stack import RETAINED, Stack

# What opens the sandbox (infra/sandbox/src/config.rs) and nothing else.
PODIO = {
    "PODIO_CLIENT_ID": "podio-lifecycle-development",
    "PODIO_CLIENT_SECRET": "development-client-secret",
}
# The acting admin, by whose hand the hook is registered.
LOGIN = {"username": "admin@example.com", "password": "development-password"}
SETTLED = {"completed", "failed", "cancelled", "held"}


def rehearse(root, folder, say):
    """Runs it all; the report's objections say what should not be so."""
    say("building the packages" if folder is None else f"packages of {folder}")
    packages = processes.packages(root, folder)
    logs = root / ".cache" / "rehearsal"
    with open(logs / "podio.log", "w") as podio_log, open(logs / "aws.log", "w") as aws_log:
        with processes.podio(root, podio_log) as podio, processes.aws(aws_log) as aws:
            stack = Stack(aws, packages, PodioApiUrl=podio["podio"], PodioOrgId=podio["org_id"])
            return Rehearsal(root, stack, podio, say).run()


class Rehearsal:
    def __init__(self, root, stack, podio, say):
        self.root = root
        self.stack = stack
        self.podio = podio["podio"]
        self.leaver = podio["leaver"]
        self.say = say
        self.api_token = secrets.token_hex(32)
        self.sender_secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        self.hook_secret = secrets.token_hex(32)
        self.objections = []

    def run(self):
        stack = self.stack
        self.say("deploying template.yaml")
        stack.upload()
        stack.create()
        self.doors = stack.open_doors()
        self.expect(call("GET", f"{self.doors}/quota")[0] >= 500, "a door is open before its secrets are there")
        self.say("filling in the secret, deploying again")
        done = processes.authorize(self.root, stack, self.podio, PODIO)
        self.expect(done["stored"] and done["version_id"], f"the service is not let into Podio: {done}")
        version = stack.fill_secret(
            API_TOKENS=self.api_token, OFFBOARDING_SECRETS=self.sender_secret, HOOK_SECRET=self.hook_secret)
        stack.update(SecretVersionId=version)
        stack.open_doors()
        self.smoke_test()
        before = self.sandbox("state")
        leaver = judge.user_of(before, self.leaver)
        hook = self.register_hook(before, leaver)
        self.sandbox("log", "DELETE")
        offboarding = self.offboard()
        self.expect(stack.sweep(), "the sweep fails")
        self.expect(stack.dead_letters() == 0, "there are dead letters")
        self.objections += judge.objections(before, self.sandbox("state"), self.sandbox("log"), leaver, hook)
        lines = list(stack.logged())
        self.in_the_logs(before, lines)
        self.say("deleting the stack")
        stack.delete()
        self.objections += [f"{name} went with the stack" for name in RETAINED if not stack.still_has(name)]
        return {
            "objections": self.objections, "offboarding": offboarding, "hook_id": hook,
            "packages": {name: len(package) for name, package in stack.packages.items()}, "log_lines": len(lines),
        }

    def expect(self, holds, objection):
        if not holds:
            self.objections.append(objection)

    def smoke_test(self):
        self.say("smoke test")
        self.expect(call("GET", f"{self.doors}/health") == (200, {"status": "ok"}), "GET /health is not ok")
        self.expect(self.get("/quota")[0] == 200, "GET /quota does not answer")
        self.expect(call("GET", f"{self.doors}/quota")[0] == 401, "GET /quota answers strangers")
        dry = {"user": {"email": self.leaver}, "dry_run": True}
        status, accepted = call("POST", f"{self.doors}/offboardings", dry, self.bearer())
        self.expect(status == 202, f"a dry run is answered {status}: {accepted}")
        done = self.followed(accepted.get("url"))
        self.expect((done.get("state"), done.get("outcome")) == ("completed", "planned"), f"the dry run is {done}")

    def register_hook(self, state, leaver):
        """By hand, since Podio's side of ministack's doors has no name that HOOKS could be made of."""
        self.say("registering a hook")
        client = {"client_id": PODIO["PODIO_CLIENT_ID"], "client_secret": PODIO["PODIO_CLIENT_SECRET"]}
        grant = {"grant_type": "password", **client, **LOGIN}
        _, token = call("POST", f"{self.podio}/oauth/token/v2", grant)
        authorized = {"Authorization": f"OAuth2 {token['access_token']}"}
        space = next(space for space, seated in judge.seats(state).items() if leaver in seated)
        key = hmac.new(self.hook_secret.encode(), f"space/{space}".encode(), hashlib.sha256).hexdigest()
        wish = {"url": f"{self.doors}/hooks/podio/space/{space}/{key}", "type": "app.create"}
        _, created = call("POST", f"{self.podio}/hook/space/{space}/", wish, authorized)
        hook = created["hook_id"]
        # Podio sends its code unasked; if that does not arrive, it is asked once.
        if not self.is_active(hook, 20):
            call("POST", f"{self.podio}/hook/{hook}/verify/request", {}, authorized)
            self.is_active(hook, 60)
        return hook

    def is_active(self, hook, patience):
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if self.sandbox("state")["hooks"][str(hook)]["active"]:
                return True
            time.sleep(0.5)
        return False

    def offboard(self):
        self.say("sending a signed leaver")
        body = json.dumps({"user": {"email": self.leaver}, "reason": "rehearsal", "requested_by": "infra/rehearsal"})
        message, now = f"msg_{secrets.token_hex(8)}", str(int(time.time()))
        key = base64.b64decode(self.sender_secret.removeprefix("whsec_"))
        mac = hmac.new(key, f"{message}.{now}.{body}".encode(), hashlib.sha256).digest()
        signed = {
            "webhook-id": message, "webhook-timestamp": now,
            "webhook-signature": "v1," + base64.b64encode(mac).decode(),
        }
        status, accepted = call("POST", f"{self.doors}/offboardings", body, signed)
        self.expect(status == 202, f"the leaver is answered {status}: {accepted}")
        done = self.followed(accepted.get("url"))
        self.expect((done.get("state"), done.get("outcome")) == ("completed", "removed"), f"the leaver is {done}")
        status, evidence = self.get(f"{accepted.get('url')}/evidence")
        self.expect(status == 200 and evidence.get("integrity") == "verified", "the evidence is not verified")
        return {name: done.get(name) for name in ("id", "state", "outcome", "progress", "podio_calls")}

    def followed(self, path, patience=90):
        until = time.monotonic() + patience
        state = None
        while time.monotonic() < until:
            status, offboarding = self.get(f"{path}?fields=summary")
            if status != 200:
                return offboarding
            if offboarding["state"] != state:
                state = offboarding["state"]
                self.say(f"  {state}")
            if state in SETTLED:
                return offboarding
            time.sleep(0.5)
        return {"state": f"still {state}"}

    def in_the_logs(self, state, lines):
        """No function complained, and no line tells who anybody is or what opens anything."""
        people = {member["mail"] for org in state["orgs"] for member in org["members"]} - {None}
        held = self.stack.secret()
        words = people | {text for name, text in held.items() if name != "PODIO_CLIENT_ID" and text.strip()}
        for binary, line in lines:
            if '"level":"ERROR"' in line:
                self.objections.append(f"{binary} complains: {line.strip()}")
            if any(word in line for word in words):
                self.objections.append(f"a line of {binary}'s log tells too much")
        # Nothing was looked into if nothing was logged.
        for binary in {"api", "worker"} - {binary for binary, _ in lines}:
            self.objections.append(f"{binary} has logged nothing")

    def bearer(self):
        return {"Authorization": f"Bearer {self.api_token}"}

    def get(self, path):
        return call("GET", f"{self.doors}{path}", headers=self.bearer())

    def sandbox(self, what, method="GET"):
        return call(method, f"{self.podio}/_sandbox/{what}")[1]


def call(method, url, body=None, headers=None):
    """Status and JSON of an answer, whatever the status."""
    data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    try:
        return status, json.loads(text or b"{}")
    except ValueError:
        return status, {"text": text.decode("utf-8", "replace")}
