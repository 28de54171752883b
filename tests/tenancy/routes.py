"""Who may read and who may write each address of an organization: the permission matrix."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.roles import Role


@dataclass(frozen=True)
class Route:
    """Who may read and who may write an address; `ids` name the things in its path, `form` those in its body."""

    get: Role | None = None
    post: Role | None = None
    ids: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    form: Callable[["Things"], dict[str, Any]] = field(default=lambda things: {})


@dataclass(frozen=True)
class Things:
    """One of each thing that an address may name, of one organization."""

    slug: str
    card: int
    connection: int
    integration: int
    run: int
    snapshot: int
    vendor_account: int
    vendor_service: int
    account: int
    service: int
    push: int
    lost: int
    report: int
    line: int
    settlement: int
    notice: int
    member: int
    invitation: int
    view: int
    rate: int
    rule: int


def seen(things: Things) -> dict[str, Any]:
    return {"seen_psa": "10", "seen_vendor": "12", "reason": "Something else"}


def snoozing(things: Things) -> dict[str, Any]:
    return {"until": (timezone.now().date() + timedelta(days=3)).isoformat()}


def wording(things: Things) -> dict[str, Any]:
    return {"summary": "Look at the seats", "body": "10 billed, 12 used"}


def standing_rule(things: Things) -> dict[str, Any]:
    return {"max_units": "2", "max_money": "20", "currency": "USD", "direction": "both"}


def minimum(things: Things) -> dict[str, Any]:
    return {
        "act": "save", "service": things.service, "scope": "account", "account": things.account, "begins": "2026-01",
        "step_key": "0", "step_do": "minimum", "step_by": "25", "step_note": "",
    }  # fmt: skip


def unmapping(things: Things) -> dict[str, Any]:
    return {"side": "accounts", "act": "unmap", "row": [f"{things.vendor_account}|{things.account}"]}


ROUTES: dict[str, Route] = {
    "dashboard": Route(get=Role.VIEWER),
    "filter_menu": Route(get=Role.VIEWER, words=("account",)),
    "past_find": Route(get=Role.VIEWER),
    "past_day": Route(get=Role.VIEWER, words=("2026-01-31",)),
    "why": Route(get=Role.VIEWER),
    "why_account": Route(get=Role.VIEWER, ids=("account",)),
    "why_service": Route(get=Role.VIEWER, ids=("service",)),
    "why_vendor_account": Route(get=Role.VIEWER, ids=("vendor_account",)),
    "why_vendor_service": Route(get=Role.VIEWER, ids=("vendor_service",)),
    "back_billing": Route(get=Role.VIEWER),
    "back_billing_settle": Route(
        post=Role.APPROVER, form=lambda t: {"line": t.line, "through": "2026-01-01"}
    ),
    "back_billing_undo": Route(post=Role.APPROVER, ids=("settlement",)),
    "setup": Route(get=Role.VIEWER),
    "line_preview": Route(post=Role.APPROVER, form=lambda t: {"card": [t.card]}),
    "line_approve_many": Route(post=Role.APPROVER, form=lambda t: {"line": [f"{t.card}|10|12"]}),
    "line_dismiss_preview": Route(post=Role.REVIEWER, form=lambda t: {"card": [t.card]}),
    "line_dismiss_many": Route(post=Role.REVIEWER, form=lambda t: {"line": f"{t.card}|10|12"}),
    "line_snooze_preview": Route(post=Role.REVIEWER, form=lambda t: {"view": "?tab=todo"}),
    "line_snooze_many": Route(post=Role.REVIEWER, form=lambda t: {"line": f"{t.card}|10|12"} | snoozing(t)),
    "act_undo": Route(post=Role.REVIEWER, words=("7d2b2e0e-7d55-4a0c-9b1a-0a35c7a3c1f1",)),
    "line_second_preview": Route(post=Role.APPROVER, form=lambda t: {"card": [t.card]}),
    "line_second_many": Route(post=Role.APPROVER, form=lambda t: {"line": f"{t.card}|{t.push}"}),
    "push_dialog": Route(get=Role.APPROVER),
    "push_release": Route(post=Role.APPROVER, form=lambda t: {"push": [t.push]}),
    "line_export": Route(post=Role.VIEWER, form=lambda t: {"as": "csv"}),
    "back_billing_export": Route(post=Role.VIEWER, form=lambda t: {"as": "csv"}),
    "past_export": Route(post=Role.VIEWER, words=("2026-01-31",), form=lambda t: {"as": "csv"}),
    "usage_export": Route(post=Role.VIEWER, form=lambda t: {"as": "csv"}),
    "activity_export": Route(post=Role.VIEWER, form=lambda t: {"as": "csv"}),
    "mapping_import": Route(get=Role.ADMIN, post=Role.ADMIN, words=("accounts",)),
    "mapping_export": Route(post=Role.VIEWER, words=("accounts",), form=lambda t: {"as": "csv"}),
    "sync_export": Route(post=Role.VIEWER, form=lambda t: {"as": "csv"}),
    "line_details": Route(get=Role.VIEWER, ids=("card",)),
    "line_count": Route(get=Role.VIEWER, ids=("card",)),
    "count_pdf": Route(post=Role.VIEWER, ids=("card",)),
    "line_names": Route(get=Role.VIEWER, ids=("card",)),
    "line_names_export": Route(post=Role.VIEWER, ids=("card",), form=lambda t: {"as": "csv"}),
    "line_row": Route(get=Role.VIEWER, ids=("card",)),
    "line_approve": Route(post=Role.APPROVER, ids=("card",), form=seen),
    "line_dismiss": Route(post=Role.REVIEWER, ids=("card",), form=seen),
    "line_snooze": Route(post=Role.REVIEWER, ids=("card",), form=lambda t: seen(t) | snoozing(t)),
    "line_second": Route(post=Role.APPROVER, ids=("card",)),
    "line_turn_down": Route(post=Role.APPROVER, ids=("card",), form=seen),
    "line_undo": Route(post=Role.REVIEWER, ids=("card",)),
    "line_note": Route(post=Role.REVIEWER, ids=("card",), form=lambda t: {"text": "Ask them first"}),
    "line_tag": Route(post=Role.REVIEWER, ids=("card",), form=lambda t: {"name": "VIP", "on": "account"}),
    "views_menu": Route(get=Role.VIEWER),
    "view_save": Route(
        get=Role.VIEWER, post=Role.VIEWER, form=lambda t: {"name": "Mine", "query": "tab=held"}
    ),
    "views_manage": Route(get=Role.VIEWER),
    "view_change": Route(post=Role.VIEWER, ids=("view",), form=lambda t: {"act": "open"}),
    "addition_look_again": Route(post=Role.APPROVER, ids=("lost",)),
    "addition_settle": Route(
        get=Role.APPROVER, post=Role.APPROVER, ids=("lost",), form=lambda t: {"line": "absent"}
    ),
    "line_look_again": Route(post=Role.APPROVER, ids=("card",)),
    "line_add": Route(
        get=Role.APPROVER,
        post=Role.APPROVER,
        ids=("card",),
        form=lambda t: seen(t) | {"place": "1|2026-12-01|4.5", "units": "12"},
    ),
    "line_pair": Route(
        get=Role.APPROVER, post=Role.APPROVER, ids=("card",), form=lambda t: seen(t) | {"line": t.card}
    ),
    "line_unpair": Route(post=Role.APPROVER, form=lambda t: {"pairing": t.card}),
    "line_dialog": Route(get=Role.REVIEWER, ids=("card",), words=("dismiss",)),
    "month": Route(get=Role.VIEWER),
    "month_carry": Route(post=Role.REVIEWER, form=lambda t: {"card": [t.card], "reason": "Waits"}),
    "month_take_back": Route(post=Role.REVIEWER, form=lambda t: {"card": [t.card]}),
    "month_close": Route(post=Role.APPROVER, form=lambda t: {"sure": "yes"}),
    "late_month": Route(get=Role.VIEWER),
    "late_carry": Route(post=Role.REVIEWER, form=lambda t: {"everything": "1", "reason": "Waits"}),
    "late_take_back": Route(post=Role.REVIEWER, form=lambda t: {"card": [str(t.line)]}),
    "late_sign": Route(post=Role.APPROVER, form=lambda t: {"sure": "yes"}),
    "reports": Route(get=Role.VIEWER),
    "report": Route(get=Role.VIEWER, ids=("report",)),
    "report_file": Route(post=Role.VIEWER, ids=("report",), words=("pdf",)),
    "month_reopen": Route(
        post=Role.ADMIN, ids=("report",), form=lambda t: {"reason": "A credit was missing"}
    ),
    "psa_connections": Route(get=Role.VIEWER),
    "psa_add": Route(get=Role.ADMIN, post=Role.ADMIN),
    "psa_connection": Route(get=Role.ADMIN, post=Role.ADMIN, ids=("connection",)),
    "psa_test": Route(post=Role.ADMIN, ids=("connection",)),
    "psa_billing": Route(get=Role.ADMIN, post=Role.ADMIN, ids=("connection",)),
    "integrations": Route(get=Role.VIEWER),
    "integration_add": Route(get=Role.ADMIN, post=Role.ADMIN),
    "integration": Route(get=Role.ADMIN, post=Role.ADMIN, ids=("integration",)),
    "integration_test": Route(post=Role.ADMIN, ids=("integration",)),
    "settings_data": Route(get=Role.VIEWER, post=Role.ADMIN),
    "settings_data_rule": Route(get=Role.VIEWER, post=Role.ADMIN, form=standing_rule),
    "settings_data_rule_try": Route(get=Role.VIEWER),
    "settings_data_figures": Route(get=Role.VIEWER),
    "settings_reconciliation": Route(get=Role.VIEWER, post=Role.ADMIN),
    "line_ticket": Route(get=Role.REVIEWER, post=Role.REVIEWER, ids=("card",), form=wording),
    "psa_tickets": Route(get=Role.ADMIN, post=Role.ADMIN, ids=("connection",)),
    "psa_priorities": Route(post=Role.ADMIN, ids=("connection",)),
    "settings_addresses": Route(get=Role.VIEWER),
    "notices": Route(get=Role.VIEWER),
    "notices_read": Route(post=Role.VIEWER),
    "notice_read": Route(post=Role.VIEWER, ids=("notice",)),
    "notice_choices": Route(post=Role.VIEWER, form=lambda t: {"mail": ["sync_done"]}),
    "support_feedback": Route(get=Role.VIEWER, post=Role.VIEWER, form=lambda t: {"text": "Words"}),
    "access": Route(get=Role.VIEWER, post=Role.OWNER),
    # Another name than its own: refused, so that the organization stays open for the other routes.
    "organization_delete": Route(get=Role.OWNER, post=Role.OWNER, form=lambda t: {"name": "another"}),
    "organization_restore": Route(post=Role.OWNER),
    "people_page": Route(get=Role.VIEWER),
    "people_leave": Route(post=Role.VIEWER),
    "people_invite": Route(
        get=Role.OWNER, post=Role.OWNER, form=lambda t: {"email": "x@x.example", "role": 20}
    ),
    "people_member": Route(get=Role.OWNER, post=Role.OWNER, ids=("member",), form=lambda t: {"role": 20}),
    "people_remove": Route(post=Role.OWNER, ids=("member",)),
    "people_resend": Route(post=Role.OWNER, ids=("invitation",)),
    "people_revoke": Route(post=Role.OWNER, ids=("invitation",)),
    "settings_other": Route(
        get=Role.VIEWER, post=Role.ADMIN, form=lambda t: {"currency": "EUR", "time_zone": "UTC"}
    ),
    "rate_enter": Route(
        post=Role.ADMIN, form=lambda t: {"base": "EUR", "quote": "GBP", "rate": "0.85", "on": "2026-01-05"}
    ),
    "rate_import": Route(post=Role.ADMIN),
    "rate_remove": Route(post=Role.ADMIN, ids=("rate",)),
    "rate_put_back": Route(post=Role.ADMIN, ids=("rate",)),
    "activity": Route(get=Role.VIEWER),
    "activity_chain": Route(get=Role.VIEWER),
    "sync_status": Route(get=Role.VIEWER),
    "sync_start": Route(post=Role.REVIEWER, form=lambda t: {"connection": t.connection, "mode": "quick"}),
    "sync_stop": Route(post=Role.REVIEWER, ids=("run",)),
    "sync_decide": Route(post=Role.APPROVER, ids=("run",), form=lambda t: {"verb": "refuse"}),
    "mapping_accounts": Route(get=Role.VIEWER),
    "mapping_services": Route(get=Role.VIEWER),
    "mapping_carry": Route(get=Role.ADMIN, post=Role.ADMIN, ids=("connection", "connection")),
    "mapping_carry_look": Route(post=Role.ADMIN, ids=("connection", "connection")),
    "mapping_carry_undo": Route(
        post=Role.ADMIN, ids=("connection", "connection"), form=lambda t: {"act": "x"}
    ),
    "mapping_search": Route(get=Role.ADMIN),
    "mapping_preview": Route(post=Role.ADMIN, form=unmapping),
    "mapping_tag": Route(get=Role.REVIEWER),
    "lines_tag": Route(post=Role.REVIEWER, form=lambda t: {"card": [t.card]}),
    "tag_set": Route(
        post=Role.REVIEWER, form=lambda t: {"on": "account", "account": t.account, "name": "VIP"}
    ),
    "counting_rules": Route(get=Role.VIEWER),
    "counting_rule_new": Route(get=Role.ADMIN, post=Role.ADMIN, form=minimum),
    "counting_rule": Route(
        get=Role.VIEWER, post=Role.ADMIN, ids=("rule",), form=lambda t: {"what": "remove", "act": "save"}
    ),
    "counting_undo": Route(post=Role.ADMIN, form=lambda t: {"change": f"{t.rule}||x"}),
    "mapping_split": Route(
        get=Role.ADMIN, post=Role.ADMIN, ids=("vendor_account",), form=lambda t: {"act": "look"}
    ),
    "mapping_further": Route(
        get=Role.ADMIN, post=Role.ADMIN, ids=("vendor_service",), form=lambda t: {"act": "look"}
    ),
    "mapping_dated": Route(post=Role.ADMIN, form=lambda t: unmapping(t) | {"from": "next"}),
    "mapping_shape_undo": Route(post=Role.ADMIN, form=lambda t: {"token": ""}),
    "mapping_set": Route(post=Role.ADMIN, form=unmapping),
    "snapshot_decide": Route(post=Role.APPROVER, ids=("snapshot",), form=lambda t: {"verb": "refuse"}),
}
