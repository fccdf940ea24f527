"""Counts the lines of code of the engine: quota, dispatch, coalescing, member reader, session and plumbing.

Lines that are blank, comments or tests do not count, nor do the adapters to DynamoDB and SQS, which know nothing of
turns. Ends with 1 where there are more lines than the engine may have.
"""

import re
import sys
from pathlib import Path

# Two thousand were wanted: the budget of hooks, the estimate, which plays the same rule, the pause and the registry came on top.
LIMIT = 2_300
PARTS = {
    "quota": ["shared/engine/src/quota/*.rs"],
    "dispatch": [
        "shared/engine/src/*.rs",
        "shared/lifecycle/src/work.rs",
        "shared/lifecycle/src/offboarding/waiting.rs",
    ],
    "coalescing": ["functions/worker/src/jobs/together.rs"],
    "member reader": ["functions/worker/src/jobs/look_up/*.rs"],
    "session": [
        "functions/worker/src/session/mod.rs",
        "functions/worker/src/session/access.rs",
        "functions/worker/src/session/budget.rs",
        "functions/worker/src/session/moments.rs",
        "functions/worker/src/session/probe.rs",
        "functions/worker/src/halt.rs",
    ],
    "plumbing": ["functions/worker/src/batch.rs", "functions/worker/src/registry.rs"],
}


def code_lines(text: str) -> int:
    """Lines of Rust before the tests that are neither blank nor comments."""
    code = re.split(r"^#\[cfg\(test\)\]\nmod tests", text, maxsplit=1, flags=re.MULTILINE)[0]
    stripped = (line.strip() for line in code.splitlines())
    return sum(1 for line in stripped if line and not line.startswith("//"))


def main(root: Path) -> int:
    total = 0
    for part, patterns in PARTS.items():
        files = [file for pattern in patterns for file in sorted(root.glob(pattern))]
        if not files:
            print(f"no file is left of {part}: {patterns}")
            return 1
        lines = sum(code_lines(file.read_text()) for file in files)
        total += lines
        print(f"{part:<15}{lines:>6}")
    print(f"{'engine':<15}{total:>6}  of at most {LIMIT}")
    return 0 if total <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parents[2]))
