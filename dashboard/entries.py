"""What people type into the forms of lines, read strictly: a slip of the finger becomes a sentence, not a quantity."""

import re
from datetime import date, timedelta
from decimal import Decimal

from django.utils import timezone
from django.utils.dateparse import parse_date

from dashboard import decisions
from dashboard.asides import LONGEST_DAYS
from dashboard.decisions import Refused, Seen
from dashboard.filters import number
from dashboard.models import Card
from psa.adapters.base import Choice, Way
from reconcile.tenancy.views import OrgRequest

# The choice "on a day that I name", beside those of the adapter.
LATER = "later"
# With and without commas between thousands; under a million millions, as the columns are.
QUANTITY = re.compile(r"(\d{1,12}|\d{1,3}(,\d{3}){1,3})(\.\d{1,6})?|\.\d{1,6}", re.ASCII)


def seen_in(request: OrgRequest) -> Seen:
    """Read the numbers that the person saw; an empty one was a dash."""

    def read(name: str) -> Decimal | None:
        text = request.POST.get(name, "")
        return None if text == "" else decimal_in(text)

    return Seen(read("seen_psa"), read("seen_vendor"))


def decimal_in(text: str) -> Decimal:
    """Read a quantity: zero or more, at most six decimals; anything else is refused in plain words.

    A comma stands only between thousands: whoever means one and a half by "1,5" must not be billed for 15.
    """
    if not QUANTITY.fullmatch(text.strip()):
        raise Refused(
            f"“{text[:30]}” is not a quantity. Enter a number from 0 up, with at most six decimals after a point.",
            field="units",
        )
    return Decimal(text.replace(",", ""))


def meant_in(request: OrgRequest) -> Decimal | None:
    """Read the number to which a person has said yes; another one than that is asked about again."""
    return decimal_in(request.POST["meant"]) if request.POST.get("meant") else None


def day_in(text: str) -> date | None:
    """Read a day that a form names; one that no calendar has is refused."""
    try:
        return parse_date(text) if text else None
    except ValueError:
        raise Refused("That effective date does not exist. Reload the page and choose again.") from None


def timing_in(request: OrgRequest, card: Card) -> tuple[Choice, date | None]:
    """Read from when a change of this line counts, and the day on which it is sent, when that is a later one."""
    way, _, day = request.POST.get("way", "").partition("|")
    if way == LATER:
        return decisions.choose(card, Way.IN_PLACE), sending_day_in(request)
    return decisions.choose(card, way, day_in(day)), None


def sending_day_in(request: OrgRequest) -> date:
    """Read the day on which a change is to be sent: after today, within a year."""
    day, today = day_in(request.POST.get("sent_on", "")), timezone.now().date()
    if day is None or not today < day <= today + timedelta(days=LONGEST_DAYS):
        raise Refused("Choose the day on which it is sent: one after today, within a year.", "sent_on")
    return day


def push_in(request: OrgRequest) -> int:
    """Read which push was on the person's screen; 0 when the form names none."""
    return next(iter(ids_in(request, "push")), 0)


def ids_in(request: OrgRequest, name: str) -> list[int]:
    """Read the ids of a form, leaving out what is none."""
    return [int(found) for text in request.POST.getlist(name) if (found := number(text))]
