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
