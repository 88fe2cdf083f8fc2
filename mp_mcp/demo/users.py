"""The people of the demo data: where they live, what they use, what they are called.

Never depends on a day: a person is a function of the seed and a number.
"""

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import Any, NamedTuple


class Country(NamedTuple):
    """One market of the shop."""

    code: str
    weight: float
    currency: str
    methods: tuple[str, ...]
    places: tuple[tuple[str, str], ...]


COUNTRIES = (
    Country(
        "US",
        30,
        "USD",
        ("card", "paypal"),
        (("New York", "New York"), ("San Francisco", "California"), ("Austin", "Texas")),
    ),
    Country(
        "BR",
        20,
        "BRL",
        ("pix", "pix", "pix", "pix", "card"),
        (("São Paulo", "São Paulo"), ("Brasília", "Distrito Federal"), ("Belém", "Pará")),
    ),
    Country(
        "DE",
        14,
        "EUR",
        ("card", "sepa", "paypal"),
        (("München", "Bayern"), ("Köln", "Nordrhein-Westfalen"), ("Berlin", "Berlin")),
    ),
    Country("PT", 10, "EUR", ("card", "mbway"), (("Porto", "Porto"), ("Évora", "Évora"))),
    Country("JP", 10, "JPY", ("card", "konbini"), (("東京", "東京都"), ("大阪", "大阪府"))),
    Country("PL", 8, "PLN", ("blik", "card"), (("Kraków", "małopolskie"), ("Łódź", "łódzkie"))),
    Country("FR", 8, "EUR", ("card",), (("Saint-Étienne", "Auvergne-Rhône-Alpes"),)),
)
_COUNTRY_STEPS = tuple(accumulate(country.weight for country in COUNTRIES))

# U+2028 and U+0085 are legal inside JSON strings and split lines in careless readers.
NAMES = (
    "Ana Silva",
    "Zoë Müller",
    "Łukasz Nowak",
    "李雷",
    "Renée 🌸 Dupont",
    'O\'Brien, "Bo"',
    "Line\u2028Break",
    "Next\u0085Line",
    "José Ñandú",
    "Aisha 👩🏽‍💻",
)
BROWSERS = (("Chrome", 126), ("Safari", 17), ("Firefox", 128), ("Edge", 125))
SYSTEMS = ("Windows", "Mac OS X", "iOS", "Android", "Linux")
PLANS = ("free", "starter", "team", "enterprise")


class User(NamedTuple):
    """A person, and the properties that each of their events carries."""

    distinct_id: str | int
    name: str
    country: Country
    plan: str
    browser_version: int
    fixed: dict[str, Any]

    def profile(self) -> dict[str, Any]:
        """What Engage would say about them."""
        return {
            "$name": self.name,
            "$email": f"{self.distinct_id}@example.org",
            "$city": self.fixed["$city"],
            "$region": self.fixed["$region"],
            "$country_code": self.country.code,
            "plan": self.plan,
        }


def make_users(seed: int, count: int) -> Sequence[User]:
    """The people of a story; the first ones are the busiest."""
    return [_make_user(Random(f"{seed}/user/{number}"), number) for number in range(count)]  # noqa: S311


def _make_user(rng: Random, number: int) -> User:
    country = COUNTRIES[bisect(_COUNTRY_STEPS, rng.random() * _COUNTRY_STEPS[-1])]
    city, region = rng.choice(country.places)
    browser, version = rng.choice(BROWSERS)
    plan = PLANS[min(3, int(rng.random() ** 2 * 4))]
    name = rng.choice(NAMES)
    fixed: dict[str, Any] = {
        "$city": city,
        "$region": region,
        "mp_country_code": country.code,
        "$os": rng.choice(SYSTEMS),
        "$browser": browser,
        "$device_id": f"{rng.getrandbits(128):032x}",
        "$lib_version": "2.55.1",
        "mp_lib": "web",
        "plan": plan,
        "trial": plan == "free",
        # Digits that must stay text.
        "zip": f"{rng.randrange(100_000):05d}",
        "seats": rng.choice((1, 1, 3, 12)),
    }
    if number % 3:
        fixed["userName"] = name
    if number % 4 == 0:
        # The same word in another case is another property.
        fixed["username"] = f"user{number}"
    return User(_distinct_id(number), name, country, plan, version, fixed)


def _distinct_id(number: int) -> str | int:
    """A few old accounts have numbers for ids, and one visitor has none."""
    if number == 23:
        return ""
    return 700_000 + number if number % 100 == 17 else f"u-{1000 + number}"
