"""Settings, Reconciliation: who may change the limits, what is refused, and that the lines follow at once."""

from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import AuditEntry, ReconcileSettings
from accounts.roles import Role
from accounts.settings_views import work_out_examples
from dashboard.models import Card
from dashboard.rules import Guards, guard
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books

pytestmark = pytest.mark.django_db
STANDARD = {
    "guard_percent": "20", "guard_units": "5", "jump_percent": "100", "jump_units": "20", "vanish_percent": "10",
    "stale_hours": "192", "pushing": "at_once",
}  # fmt: skip


@pytest.fixture
def page(org):
    return reverse("settings_reconciliation", args=[org.slug])


def test_a_wider_guard_frees_a_held_line_at_once_and_is_written_down(org, alice, sign_in, page):
    with org_scope(org.pk):
        books = Books(org)
        line = books.pair("100", "75")
        books.refresh()
        assert books.card(line).kind == Card.Kind.HELD
    reply = sign_in(alice).post(page, STANDARD | {"guard_percent": "30", "pushing": "collect"}, follow=True)
    assert "Every line was judged again." in reply.text
    assert "Last changed by Alice" in reply.text
    with org_scope(org.pk):
        assert books.card(line).kind == Card.Kind.ADJUST
        entry = AuditEntry.objects.get(subject=f"settings:{org.pk}")
        assert ReconcileSettings.objects.get().pushing == "collect"
    assert entry.old == {"guard percent": 20, "pushing": "at_once"}
    assert entry.new == {"guard percent": 30, "pushing": "collect"}


def test_saving_what_is_there_writes_nothing(org, alice, sign_in, page):
    reply = sign_in(alice).post(page, STANDARD, follow=True)
    assert "Nothing was changed." in reply.text
    with org_scope(org.pk):
        assert not AuditEntry.objects.filter(subject=f"settings:{org.pk}").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("guard_percent", "100"),
        ("guard_percent", "-1"),
        ("guard_units", ""),
        ("jump_units", "10000"),
        ("vanish_percent", "12.5"),
        ("stale_hours", "0"),
        ("pushing", "never"),
    ],
)
def test_a_limit_that_would_switch_a_guard_off_is_refused(org, alice, sign_in, page, name, value):
    reply = sign_in(alice).post(page, STANDARD | {name: value})
    assert reply.status_code == 422
    assert list(reply.context["form"].errors) == [name]
    with org_scope(org.pk):
        assert getattr(ReconcileSettings.objects.get(), name) == getattr(ReconcileSettings(), name)


def test_everybody_reads_and_only_admins_write(org, join, sign_in, page):
    approver = sign_in(join("Bob", Role.APPROVER))
    shown = approver.get(page)
    assert "An admin of your organization changes these." in shown.text
    assert ">Save<" not in shown.text
    refused = approver.post(page, STANDARD | {"guard_percent": "90"})
    assert refused.status_code == 403
    assert "needs admin" in refused.text


@pytest.mark.parametrize(("percent", "units"), [(20, 5), (0, 0), (33, 1), (99, 7)])
def test_the_examples_say_what_the_cards_do(percent, units):
    limits = ReconcileSettings(
        guard_percent=percent, guard_units=units, jump_percent=percent, jump_units=units
    )
    guards = Guards(drop_percent=percent, drop_units=units, jump_percent=percent, jump_units=units)
    for one in work_out_examples(limits):
        held = {
            vendor
            for vendor in range(1, one.billed * 3)
            if guard(Decimal(one.billed), Decimal(vendor), guards)
        }
        assert held == {
            vendor for vendor in range(1, one.billed * 3) if vendor < one.low or vendor > one.high
        }
