"""A person who has only a keyboard: presses keys, never the mouse, and counts them."""

from collections import Counter
from dataclasses import dataclass, field

from playwright.sync_api import Locator, Page, expect

FAR = 60  # presses of Tab after which something counts as out of reach


@dataclass
class Keyboard:
    """Presses keys on a page and keeps the tally; there is no way to click."""

    page: Page
    pressed: Counter[str] = field(default_factory=Counter)

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)
            self.pressed[key] += 1

    def type(self, text: str) -> None:
        """Type a text, a key for each letter."""
        self.page.keyboard.type(text)
        self.pressed["letters"] += len(text)

    def tab_to(self, target: Locator) -> None:
        """Move the focus with Tab until it is on the target."""
        for _ in range(FAR):
            if target.evaluate("one => one === document.activeElement"):
                return
            self.press("Tab")
        expect(target).to_be_focused()

    def follow(self, target: Locator) -> None:
        """Go to a link or a button with Tab, and press Enter."""
        self.tab_to(target)
        self.press("Enter")

    @property
    def tally(self) -> str:
        """Say how often each key was pressed."""
        each = ", ".join(f"{key} {times}" for key, times in self.pressed.most_common())
        return f"{sum(self.pressed.values())} keys and 0 clicks: {each}"
