"""Checks template.yaml: what cfn-lint knows of CloudFormation, and what the template must agree on with the code.

`python infra/checks/template.py` prints what it finds, one line each, and fails if that is anything; with `--plain` it prints
what SAM makes of the template. cfn-lint sees the
template twice: as it is written, and as SAM makes plain CloudFormation of it, since some mistakes (a batch that is too
large, a queue that is visible again while the worker still works) show only there.
"""

import json
import sys
from pathlib import Path

# First of all: it sets the region that the others want.
from translation import translate

from cfnlint.api import lint
from cfnlint.decode import decode_str
from samtranslator.model.exceptions import InvalidDocumentException

import agreement

ROOT = Path(__file__).resolve().parents[2]


def told(where, matches):
    return [f"{where}:{match.linenumber}: {match.rule.id} {match.message}" for match in matches]


def linted(text):
    """What cfn-lint finds, as written and as translated."""
    template, errors = decode_str(text)
    if errors:
        return told("template.yaml", errors)
    found = told("template.yaml", lint(text))
    try:
        return found + told("translated", lint(json.dumps(translate(template), indent=1)))
    except InvalidDocumentException as error:
        return found + [f"template.yaml: {cause.message}" for cause in error.causes]


def disagreements(text):
    """Where template and code, or template and our own rules, differ. Wants a template that translates."""
    template, _ = decode_str(text)
    return [f"template.yaml: {message}" for message in agreement.findings(template, translate(template), ROOT)]


def main():
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    if "--plain" in sys.argv[1:]:
        print(json.dumps(translate(decode_str(text)[0]), indent=1))
        return 0
    found = linted(text) or disagreements(text)
    print("\n".join(found) if found else "template.yaml: no findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
