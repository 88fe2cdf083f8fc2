"""How long a fuzz test runs: a short and repeatable slice, or with MP_TEST_FUZZ at length.

Never random in the slice: what it finds was found before.
"""

import os

from hypothesis import HealthCheck, Phase, settings

IS_LONG = bool(os.environ.get("MP_TEST_FUZZ"))


def examples(short: int, long: int) -> settings:
    """Settings for so many examples."""
    return settings(
        max_examples=long if IS_LONG else short,
        derandomize=not IS_LONG,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate, *([Phase.shrink] if IS_LONG else [])],
        suppress_health_check=list(HealthCheck),
    )
