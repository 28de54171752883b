"""Words that many companies have in their names: sharing only these says nothing."""

# What people shorten; one spelling stands for all. Only what has one meaning in a company's name.
SHORT = {
    "assn": "association", "assoc": "associates", "assocs": "associates", "bldg": "building", "bros": "brothers",
    "center": "centre", "centers": "centres", "co": "company", "coop": "cooperative", "corp": "corporation", "ctr": "centre",
    "ctrs": "centres",
    "dept": "department", "distr": "distribution", "dr": "doctor", "engrg": "engineering", "equip": "equipment",
    "fdn": "foundation", "fndn": "foundation", "finl": "financial", "govt": "government", "grp": "group",
    "hldg": "holding", "hldgs": "holdings", "hosp": "hospital", "inds": "industries", "indl": "industrial",
    "inc": "incorporated", "inst": "institute", "intl": "international", "invt": "investment", "invts": "investments", "labs": "laboratories",
    "labour": "labor", "ltd": "limited", "mach": "machinery", "mfg": "manufacturing", "mgmt": "management", "mgt": "management",
    "mktg": "marketing", "mt": "mount", "mtg": "mortgage", "mtn": "mountain", "natl": "national",
    "organisation": "organization", "pharma": "pharmaceuticals", "prods": "products", "props": "properties",
    "pubg": "publishing", "rehab": "rehabilitation", "rlty": "realty", "rr": "railroad", "ry": "railway",
    "sols": "solutions", "st": "saint", "svc": "services", "svcs": "services", "service": "services", "sys": "systems",
    "tech": "technology", "telecom": "telecommunications", "theatre": "theater", "univ": "university",
    "und": "and", "et": "and", "og": "and", "och": "and", "en": "and",
}  # fmt: skip

COMMON = frozenset(
    """
    academy acquisition advanced advisors advisory africa agency air alliance allied america american and animal
    apartments architects architecture asia asset associates association atlantic australia auto automation automotive
    aviation bakery bancorp bancshares bank banc bankshares beauty beverage bio biologics biopharma biosciences
    biotech board brands brothers builders building business cafe canada capital cardiology care cars catering central
    centre charity chemical chemicals china church city civil cleaning clinic clinical clinics club coast college
    commerce commercial communications community components computer computing concrete construction consultancy
    consultants consulting contracting contractors control controls cooperative council county craft creative credit
    custom data defense delivery dental dentistry design designs development diagnostics digital direct distribution
    district doctor dynamics east eastern education electric electrical electronics energy engineering enterprise
    enterprises entertainment environmental equipment equity estate europe european exchange express eye fabrication
    family farm farms federal fidelity finance financial fire first fitness food foods foundation freight fuel fund
    garage garden gas general genetics global gold golf government great green group growth hair harbor health
    healthcare heating holding holdings home homes hospital hospitality hotel hotels housing idea income industrial
    industries industry infrastructure inn innovation innovations innovative institute insurance integrated
    interactive interiors international internet investment investments island it kitchen lab labor laboratories land
    landscaping law lawyers leasing legal life lighting line lines living local logistics london machine machinery
    management manufacturing marine maritime market marketing markets material materials media medical medicine
    medicines metal metals mining mobile mobility modern mortgage motor motors mountain mount music national natural
    net network networks new north northern northwest nutrition of office offices oil one online optical organic
    organization orthodontics orthopedics outdoor pacific packaging paint paper park partner partners partnership
    pediatrics pest petroleum pharma pharmaceutical pharmaceuticals pharmacy physical physicians plastics plumbing
    power practice precision premier primary print printing private pro products production productions professional
    professionals project properties property public publishing quality radio rail railroad real realty recycling
    regional rehabilitation renewable rental rentals research resort resorts resource resources restaurant retail river
    roofing royal royalty safety saint sales savings school schools science sciences security semiconductor senior
    services shipping shop silver society software solar solution solutions source south southern southwest specialty
    sports staffing state states steel storage store stores street strategic strategies studio studios supplies
    supply support surgery surgical sustainable system systems team tech technical technologies technology
    telecommunications temple texas theater the therapeutics therapy tire title tools total tours town township toys
    trade trading training transport transportation travel trucking trust uk union united universal university urban
    us usa utilities valley value venture ventures veterinary video view vision wealth web wellness west western wine
    wines wireless wood works world worldwide york youth
    """.split()
)
