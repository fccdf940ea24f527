"""Deploys template.yaml to an AWS on this machine and sends a leaver through it.

`python3 infra/rehearsal/rehearse.py` needs neither an account nor Docker. AWS is ministack, an implementation of its
own: it runs the very packages that `cargo lambda build --release` made, reads the secret as CloudFormation does, and
holds each function to its role. Podio is the sandbox. The steps are those of infra/README.md: deploy, fill in the
secret, deploy again, smoke test, a signed leaver, a hook, an update, and the end of the stack. What became of the
leaver is read from the sandbox's own state, and what the functions logged from CloudWatch.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".cache" / "rehearsal"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packages", type=Path, metavar="DIR",
                        help="folder with api/bootstrap and so on; not given, cargo lambda builds them")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON document")
    return parser.parse_args()


def in_own_environment():
    """Goes on in a virtual environment that has what is needed, and makes that first if it misses."""
    installed = HOME / "installed.txt"
    python = HOME / "bin" / "python"
    if not installed.exists() or installed.read_text("utf-8") != REQUIREMENTS.read_text("utf-8"):
        say("installing ministack, SAM's translator and cargo-lambda")
        venv.create(HOME, with_pip=True, clear=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--requirement", REQUIREMENTS], check=True, stdout=sys.stderr)
        installed.write_text(REQUIREMENTS.read_text("utf-8"), "utf-8")
    if Path(sys.prefix) != HOME:
        os.execv(python, [python, *sys.argv])


def say(words):
    print(words, file=sys.stderr, flush=True)


def main():
    wanted = arguments()
    in_own_environment()
    from story import rehearse

    began = time.monotonic()
    report = rehearse(ROOT, wanted.packages, say)
    report["seconds"] = round(time.monotonic() - began, 1)
    if wanted.json:
        print(json.dumps(report, indent=1))
    for objection in report["objections"]:
        say(f"not so: {objection}")
    if not report["objections"]:
        say(f"rehearsed in {report['seconds']} s: the sandbox agrees that the person is gone, and nobody else was touched")
    return 1 if report["objections"] else 0


if __name__ == "__main__":
    sys.exit(main())
