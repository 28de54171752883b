"""Under 1,320 px the navigation is icons: what stands below an entry opens beside it, by mouse and by keyboard."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from tests.screens.test_accessibility import rows, sign_in, things
from tests.tenancy.routes import Things

__all__ = ["rows", "things"]
pytestmark = pytest.mark.browser
# How far below its entry's top a menu may begin.
BESIDE = 8


@pytest.mark.parametrize(
    ("entry", "below"),
    [("Reconciliation", ["Back-billing", "Reports"]), ("Data sources", ["Integrations", "Advanced config"])],
)
def test_what_is_below_an_entry_opens_beside_it(
    things: Things, site: str, page: Page, entry: str, below: list[str]
) -> None:
    sign_in(page, site)
    page.set_viewport_size({"width": 1200, "height": 800})
    page.goto(site + reverse("activity", args=[things.slug]))
    nav = page.locator("#nav")
    first = nav.get_by_title(below[0], exact=True)
    expect(first).to_be_hidden()
    above = nav.get_by_title(entry, exact=True)
    for reach in (above.hover, above.focus):
        page.mouse.move(600, 400)
        reach()
        for name in below:
            expect(nav.get_by_title(name, exact=True)).to_be_visible()
        boxes = above.bounding_box(), first.bounding_box()
        assert boxes[0] is not None
        assert boxes[1] is not None
        assert abs(boxes[1]["y"] - boxes[0]["y"]) <= BESIDE
