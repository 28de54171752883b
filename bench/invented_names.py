"""Invented companies, and what people make of a name when they type it into two systems."""

import random
from collections.abc import Callable

SYLLABLES = (
    "ba", "ko", "ren", "tal", "mi", "dor", "vex", "lin", "sta", "ger", "mon", "phi", "cra", "wes", "tu", "hal", "bri",
    "ost", "nel", "var", "qui", "sor",
)  # fmt: skip
TRADES = (
    "Dental Group", "Law Offices", "Manufacturing", "Family Medicine", "Engineering Services", "Property Management",
    "Insurance Agency", "Construction", "Logistics", "Veterinary Clinic", "Accounting", "International Trading",
    "Technologies", "Foods", "Machinery", "Investment Partners",
)  # fmt: skip
FORMS = ("Inc.", "LLC", "Ltd", "GmbH", "Corporation", "S.A.", "")
SISTERS = ("Foundation", "Holdings", "of Texas", "East", "Capital", "Logistics", "Family Office", "UK")
SHORTENED = {
    "Manufacturing": "Mfg",
    "International": "Intl",
    "Services": "Svcs",
    "Management": "Mgmt",
    "Group": "Grp",
}
Change = Callable[[str, random.Random], str]


def invent(count: int, seed: int) -> list[tuple[str, str, str]]:
    """Give so many (vendor's name, account's name, kind); absent and sibling ones are a fifth each."""
    dice = random.Random(seed)
    cases = []
    for number in range(count):
        account = _company(dice)
        if number % 5 == 0:
            cases.append((_company(dice), account, "absent"))
        elif number % 5 == 1:
            cases.append((f"{account} {dice.choice(SISTERS)}", account, "sibling"))
        else:
            cases.append((dice.choice(CHANGES)(account, dice), account, "same"))
    return cases


def _company(dice: random.Random) -> str:
    word = "".join(dice.choices(SYLLABLES, k=dice.randint(2, 4))).capitalize()
    return f"{word} {dice.choice(TRADES)} {dice.choice(FORMS)}".strip()


def mistype(name: str, dice: random.Random) -> str:
    """Leave out, double or swap one letter of the first word."""
    word, _, rest = name.partition(" ")
    at = dice.randrange(1, len(word) - 1)
    spoiled = dice.choice(
        (
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        )
    )
    return f"{spoiled} {rest}"


def turn_round(name: str, _dice: random.Random) -> str:
    """Put the first word last, behind a comma."""
    word, _, rest = name.partition(" ")
    return f"{rest}, {word}" if rest else word


def shorten(name: str, _dice: random.Random) -> str:
    """Write the words that have a short form in it."""
    return " ".join(SHORTENED.get(word, word) for word in name.split())


def shout(name: str, _dice: random.Random) -> str:
    """Write all in capitals, without the punctuation."""
    return name.upper().replace(".", "").replace(",", "")


CHANGES: tuple[Change, ...] = (mistype, turn_round, shorten, shout)
