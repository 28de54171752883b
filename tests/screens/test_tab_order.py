"""G3: every control of every screen is reached by Tab alone, and the focus can be seen on it."""

from playwright.sync_api import Page

from tests.screens.test_accessibility import addresses, rows, sign_in, things
from tests.tenancy.routes import Things

__all__ = ["rows", "things"]

# What a person can act on. Of several radio buttons with one name, Tab reaches one; arrows reach the others.
CONTROLS = """() => {
  const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')];
  const radios = new Set();
  return all.filter((one) => {
    if (!one.checkVisibility({ visibilityProperty: true }) || one.disabled || one.type === 'hidden') return false;
    if (one.tabIndex < 0) return false;
    if (one.type !== 'radio') return true;
    const key = `${one.form?.action} ${one.name}`;
    return !radios.has(key) && radios.add(key);
  }).length;
}"""
FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  window.seen ??= new Set();
  const key = one.type === 'radio' ? `${one.form?.action} ${one.name}` : one;
  const fresh = !window.seen.has(key);
  window.seen.add(key);
  const shown = [one, ...one.parentElement.children].some((each) => {
    const style = getComputedStyle(each);
    return style.outlineStyle !== 'none' || style.boxShadow !== 'none';
  });
  return { fresh, shown, what: one.outerHTML.slice(0, 160) };
}"""


def walk(page: Page, most: int) -> tuple[int, list[str]]:
    """Press Tab through the page; give how many controls were reached, and those on which no focus was seen."""
    reached, blind = 0, []
    # A date field has several stops of its own.
    for _ in range(most * 3 + 10):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED)
        if found is None and reached:
            break
        if found and found["fresh"]:
            reached += 1
            if not found["shown"]:
                blind.append(found["what"])
    return reached, blind


def test_every_control_is_reached_by_tab_and_shows_its_focus(things: Things, site: str, page: Page) -> None:
    client, missed, unseen = sign_in(page, site), {}, {}
    for name, path in addresses(things).items():
        response = client.get(path)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if response.status_code != 200 or not is_page or "<html" not in response.text:
            continue
        page.goto(site + path)
        controls = page.evaluate(CONTROLS)
        reached, blind = walk(page, controls)
        if reached < controls:
            missed[name] = (reached, controls)
        if blind:
            unseen[name] = blind
    assert missed == {}
    assert unseen == {}
