"""What the reasons of a card say to people, and what mends them. The rules name reasons; only this page words them."""

# reason: (what it says of lines, the screen that mends it)
UNCOMPARED = {
    "never_counted": ("not counted yet", "sync_status"),
    "source_silent": ("source gone silent", "sync_status"),
    "source_held": ("counts held for a person", "sync_status"),
    "source_old": ("counts too old", "sync_status"),
    "names_missing": ("names behind the count missing", "counting_rules"),
}
HIDDEN = {
    "no_vendor_service": ("service has no source", "mapping_services"),
    "no_vendor_account": ("account has no source", "mapping_accounts"),
    "account_inactive": ("account not active in the PSA", ""),
    "agreement_out_of_scope": ("agreement type not synced", "psa_connections"),
    "agreement_inactive": ("agreement ended or cancelled", ""),
    "not_recurring": ("agreement does not recur", ""),
    "not_billed": ("not billed to the account", ""),
    "line_ended": ("line ends before the next invoice", ""),
    "line_future": ("line starts after the next invoice", ""),
}
# reason: (one word for the row, a whole sentence)
HELD = {
    "zero": (
        "zero",
        "The vendor reports 0 where units are billed. Held, because an outage can look like this.",
    ),
    "drop": ("drop", "The count fell further than your guard allows. Held until somebody looks."),
    "jump": ("jump", "The count rose further than your guard allows. Held until somebody looks."),
    "shared": (
        "shared",
        "Several lines bill this service for this account. Choose which one changes, then approve that one.",
    ),
    "never_counted": ("not compared", "This source has not been counted yet. Run a sync."),
    "source_silent": (
        "not compared",
        "The vendor lost its connection to this account, so the count is unknown. No quantity is guessed.",
    ),
    "source_held": (
        "not compared",
        "The newest counts of this source wait for a person on Sync status, because many vanished at once.",
    ),
    "source_old": ("not compared", "The last complete count is too old to act on. Run a sync."),
    "names_missing": (
        "not compared",
        "A rule or split needs the names behind this count, and they are missing or old. No quantity is guessed.",
    ),
}
# What stands next month too is better said by a rule (dashboard/rule_offers.py).
MINIMUM, INTERNAL, PROMISED, SHARED = (
    "Contract minimum applies",
    "Not for resale, or internal",
    "Promised to the client",
    "Shared user, counted elsewhere",
)
DISMISS_REASONS = (MINIMUM, INTERNAL, PROMISED, SHARED, "Something else")
