"""Plainly invented customers: a made-up place and a trade."""

PLACES = (
    "Aldermoor", "Brackenfold", "Cinderhaven", "Dunmarrow", "Eastwhistle", "Fennimoor", "Gorsewick",
    "Hollinbarrow", "Inglemere", "Jessamoor", "Kestrelby", "Larkenfield", "Mossgarth", "Nettlebrook", "Oxterby",
    "Pennyfallow", "Quillhurst", "Ravensoke", "Saltmarrow", "Thistlewray", "Umberdale", "Vellumford",
    "Wickermere", "Yarrowby", "Zephyrstone", "Amberlathe", "Bellowmere", "Copperwray", "Dapplewood", "Emberlyn",
    "Foxgarrow", "Glimmerfold", "Harrowmint", "Ivorywick", "Juniperstow", "Kindlebrook", "Lanternby",
    "Marrowfield", "Nimblegate", "Orchardwray", "Pebblecombe", "Quaverly", "Rustlewood", "Silverthwick",
    "Tumblebrook", "Underfallow", "Violetmere", "Willowhatch", "Yonderby", "Applegarrow", "Birchwhistle",
    "Cloverstead", "Driftmarrow", "Elmwhistle", "Featherby", "Greywhistle", "Hazelmarrow", "Inkwellby",
    "Jackdawton", "Kettlegarth", "Limewhistle", "Meadowlathe", "Northfallow", "Oatfieldby", "Plumgarrow",
    "Quietwater", "Rookmarrow", "Sandlathe", "Teaselwick", "Upperwhistle", "Velvetmoor", "Wrenfallow",
    "Almondgarth", "Bramblestow", "Candlewray", "Daisymarrow", "Echofield", "Fernwhistle", "Goldlathe",
    "Heronstow", "Islemarrow", "Jasperlathe", "Knollwhistle", "Lilacgarth", "Mintfallow", "Nutmeggarth",
)  # fmt: skip
TRADES = (
    "Dental", "Logistics", "Architects", "Veterinary", "Foods", "Joinery", "Legal", "Clinic", "Motors",
    "Tooling", "Academy", "Brewing", "Homes", "Printworks", "Accounting", "Textiles", "Farms", "Surveyors",
    "Optics", "Pharmacy", "Insurance", "Marine", "Bakery", "Engineering", "Glassworks", "Nurseries",
)  # fmt: skip
# Of people nobody is: sounds for a first and a last name, and ways to call machines and places at work.
FIRST = (
    "avel", "brin", "cato", "dorrit", "elspa", "farro", "ginna", "hessel", "ivorin", "jessamy", "kell", "lindo",
    "maren", "noor", "orla", "pell", "quilla", "roan", "sorrel", "tamsin", "ulf", "veda", "wynn", "ysolde", "zeno",
)  # fmt: skip
LAST = (
    "ashdown", "birkett", "cresswell", "dunmore", "eastby", "farrow", "garth", "holloway", "inskip", "jarrow",
    "kestrel", "lowther", "marsden", "norland", "oakley", "pickard", "quarry", "ridley", "stavely", "thorley",
    "underhill", "varley", "whitlock",
)  # fmt: skip
ROLES = {
    "PC": ("LT", "PC", "WS"),
    "SRV": ("DC", "FS", "SQL", "APP", "RDS", "PRN"),
    "VM": ("web", "erp", "mail", "test", "db", "files"),
}
TEAMS = (
    "Reception",
    "Sales",
    "Accounts",
    "Workshop",
    "Stores",
    "Dispatch",
    "Projects",
    "Board",
    "Field",
    "Support",
)
HTML_NAME = "<b>Quillhurst</b> & Sons <script>alert(1)</script>"
ACCENTED_NAME = "Éclat & Østerwick Bäckerei"
LONG_NAME = "Wickermere Amalgamated Pumps Valves and Fittings"
LONGER_NAME = " ".join([LONG_NAME, *(f"and Branch {number}" for number in range(1, 20))])


def customer_name(number: int) -> str:
    """Return the name of the customer with this number; numbers never share a name."""
    place = PLACES[number % len(PLACES)]
    round_ = number // len(PLACES)
    trade = TRADES[(number * 7 + round_) % len(TRADES)]
    return f"{place} {trade}" if round_ < len(TRADES) else f"{place} {trade} {round_}"


def domain(name: str) -> str:
    """Return an address for a customer that can belong to nobody."""
    return (
        "".join(letter for letter in name.lower() if letter.isascii() and letter.isalnum())[:40] + ".example"
    )


def address(name: str, number: int) -> str:
    """Return the address of a customer's person with this number; numbers never share one."""
    first, last = FIRST[number % len(FIRST)], LAST[(number * 5 + number // len(FIRST)) % len(LAST)]
    again = number // (len(FIRST) * len(LAST))
    return f"{first}.{last}{again or ''}@{domain(name)}"


def device(name: str, letters: str, number: int) -> str:
    """Return the host name of a customer's machine of a sort with this number; numbers share none."""
    words = domain_words(name) or ["site"]
    stem = (words[0][:6] + "".join(word[0] for word in words[1:4])).upper()
    roles = ROLES[letters]
    return f"{stem}-{roles[number % len(roles)]}{number // len(roles) + 1:02}"


def place(number: int) -> str:
    """Return the name of a team with this number, and of its site."""
    again = number // len(TEAMS)
    return f"{TEAMS[number % len(TEAMS)]}{f' {again + 1}' if again else ''}"


def domain_words(name: str) -> list[str]:
    """Return the words of a customer's name, in the letters that host names may have."""
    plain = ("".join(c for c in word.lower() if c.isascii() and c.isalnum()) for word in name.split())
    return [word for word in plain if word]
