"""G1: Settings, Other: currency, time zone, and the exchange rates that are entered, imported, removed and put back."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from babel.numbers import get_currency_precision
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.currencies import list_current
from accounts.models import AuditEntry, DisplaySettings, ExchangeRate
from accounts.rates import exchange_for
from accounts.roles import Role
from reconcile import zones
from reconcile.templatetags import figures
from reconcile.tenancy.scope import org_scope
from tests.accounts.test_ecb import HIST, TWO_DAYS, envelope

pytestmark = pytest.mark.django_db
RATE = {"base": "EUR", "quote": "USD", "rate": "1.0832", "on": "2026-11-20"}


@pytest.fixture(autouse=True)
def keeps_what_these_tests_date(settings):
    settings.RATES_KEEP_DAYS = 36_500


@pytest.fixture
def address(org):
    return lambda name, *args: reverse(name, args=[org.slug, *args])


@pytest.fixture
def client(alice, sign_in):
    return sign_in(alice)


@pytest.fixture
def upload(client, address):
    def send(content: bytes, name: str = "eurofxref-hist.csv"):
        return client.post(address("rate_import"), {"file": SimpleUploadedFile(name, content)}, follow=True)

    return send


def verbs(org):
    with org_scope(org.pk):
        assert audit.verify(org.pk) is None
        return [
            entry.verb for entry in AuditEntry.objects.exclude(verb="founded organization").order_by("seq")
        ]


def stored(org):
    with org_scope(org.pk):
        rows = ExchangeRate.objects.filter(removed_at__isnull=True).order_by("on", "base", "quote", "source")
        return [(str(row.on), row.base, row.quote, row.rate, row.source) for row in rows]


def test_a_new_organization_reads_in_dollars_and_utc(org, client, address):
    page = client.get(address("settings_other")).text
    assert '<option value="USD" selected>USD, US Dollar</option>' in page
    assert '<option value="UTC" selected>UTC</option>' in page
    assert "+$1,047.55" in page
    assert "No rate is known, so no amount is converted." in page
    assert "Nobody has changed these yet" in page


def test_an_admin_changes_both_and_it_is_written_down(org, client, address):
    form = {"currency": "JPY", "time_zone": "America/Detroit"}
    page = client.post(address("settings_other"), form, follow=True).text
    assert "Saved. Nothing in your PSA was changed." in page
    assert "+¥1,048" in page
    assert f"which is {zones.at_hour(7, 'America/Detroit', timezone.now())} here" in page
    assert "Last changed by Alice" in page
    assert "Nothing was changed." in client.post(address("settings_other"), form, follow=True).text
    assert verbs(org) == ["changed display settings"]
    with org_scope(org.pk):
        entry = AuditEntry.objects.get(verb="changed display settings")
    assert entry.old == {"currency": "USD", "time zone": "UTC"}
    assert entry.new == {"currency": "JPY", "time zone": "America/Detroit"}


@pytest.mark.parametrize(
    "form", [{"currency": "XXX", "time_zone": "UTC"}, {"currency": "USD", "time_zone": "Mars/Olympus"}]
)
def test_what_is_no_currency_or_zone_is_refused(org, client, address, form):
    reply = client.post(address("settings_other"), form)
    assert reply.status_code == 422
    assert "Choose one from the list." in reply.text
    with org_scope(org.pk):
        assert (DisplaySettings.objects.get().currency, DisplaySettings.objects.get().time_zone) == (
            "USD",
            "UTC",
        )


def test_everybody_reads_and_only_admins_write(org, join, sign_in, address, client):
    client.post(address("rate_enter"), RATE)
    approver = sign_in(join("Bob", Role.APPROVER))
    page = approver.get(address("settings_other")).text
    assert "1 EUR = 1.0832 USD" in page
    for button in (">Save<", ">Remove<", ">Import<", "Keep this rate"):
        assert button not in page
    assert approver.post(address("rate_enter"), RATE | {"rate": "2"}).status_code == 403
    assert approver.post(address("rate_import")).status_code == 403
    assert stored(org) == [("2026-11-20", "EUR", "USD", Decimal("1.0832"), "manual")]


def test_all_currencies_are_offered_and_written_with_their_own_digits():
    current = list_current()
    assert {"USD", "EUR", "GBP", "JPY", "KWD", "CHF", "CLF", "XOF", "ZWG"} <= set(current)
    assert not {"DEM", "XXX", "XAU"} & set(current)
    assert len(current) > 150
    for code, name in current.items():
        assert name
        assert name != code
        written = figures.money(Decimal("1234.5678"), code)
        digits = get_currency_precision(code)
        assert len(re.sub(r".*?1,23[45]\.?", "", written)) == digits, written
    assert figures.money(Decimal("1234.5678"), "JPY") == "¥1,235"
    assert figures.money(Decimal("1234.5678"), "KWD").endswith("1,234.568")


def test_a_rate_is_entered_corrected_removed_and_put_back(org, client, address):
    page = client.post(address("rate_enter"), RATE, follow=True).text
    assert "Kept: 1 EUR = 1.0832 USD, entered by hand, 20 Nov 2026." in page
    assert "€100.00 of another currency" in page
    assert "≈ $108.32" in page
    assert "known already" in client.post(address("rate_enter"), RATE, follow=True).text
    client.post(address("rate_enter"), RATE | {"rate": "1.09"})
    assert stored(org) == [("2026-11-20", "EUR", "USD", Decimal("1.09"), "manual")]
    with org_scope(org.pk):
        rate = ExchangeRate.objects.get()
        correction = AuditEntry.objects.latest("seq")
        assert (correction.old, correction.new) == ({"rate": "1.0832"}, {"rate": "1.09"})
    page = client.post(address("rate_remove", rate.pk), follow=True).text
    assert "You can put it back below the list." in page
    assert "No rate is known" in page
    assert ">Put back<" in page
    assert "removed already" in client.post(address("rate_remove", rate.pk), follow=True).text
    assert "In use again" in client.post(address("rate_put_back", rate.pk), follow=True).text
    assert "Nothing was changed" in client.post(address("rate_put_back", rate.pk), follow=True).text
    assert stored(org) == [("2026-11-20", "EUR", "USD", Decimal("1.09"), "manual")]
    assert verbs(org) == ["entered exchange rate"] * 2 + ["removed exchange rate", "put back exchange rate"]


def test_a_removed_rate_does_not_come_back_over_its_successor(org, client, address):
    client.post(address("rate_enter"), RATE)
    with org_scope(org.pk):
        first = ExchangeRate.objects.get()
    client.post(address("rate_remove", first.pk))
    client.post(address("rate_enter"), RATE | {"rate": "1.2"})
    assert (
        "a rate of this pair and day is in use"
        in client.post(address("rate_put_back", first.pk), follow=True).text
    )
    assert stored(org) == [("2026-11-20", "EUR", "USD", Decimal("1.2"), "manual")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rate": "1,08"}, "Enter a number such as 1.0832."),
        ({"rate": "0"}, "Enter a number above 0."),
        ({"rate": "-1"}, "Enter a number above 0."),
        ({"rate": "NaN"}, "Enter a number such as 1.0832."),
        ({"rate": "1e30"}, "Enter a number such as 1.0832."),
        ({"rate": "1.0000000000001"}, "Enter a number such as 1.0832."),
        ({"quote": "EUR"}, "Choose another currency than the first."),
        ({"quote": "XXX"}, "Choose one from the list."),
        ({"base": ""}, "Choose a currency."),
        ({"on": "2199-01-01"}, "Enter a day between 4 January 1999 and today."),
        ({"on": "soon"}, "Enter a day."),
    ],
)
def test_what_is_no_rate_is_refused(org, client, address, change, said):
    reply = client.post(address("rate_enter"), RATE | change)
    assert reply.status_code == 422
    assert said in reply.text
    assert (stored(org), verbs(org)) == ([], [])


def test_a_file_is_imported_once(org, client, address, upload):
    with CaptureQueriesContext(connection) as few:
        assert "4 rates added." in upload(HIST.encode()).text
    assert len(stored(org)) == 4
    again = upload(HIST.encode()).text
    assert "Nothing was changed: 0 rates added, 4 known already." in again
    assert verbs(org) == ["imported exchange rates"]
    page = client.get(address("settings_other")).text
    assert "1 EUR = 1.0832 USD" in page
    assert "1.0811" not in page
    assert "2 older rates kept for past days." in page
    assert len(few) < 60


def test_a_file_that_says_otherwise_replaces_and_says_so(org, upload):
    upload(HIST.encode())
    said = upload(envelope(TWO_DAYS.replace("1.0811", "1.0812")), "eurofxref-hist.xml").text
    assert (
        "0 rates added, 1 replaced, because the file says otherwise (see Activity), 2 known already." in said
    )
    with org_scope(org.pk):
        entry = AuditEntry.objects.latest("seq")
    assert entry.old == {"USD 2026-11-23": "1.0811"}
    assert entry.new == {"rates added": 0, "USD 2026-11-23": "1.0812"}


def test_what_was_entered_by_hand_stays_and_goes_before_the_banks_of_its_day(org, client, address, upload):
    client.post(address("rate_enter"), RATE | {"on": "2026-11-24", "rate": "1.5"})
    upload(HIST.encode())
    with org_scope(org.pk):
        for day, rate in ((date(2026, 11, 24), "1.5"), (date(2026, 11, 23), "1.0811")):
            found = exchange_for(org.pk, on=day).convert(Decimal(1), "EUR")
            assert found is not None
            assert found.amount == Decimal(rate)
        assert exchange_for(org.pk, on=date(2026, 11, 22)).convert(Decimal(1), "EUR") is None
    page = client.get(address("settings_other")).text
    assert "1 EUR = 1.5 USD" in page
    assert "1.0832" not in page


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "This file is empty. Download it again."),
        (b"hello", "Download eurofxref-daily.xml"),
        (HIST.replace("161.25", "many").encode(), "the rate of JPY, “many”, is not a number above zero"),
    ],
)
def test_of_a_bad_file_nothing_is_kept(org, upload, content, said):
    reply = upload(content)
    assert reply.status_code == 422
    assert said in reply.text
    assert (stored(org), verbs(org)) == ([], [])


def test_a_file_beyond_the_limit_is_not_read(org, upload, settings):
    settings.RATES_MAX_BYTES = 1024 * 1024
    reply = upload(HIST.encode() + b" " * 1024 * 1024)
    assert reply.status_code == 422
    assert "larger than 1 MB, so it was not read" in reply.text
    assert stored(org) == []


def test_of_a_long_file_only_what_can_be_needed_is_kept(org, upload, settings):
    settings.RATES_KEEP_DAYS = 100
    long_ago = timezone.now().date() - timedelta(days=200)
    recent = timezone.now().date() - timedelta(days=50)
    said = upload(f"Date,USD,\n{recent},1.1,\n{long_ago},1.2,\n".encode()).text
    assert "1 rate added, 1 left out, because they are older than anything here needs." in said
    assert [row[0] for row in stored(org)] == [str(recent)]


def test_times_are_shown_in_the_organizations_zone_and_kept_in_utc(org, client, address):
    client.post(address("settings_other"), {"currency": "USD", "time_zone": "Asia/Kolkata"})
    with org_scope(org.pk):
        entry = AuditEntry.objects.latest("seq")
        assert audit.verify(org.pk) is None
    local = entry.at.astimezone(ZoneInfo("Asia/Kolkata"))
    assert f"{local:%H:%M} IST" in client.get(address("settings_other")).text
    assert f", {local:%H:%M}</time>" in client.get(address("activity")).text
    assert timezone.get_current_timezone_name() == "UTC"


def test_a_zone_without_letters_is_written_by_its_distance():
    when = datetime(timezone.now().year, 12, 1, 7, 0, tzinfo=UTC)
    shown = {
        "UTC": "1 Dec, 07:00 UTC",
        "America/Detroit": "1 Dec, 02:00 EST (07:00 UTC)",
        "America/Sao_Paulo": "1 Dec, 04:00 UTC−3 (07:00 UTC)",
        "Asia/Kathmandu": "1 Dec, 12:45 UTC+5:45 (07:00 UTC)",
        "Pacific/Honolulu": "30 Nov, 21:00 HST (1 Dec, 07:00 UTC)",
    }
    for name, words in shown.items():
        with timezone.override(name):
            assert figures.moment_utc(when) == words
            assert figures.moment(when) == words.partition(" (")[0]
    assert figures.moment_utc(None) == "—"


def test_every_zone_is_offered_and_described():
    offered = [name for _, group in zones.list_choices(timezone.now()) for name, _ in group]
    assert sorted(offered) == sorted(zones.list_names())
    assert {"UTC", "America/Detroit", "Europe/London", "Asia/Kolkata", "Australia/Lord_Howe"} <= set(offered)
    winter = datetime(2026, 1, 15, tzinfo=UTC)
    assert zones.describe("America/Detroit", winter) == "Detroit (EST, UTC−5)"
    assert zones.describe("Europe/London", winter) == "London (GMT, UTC)"
    assert zones.describe("America/Argentina/Buenos_Aires", winter) == "Argentina, Buenos Aires (UTC−3)"
