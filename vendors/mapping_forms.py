"""How rows and what a person wants of them stand in a form: id, state seen, state wanted."""

from django.http import QueryDict

from vendors.mapping import Change, Refused, State

# As many rows as one form may hold, and as one dialog can be read.
ROWS_AT_ONCE = 500
UNREADABLE = "That selection could not be read. Nothing was changed. Reload the page and select again."


def changes_in(form: QueryDict) -> list[Change]:
    """Read the rows of a form as changes; raises Refused when they make no sense."""
    act, target = form.get("act", ""), form.get("target", "")
    changes = {}
    for row, seen, wanted in map(read_pick, form.getlist("row")):
        changes[row] = Change(row, seen, _wanted(act, seen, target, wanted))
    if len(changes) > ROWS_AT_ONCE:
        raise Refused(f"At most {ROWS_AT_ONCE} rows can be changed at once. Nothing was changed.")
    return list(changes.values())


def _wanted(act: str, seen: State, target: str, wanted: State | None) -> State:
    simple = {"unmap": seen.unmapped, "exclude": seen.left_out, "include": seen.brought_back}
    if act in simple:
        return simple[act]()
    if act == "map" and target.isascii() and target.isdigit() and len(target) < 19:
        return seen.mapped_to(int(target))
    if act == "set" and wanted is not None:
        return wanted
    raise Refused(UNREADABLE)


def read_pick(text: str) -> tuple[int, State, State | None]:
    """Read a row of a form: its id, the state it was seen in and, where it is named, the one wanted."""
    row, *states = text.split("|")
    try:
        if not (row.isascii() and row.isdigit() and len(row) < 19) or len(states) not in (1, 2):
            raise ValueError(text)
        seen, *wanted = [State.read(state) for state in states]
    except ValueError as error:
        raise Refused(UNREADABLE) from error
    return int(row), seen, wanted[0] if wanted else None


def written(change: Change) -> str:
    """Write a change as a form holds it; `read_pick` reads it."""
    return f"{change.row}|{change.seen}|{change.wanted}"


def read_pair(text: str) -> tuple[int, int]:
    """Read what `written_pair` gives; raises Refused."""
    ids = text.removeprefix("=").split("|")
    if len(ids) != 2 or not all(pk.isascii() and pk.isdigit() and len(pk) < 19 for pk in ids):
        raise Refused(UNREADABLE)
    return int(ids[0]), int(ids[1])


def written_pair(old: int, new: int) -> str:
    """Write that what leads to one target, and is no mapping of a whole row, goes to another."""
    return f"={old}|{new}"
