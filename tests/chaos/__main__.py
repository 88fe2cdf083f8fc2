"""`make chaos`: so many kills under a mixed load, with an audit after every ten; JSON on stdout.

Never hides its seed: a run that failed can be repeated with `--seed`, as far as clocks allow.
"""

import argparse
import random
import sys

from tests.chaos.audit import as_json
from tests.chaos.storm import storm

ROUND = 10


def main() -> None:
    """Exit 1 when the auditor found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(10**6)))
    parser.add_argument("--kills", type=int, default=50)
    options = parser.parse_args()
    _say(f"seed {options.seed}")
    with storm(options.seed) as running:
        while running.result.kills < options.kills:
            left = options.kills - running.result.kills
            problems = running.round(min(ROUND, left))
            _say(f"round {running.result.rounds}: {running.result.kills} kills")
            for problem in problems:
                _say(f"  {problem}")
    sys.stdout.write(as_json(vars(running.result)) + "\n")
    sys.exit(1 if running.result.problems else 0)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
