"""Legal forms of companies, in many languages: what may be left off a name, and what kind of company it says.

The terms are cleanco's; those it lacks are added here. A form is known by its letters alone, so that "S.p.A.",
"S. p. A." and "SpA" are one.
"""

from collections.abc import Sequence
from functools import cache

from anyascii import anyascii
from cleanco import termdata

from vendors.word_lists import read_words

# Written out, or newer than cleanco's list; by the short form that it stands for.
WRITTEN_OUT = {
    "ag": ("aktiengesellschaft",),
    "ab": ("aktiebolag", "aktiebolaget"),
    "as": ("aksjeselskap", "anonim sirketi", "a s"),
    "asa": ("allmennaksjeselskap",),
    "aps": ("anpartsselskab",),
    "bv": ("besloten vennootschap", "bvba", "bv cv"),
    "company": ("compagnie", "cie", "and cie", "et cie"),
    "corp": ("corpn", "corporacion"),
    "doo": ("druzba z omejeno odgovornostjo", "drustvo s ogranicenom odgovornoscu"),
    "eg": ("eingetragene genossenschaft",),
    "ev": ("eingetragener verein",),
    "gmbh": ("gesellschaft mit beschrankter haftung", "ges mbh", "gesmbh", "ggmbh", "mbh"),
    "gmbh co kg": ("gmbh and co kg", "gmbh co kg", "gmbh and co kgaa", "ag and co kg", "se and co kg", "ug and co kg"),
    "gp": ("general partnership",),
    "inc": ("incorp", "incorporation"),
    "kft": ("korlatolt felelossegu tarsasag",),
    "kk": ("kabushiki kaisha", "kabushiki gaisha", "kabushikigaisha"),
    "llc": ("limited liability company", "limited liability co", "ltd liability co"),
    "llp": ("limited liability partnership",),
    "lp": ("limited partnership",),
    "ltd": ("co ltd", "company limited", "lmtd", "limitada", "private limited", "pvt ltd", "pvt limited", "pte ltd",
            "pte limited", "pty limited", "proprietary limited", "limitee", "ltee", "dac", "clg"),
    "nv": ("naamloze vennootschap",),
    "oy": ("osakeyhtio",),
    "oyj": ("julkinen osakeyhtio",),
    "pc": ("professional corporation", "prof corp", "apc", "apmc"),
    "plc": ("public limited company", "public limited co", "public ltd co"),
    "pllc": ("professional limited liability company",),
    "pbc": ("public benefit corporation",),
    "sa": ("sociedad anonima", "societe anonyme", "sociedade anonima", "spolka akcyjna", "sab de cv", "sa de cv",
           "s a de c v"),
    "sarl": ("societe a responsabilite limitee",),
    "sasu": ("societe par actions simplifiee",),
    "sro": ("spolecnost s rucenim omezenym", "spol s r o"),
    "srl": ("societa a responsabilita limitata", "sociedad de responsabilidad limitada"),
    "spzoo": ("spolka z ograniczona odpowiedzialnoscia", "spolka z oo"),
    "ug": ("ug haftungsbeschrankt", "unternehmergesellschaft", "unternehmergesellschaft haftungsbeschrankt"),
}  # fmt: skip
# One kind under several names: nobody writes an invoice to another company for lack of a letter.
SAME = {
    "incorporated": "inc", "corporation": "corp", "co": "company", "andco": "company", "andcompany": "company",
    "limited": "ltd", "ltda": "ltd", "lda": "ltd", "ptyltd": "ltd", "sdnbhd": "ltd", "bhd": "ltd",
    "pte": "ltd", "pty": "ltd", "unltd": "unlimited", "ultd": "unlimited", "gmbhandcokg": "gmbhcokg",
}  # fmt: skip
# Of two letters only these are forms: the others are places, or ends of words, as often ("UK", "CA", "SE", "PT").
SHORT_FORMS = frozenset(
    (
        "ab",
        "ag",
        "as",
        "ay",
        "bv",
        "co",
        "gk",
        "hf",
        "kg",
        "kk",
        "lp",
        "nv",
        "oy",
        "pc",
        "sa",
        "sl",
        "ug",
        "yk",
    )
)
# In cleanco's list, and words of names as well; "Day Spa" is no Italian company.
NOT_FORMS = read_words("not_legal_forms.txt")
# Forms that stand before the name in their own language, and start no other name.
BEFORE = frozenset(("ooo", "oao", "zao", "pao", "uab", "sia", "tov"))
LONGEST = 6


@cache
def forms() -> dict[str, str]:
    """Give each form by its letters without spaces, with the short form that it stands for."""
    known = {}
    for terms in (*termdata.terms_by_type.values(), *termdata.terms_by_country.values()):
        for term in terms:
            letters = _letters(term)
            if _is_form(letters):
                known[letters] = letters
    for short, longer in WRITTEN_OUT.items():
        letters = _letters(short)
        known.update({_letters(term): letters for term in (short, *longer)})
    return known | {_letters(term): short for term, short in SAME.items()}


def split_form(tokens: Sequence[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Part a name's tokens from the legal forms at its end, or before it; something of the name always stays."""
    known, found = forms(), set()
    rest = list(tokens)
    while length := next(
        (n for n in range(min(LONGEST, len(rest) - 1), 0, -1) if "".join(rest[-n:]) in known), 0
    ):
        found.add(known["".join(rest[-length:])])
        del rest[-length:]
        if len(rest) > 1 and rest[-1] == "and":
            rest.pop()
    while len(rest) > 1 and rest[0] in BEFORE:
        found.add(known.get(rest[0], rest[0]))
        del rest[0]
    return tuple(rest), frozenset(found)


def _is_form(letters: str) -> bool:
    return letters in SHORT_FORMS if len(letters) < 3 else letters not in NOT_FORMS


def _letters(term: str) -> str:
    text = anyascii(term).lower().replace("&", " and ")
    return "".join(char for char in text if char.isalnum())
