"""Keys, the current row, the selection and the shell's overlays in a real browser, on the page of parts."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture
def parts(page: Page, site: str) -> Page:
    page.goto(f"{site}/style/")
    expect(
        page.locator("[data-bulk]")
    ).to_be_visible()  # one line is selected from the start: the script has run
    return page


def current(page: Page) -> str | None:
    return page.locator("tr[aria-current]").get_attribute("id")


def ticked(page: Page) -> list[str]:
    return page.locator("tr[data-row]:has([data-select]:checked)").evaluate_all(
        "rows => rows.map(row => row.id)"
    )


def swap(page: Page, row: str, html: str) -> None:
    """Replace a row through htmx, as a fragment from the server does, and wait until it has settled."""
    page.evaluate(
        """([id, html]) => new Promise((settled) => htmx.swap(document.getElementById(id), html,
            { swapStyle: "outerHTML", settleDelay: 0, swapDelay: 0 },
            { afterSettleCallback: () => setTimeout(settled) }))""",
        [row, html],
    )


def test_j_and_k_move_the_current_row_and_stop_at_the_ends(parts: Page) -> None:
    assert current(parts) == "line-4"
    parts.keyboard.press("j")
    assert current(parts) == "line-5"
    for _ in range(9):
        parts.keyboard.press("k")
    assert current(parts) == "line-1"
    expect(parts.locator("tr[aria-current]")).to_have_count(1)
    expect(parts.locator("#line-1")).to_be_focused()


def test_enter_clicks_approve_in_the_current_row_alone(parts: Page) -> None:
    parts.evaluate(
        "document.addEventListener('click', e => window.last = e.target.closest('[data-row]')?.id)"
    )
    parts.keyboard.press("j")
    parts.keyboard.press("Enter")
    assert parts.evaluate("window.last") == "line-5"
    parts.locator("#line-2 .approve").focus()
    parts.keyboard.press("Enter")
    assert parts.evaluate("window.last") == "line-2"
    assert current(parts) == "line-2"


def test_x_selects_and_shift_x_selects_up_to_here_without_lines_that_may_not(parts: Page) -> None:
    parts.keyboard.press("Escape")
    assert ticked(parts) == []
    expect(parts.locator("[data-bulk]")).to_be_hidden()
    parts.keyboard.press("x")
    for _ in range(4):
        parts.keyboard.press("j")
    parts.keyboard.press("Shift+X")
    assert ticked(parts) == ["line-4", "line-5", "line-6"]


def test_the_bar_adds_up_exactly_what_is_selected(parts: Page) -> None:
    parts.locator("#line-2 [data-select]").check()
    parts.locator("#line-6 [data-select]").check()
    bar = parts.locator("[data-bulk]")
    # +1, -2 and +7 units at 26.40; two of them on 1 Dec, one on 18 Nov.
    expect(bar.locator(".sum")).to_have_text("3 selected3 accounts · 2 up, 1 down")
    expect(bar.locator(".primary")).to_have_text("Approve 3, +$158.40/month, effective 2 dates Shift Enter")
    parts.locator("#line-6 [data-select]").uncheck()
    expect(bar.locator(".primary")).to_have_text("Approve 2, −$26.40/month, effective 1 Dec Shift Enter")


def test_a_total_over_a_gap_is_a_dash(parts: Page) -> None:
    parts.evaluate("document.getElementById('line-5').dataset.amount = ''")
    parts.locator("#line-2 [data-select]").check()
    expect(parts.locator("[data-bulk] [data-total=amount]")).to_have_text("—")


def test_shift_click_and_select_all(parts: Page) -> None:
    parts.keyboard.press("Escape")
    parts.locator("#line-1 [data-select]").click()
    parts.locator("#line-3 [data-select]").click(modifiers=["Shift"])
    assert ticked(parts) == ["line-1", "line-2", "line-3"]
    everything = parts.locator("thead [data-select-all]")
    assert everything.evaluate("box => box.indeterminate")
    everything.click()
    assert ticked(parts) == [f"line-{n}" for n in range(1, 7)]
    everything.click()
    assert ticked(parts) == []


def test_letters_rest_while_a_field_has_the_focus(parts: Page) -> None:
    parts.locator("#f1").fill("")
    parts.keyboard.type("jjxe")
    assert current(parts) == "line-4"
    assert parts.locator("#f1").input_value() == "jjxe"
    parts.keyboard.press("Escape")
    parts.keyboard.press("j")
    assert current(parts) == "line-5"


def test_letters_can_be_switched_off_and_enter_stays(parts: Page) -> None:
    parts.evaluate("document.body.dataset.singleKeys = 'off'")
    parts.evaluate(
        "document.addEventListener('click', e => window.last = e.target.closest('[data-row]')?.id)"
    )
    parts.keyboard.press("j")
    parts.keyboard.press("Enter")
    assert parts.evaluate("window.last") == "line-4"


def test_a_swapped_row_stays_current_selected_and_focused(parts: Page) -> None:
    parts.locator("#line-5 .approve").focus()
    html = parts.locator("#line-5").evaluate("row => row.outerHTML")
    before = parts.evaluate("scrollY")
    swap(parts, "line-5", html.replace(' checked=""', "").replace(' aria-current="true"', ""))
    assert current(parts) == "line-5"
    assert ticked(parts) == ["line-5"]
    expect(parts.locator("#line-5 .approve")).to_be_focused()
    assert parts.evaluate("scrollY") == before


def test_a_row_that_can_no_longer_be_selected_leaves_the_selection_and_keeps_the_focus(parts: Page) -> None:
    parts.locator("#line-5 .approve").focus()
    swap(parts, "line-5", '<tr id="line-5" data-row="5" data-state="busy"><td>Pushing</td></tr>')
    assert ticked(parts) == []
    expect(parts.locator("[data-bulk]")).to_be_hidden()
    expect(parts.locator("#line-5")).to_be_focused()


def test_when_the_current_row_leaves_the_next_one_takes_its_place(parts: Page) -> None:
    parts.keyboard.press("j")
    swap(parts, "line-5", "")
    parts.evaluate("document.dispatchEvent(new CustomEvent('htmx:afterOnLoad'))")
    assert current(parts) == "line-6"
    expect(parts.locator("#line-6")).to_be_focused()


def test_a_group_folds_and_its_rows_are_skipped(parts: Page) -> None:
    parts.locator("[data-fold]").click()
    expect(parts.locator("#line-1")).to_be_hidden()
    expect(parts.locator("[data-fold]")).to_have_attribute("aria-expanded", "false")
    parts.locator("[data-fold]").click()
    expect(parts.locator("#line-1")).to_be_visible()


def test_question_mark_opens_the_keys_and_escape_closes_only_them(parts: Page) -> None:
    parts.keyboard.press("?")
    expect(parts.locator("#keys")).to_be_visible()
    parts.keyboard.press("j")
    assert current(parts) == "line-4"
    parts.keyboard.press("Escape")
    expect(parts.locator("#keys")).to_be_hidden()
    assert ticked(parts) == ["line-5"]


def test_a_dialog_in_a_fragment_opens_and_is_gone_when_closed(parts: Page) -> None:
    parts.locator("main").evaluate("main => main.insertAdjacentHTML('beforeend', '<div id=place></div>')")
    swap(parts, "place", '<dialog class="dialog" id="asked" data-open><h2>Edit</h2></dialog>')
    expect(parts.locator("#asked")).to_be_visible()
    parts.keyboard.press("Escape")
    expect(parts.locator("#asked")).to_have_count(0)


def test_a_dialogs_own_form_is_heard_before_the_dialog_is_put_away(parts: Page) -> None:
    """Else the toast of the same answer, and the counts that it brings, would find no page around them."""
    parts.locator("main").evaluate("main => main.insertAdjacentHTML('beforeend', '<div id=place></div>')")
    swap(parts, "place", '<dialog class="dialog" id="asked" data-open><form></form></dialog>')
    parts.locator("#asked form").evaluate(
        """form => { for (const name of ["close-dialogs", "toast"]) form.dispatchEvent(
            new CustomEvent(name, {detail: {text: "Dismissed"}, bubbles: true})); }"""
    )
    expect(parts.locator("#asked")).to_have_count(0)
    expect(parts.locator("#toasts .toast")).to_have_text("Dismissed")


def test_a_dialog_that_reports_what_was_done_loads_the_page_anew_when_it_closes(parts: Page) -> None:
    parts.locator("main").evaluate("main => main.insertAdjacentHTML('beforeend', '<div id=place></div>')")
    swap(parts, "place", '<dialog class="dialog" id="told" data-open data-then-reload>7 approved</dialog>')
    with parts.expect_navigation():
        parts.keyboard.press("Escape")
    expect(parts.locator("#told")).to_have_count(0)


def test_a_toast_says_what_was_done_and_u_undoes_the_last(parts: Page) -> None:
    parts.evaluate(
        "document.body.dispatchEvent(new CustomEvent('toast', {detail: {value: 'Saved'}, bubbles: true}))"
    )
    expect(parts.locator("#toasts .toast")).to_have_text("Saved")
    parts.evaluate(
        """() => { for (const n of [1, 2]) document.getElementById("toasts").insertAdjacentHTML("beforeend",
            `<div class="toast" data-seconds="0"><button data-key="undo" id="undo-${n}">Undo</button></div>`);
            document.addEventListener("click", e => window.last = e.target.id); }"""
    )
    parts.keyboard.press("u")
    assert parts.evaluate("window.last") == "undo-2"


def test_an_error_page_becomes_a_sentence(parts: Page) -> None:
    parts.evaluate(
        """() => document.dispatchEvent(new CustomEvent("htmx:responseError", {detail: {xhr: {
            responseText: "<p id=said>Your role may not do this.</p>"}}}))"""
    )
    expect(parts.locator("#toasts .toast")).to_have_text("Your role may not do this.")


def test_a_narrow_window_says_so_and_gets_over_it_by_itself(parts: Page) -> None:
    """G2: the notice is there under 1,200 pixels, and gone by itself from there up."""
    notice = parts.get_by_role("heading", name="This window is too narrow")
    expect(notice).to_be_hidden()
    parts.set_viewport_size({"width": 1100, "height": 800})
    expect(notice).to_be_visible()
    expect(parts.locator("#main")).to_be_hidden()
    parts.set_viewport_size({"width": 1200, "height": 800})
    expect(notice).to_be_hidden()
    assert ticked(parts) == ["line-5"]


def test_the_narrow_page_can_be_had_anyway_until_the_tab_closes(parts: Page) -> None:
    parts.set_viewport_size({"width": 1100, "height": 800})
    parts.get_by_text("Show it anyway").click()
    expect(parts.locator("#main")).to_be_visible()
    parts.reload()
    expect(parts.locator("#main")).to_be_visible()
