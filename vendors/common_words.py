"""Words that many companies have in their names: sharing only these says nothing."""

from vendors.word_lists import read_words

# What people shorten; one spelling stands for all. Only what has one meaning in a company's name.
SHORT = {
    "1st": "first", "2nd": "second", "3rd": "third",
    "assn": "association", "assoc": "associates", "assocs": "associates", "bldg": "building", "bros": "brothers",
    "center": "centre", "centers": "centres", "co": "company", "coop": "cooperative", "corp": "corporation",
    "ctr": "centre", "ctrs": "centres", "dept": "department", "distr": "distribution", "dr": "doctor",
    "engrg": "engineering", "equip": "equipment", "fdn": "foundation", "fndn": "foundation", "finl": "financial",
    "govt": "government", "grp": "group", "hldg": "holding", "hldgs": "holdings", "hosp": "hospital",
    "inds": "industries", "indl": "industrial", "inc": "incorporated", "inst": "institute", "intl": "international",
    "invt": "investment", "invts": "investments", "labs": "laboratories", "labour": "labor", "ltd": "limited",
    "mach": "machinery", "mfg": "manufacturing", "mgmt": "management", "mgt": "management", "mktg": "marketing",
    "mt": "mount", "mtg": "mortgage", "mtn": "mountain", "natl": "national", "organisation": "organization",
    "pharma": "pharmaceuticals", "prods": "products", "props": "properties", "pubg": "publishing",
    "rehab": "rehabilitation", "rlty": "realty", "rr": "railroad", "ry": "railway", "sols": "solutions",
    "st": "saint", "svc": "services", "svcs": "services", "service": "services", "sys": "systems",
    "tech": "technology", "telecom": "telecommunications", "theatre": "theater", "univ": "university", "und": "and",
    "et": "and", "og": "and", "och": "and", "en": "and",
}  # fmt: skip

COMMON = read_words("common_words.txt")
