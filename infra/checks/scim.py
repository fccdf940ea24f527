"""Judges the SCIM door of a running stack: by two conformance testers, and by what Podio shows afterwards.

`.cache/scim/bin/python infra/checks/scim.py` starts `cargo local up`, lets scim2-cli and scim-sanity do their worst, deactivates
one member of the sandbox as Entra ID does, and stops the stack. Everybody whom the testers make up is unknown to Podio, so that
one member must be the only one missing at the end.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
# Development values of the local stack.
SCIM_TOKEN, API_TOKEN = "development-scim-token-0001", "development-api-token-0001"
LEAVER = "jane.doe@example.com"
# Fewer checks than this, and the tester has not tested.
LEAST_CHECKS = 46
STARTING, REMOVING, STOPPING = 900, 300, 60


def members(state):
    """Who is in the organization."""
    return {member["user_id"]: member["mail"] for org in state["orgs"] for member in org["members"]}


def objections(before, after):
    """What the sandbox's own state objects to, one sentence each."""
    then, now = members(before), members(after)
    gone = sorted(mail for user, mail in then.items() if user not in now)
    if gone != [LEAVER]:
        yield f"{len(gone)} members are gone, and not just the leaver"
    if set(now) - set(then):
        yield "somebody has joined"
    if after["deleted_spaces"] != before["deleted_spaces"]:
        yield "a space was deleted"


def unsuccessful(report):
    """What a report of scim2-cli objects to: each check that is no success, and a test that has tested little."""
    checks = [line for line in report.splitlines() if line.split(" ")[0].isupper()]
    yield from (line for line in checks if not line.startswith("SUCCESS "))
    if len(checks) < LEAST_CHECKS:
        yield f"{len(checks)} checks, not {LEAST_CHECKS}"


class Stack:
    """`cargo local up`, until the end of a `with`."""

    def __enter__(self):
        # Not the caller's tokens: the development ones.
        own = {name: value for name, value in os.environ.items() if name not in ("SCIM_TOKENS", "API_TOKENS")}
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            ["cargo", "local", "up"], cwd=ROOT, env=own, stdout=subprocess.PIPE, stderr=self.log, text=True)
        watch = time.monotonic() + STARTING
        line = self.process.stdout.readline()
        if not line or time.monotonic() > watch:
            self.tell()
            self.__exit__()
            raise SystemExit("the stack does not start")
        self.places = json.loads(line)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOPPING)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def tell(self):
        self.log.seek(0)
        print("".join(self.log.readlines()[-20:]), file=sys.stderr)

    def call(self, method, path, body=None, token=API_TOKEN):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.places["api"] + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or "null")

    def state(self):
        with urllib.request.urlopen(f"{self.places['podio']}/_sandbox/state", timeout=30) as answer:
            return json.loads(answer.read())


def by_scim2_cli(url):
    secret = os.environ | {"SCIM_CLI_HEADERS": f"Authorization: Bearer {SCIM_TOKEN}"}
    run = subprocess.run([TOOLS / "scim", "-u", url, "test"], env=secret, capture_output=True, text=True)
    found = list(unsuccessful(run.stdout))
    print(f"scim2-cli: {run.stdout.count('SUCCESS ')} successes, exit {run.returncode}")
    return found + ([] if run.returncode == 0 else [f"scim2-cli ends with {run.returncode}: {run.stderr.strip()[-500:]}"])


def by_scim_sanity(url):
    run = subprocess.run(
        [TOOLS / "scim-sanity", "probe", url, "--token", SCIM_TOKEN, "--i-accept-side-effects", "--strict", "--json-output"],
        capture_output=True, text=True)
    if run.returncode not in (0, 1) or not run.stdout.strip():
        return [f"scim-sanity ends with {run.returncode}: {run.stderr.strip()[-500:]}"]
    report = json.loads(run.stdout)
    print(f"scim-sanity: {json.dumps(report['summary'])}, exit {run.returncode}")
    bad = [each for each in report["results"] if each["status"] in ("fail", "error", "warn")]
    found = [f"scim-sanity: {each['status']} {each['name']}: {each.get('message', '')}" for each in bad]
    return found if run.returncode == 0 else found or [f"scim-sanity ends with {run.returncode}"]


def one_leaver(stack):
    """A member of the sandbox who is provisioned, disabled and deleted, in Entra ID's words."""
    user = {"userName": "jdoe", "emails": [{"type": "work", "value": LEAVER, "primary": True}], "active": True}
    status, created = stack.call("POST", "/scim/v2/Users", user, SCIM_TOKEN)
    if status != 201:
        return [f"the leaver is provisioned with {status}"]
    path = f"/scim/v2/Users/{created['id']}"
    disable = {"Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
    answers = [stack.call("PATCH", path, disable, SCIM_TOKEN)[0] for _ in range(2)]
    answers += [stack.call("DELETE", path, None, SCIM_TOKEN)[0] for _ in range(2)]
    if answers != [200, 200, 204, 404]:
        return [f"disabling twice and deleting twice is answered {answers}"]
    until = time.monotonic() + REMOVING
    while time.monotonic() < until:
        _, listed = stack.call("GET", f"/offboardings?email={LEAVER}")
        found = [(each["state"], each["outcome"], each["source"]["kind"]) for each in listed["offboardings"]]
        if found == [("completed", "removed", "scim")]:
            print(f"one leaver: removed, {listed['offboardings'][0]['podio_calls']} calls to Podio")
            return []
        time.sleep(1)
    return [f"the leaver's offboardings are {found}"]


def main():
    with Stack() as stack:
        before, url = stack.state(), f"{stack.places['api']}/scim/v2"
        found = by_scim2_cli(url) + by_scim_sanity(url) + one_leaver(stack)
        found += objections(before, stack.state())
        if found:
            stack.tell()
    print("\n".join(found) if found else "scim: no findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
