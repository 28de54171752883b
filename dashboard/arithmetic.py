"""How the units of a card came about, in words and numbers: what sources count, the rule, the line's share (D6)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from dashboard.models import Card, LinePairing
from dashboard.past import OfAgreement, Past
from vendors import counting
from vendors.counting import Addend, Combine, Counted, Do, Done, Named, Source, Step
from vendors.counting_words import NAMES_MISSING, say_combined, say_rule, say_step
from vendors.models import UsageCount

# So many names are said in one row; the page of the names has all of them.
NAMES_SAID = 4
SIGNS = {Do.INCLUDE: "+", Do.EXCLUDE: "−"}


@dataclass(frozen=True)
class Part:
    """One row: a sign, units, what they are, and where that is from. `is_idle`: a step that changed nothing."""

    sign: str
    units: Decimal | None
    what: str
    source: str = ""
    is_idle: bool = False
    is_sum: bool = False


@dataclass(frozen=True)
class Arithmetic:
    """The rows from what vendors count to the units of a line; `units` is what they end in, `rules` say how.

    None: a rule or a split needs names that are missing.
    """

    parts: tuple[Part, ...]
    units: Decimal | None
    rules: tuple[str, ...]

    @property
    def is_ruled(self) -> bool:
        return bool(self.rules)

    @property
    def is_shared(self) -> bool:
        """Whether other lines bill the same count."""
        return any(part.is_sum for part in self.parts)


class _Names:
    """What the vendors call the sources of an arithmetic."""

    def __init__(self, org_id: int, sources: Sequence[Source]) -> None:
        rows = UsageCount.objects.filter(
            org_id=org_id,
            superseded_at=None,
            metric="used",
            vendor_account__in={one.vendor_account for one in sources},
            vendor_service__in={one.vendor_service for one in sources},
        ).select_related("vendor_account", "vendor_service", "integration")
        self.rows = {(row.vendor_account_id, row.vendor_service_id): row for row in rows}

    def find(self, source: Source) -> UsageCount | None:
        return self.rows.get((source.vendor_account, source.vendor_service))


def explain(card: Card, whole: Past, moment: datetime, pairings: Sequence[LinePairing]) -> Arithmetic | None:
    """Give the arithmetic of a card at a moment; None where no source counts it. One query besides `whole`."""
    pair = (card.account_id, card.service_id)
    counted = whole.arithmetic(pair, moment)
    paired = [(str(p.service), whole.arithmetic((card.account_id, p.service_id), moment)) for p in pairings]
    every = [one for one in (counted, *(found for _, found in paired)) if one is not None]
    if not every:
        return None
    names = _Names(card.org_id, [addend.source for one in every for addend in one.addends])
    if any(one.names_missing for one in every):
        return _nameless(every, names)
    sharing = whole.share_out(pair, moment)
    own = sharing.ruled.get(card.line_id or 0)
    parts: list[Part] = []
    if counted is not None:
        parts += _count(counted, names, with_steps=not sharing.gives_way)
    for service, found in paired:
        if found is not None:
            parts += _count(found, names, with_steps=True, paired=service, is_first=not parts)
    units = sum((one.units for _, one in paired if one), Decimal(0))
    if counted is not None:
        units += counted.units if sharing.shared is None else sharing.shared
    is_stepped = any(one.steps for one in every) and not sharing.gives_way
    all_of_it = "units after the rule" if is_stepped else "units counted"
    if own:
        parts += _of_agreement(units, all_of_it, own, len(sharing.shares) - own.lines)
        parts += _of_line(
            counting.apply(own.before, own.steps), sharing.units[card.line_id or 0], own.lines - 1
        )
    else:
        share = sharing.shares.get(card.line_id or 0, units)
        parts += _share(units, all_of_it, share, len(sharing.shares) - 1)
    return Arithmetic(
        parts=tuple(parts),
        units=sharing.units.get(card.line_id or 0, units),
        rules=tuple(_say_rules(every, own.steps if own else None, gives_way=sharing.gives_way)),
    )


def _nameless(counts: Sequence[Counted], names: _Names) -> Arithmetic:
    """Give what is used, where it is this account's alone, and no number that half of the names would make of it."""
    addends = [pair for one in counts for pair in _in_order(one, names)]
    rows = [
        Part(
            "",
            one.source.units if one.source.whole is None else None,
            row.vendor_service.name,
            row.integration.name,
        )
        for row, one in addends
    ]
    return Arithmetic((*rows, Part("", None, NAMES_MISSING)), None, tuple(_say_rules(counts, None)))


def _say_rules(
    counts: Sequence[Counted], own_steps: Sequence[Step] | None, *, gives_way: bool = False
) -> Iterator[str]:
    for n, one in enumerate(counts):
        if gives_way and not n and one.rule.steps:
            yield f"The steps of the rule for every account give way to the agreements' own: {say_rule(one.rule)}"
        elif one.rule != counting.AS_COUNTED:
            yield f"Counting rule: {say_rule(one.rule)}"
    if own_steps is not None:
        rule = counting.Rule(steps=tuple(own_steps))
        yield f"Rule of the agreement: {say_rule(rule, of_agreement=True)}"


def _share(units: Decimal, what: str, share: Decimal, others: int, whose: str = "line") -> Iterator[Part]:
    if others > 0:
        yield Part("=", units, what, is_sum=True)
        lines = "line bills" if others == 1 else "lines bill"
        yield Part("", share, f"of them for this {whose}", f"{others} more {lines} this service")


def _of_agreement(units: Decimal, what: str, own: OfAgreement, others: int) -> Iterator[Part]:
    """Give the rows of an agreement's own rule: what its lines take together, and the steps from there."""
    yield from _share(units, what, own.before, others, "line" if own.lines == 1 else "agreement")
    yield from (_step(one, "rule of the agreement") for one in counting.take(own.before, own.steps))


def _of_line(units: Decimal, share: Decimal, others: int) -> Iterator[Part]:
    if others > 0:
        yield Part("=", units, "units of the agreement", is_sum=True)
        lines = "line of it bills" if others == 1 else "lines of it bill"
        yield Part("", share, "of them for this line", f"{others} more {lines} this service")


def _count(
    counted: Counted, names: _Names, *, with_steps: bool, paired: str = "", is_first: bool = True
) -> Iterator[Part]:
    """Give the rows of one count; `paired`: of this other service, which a person counts to the line."""
    before: int | None = None
    for row, one in _in_order(counted, names):
        source = _say_source(row, one.source) + (f", {paired} paired with this line" if paired else "")
        # What is compared with each other is not added up.
        adds = not (is_first and before is None) and _adds(
            counted.rule.combine, before, one.source.integration
        )
        yield Part("+" if adds else "", one.source.units, row.vendor_service.name, source)
        before = one.source.integration
    left_out = [name for one in counted.addends for name in one.left_out]
    if left_out:
        units = sum((one.quantity for one in left_out), Decimal(0))
        # By which patterns is not for customers: a rule for every account may name another's domain.
        yield Part("−", units, f"left out: {_say_names(left_out)}", "by the rule")
    if counted.rule.combine is Combine.DISTINCT and counted.doubles:
        doubles = Decimal(len(counted.doubles))
        yield Part("−", doubles, f"counted once: {_say_names(counted.doubles)}", say_combined(counted))
    elif counted.rule.combine not in {Combine.SUM, Combine.DISTINCT}:
        yield Part("", counted.raw, say_combined(counted))
    if with_steps:
        yield from (_step(one) for one in counted.steps)


def _in_order(counted: Counted, names: _Names) -> list[tuple[UsageCount, Addend]]:
    """Put the sources that ever counted in the order of reading: the largest first, and those
    of one integration together where integrations are compared.
    """
    known = [(names.find(one.source), one) for one in counted.addends]
    by_source = counted.rule.combine.by_source
    return sorted(
        ((row, one) for row, one in known if row is not None),
        key=lambda pair: (
            pair[0].integration.name if by_source else "",
            -pair[1].source.units,
            pair[0].integration.name,
            pair[0].vendor_account.name,
            pair[0].vendor_service.name,
        ),
    )


def _adds(combine: Combine, before: int | None, integration: int) -> bool:
    if combine in {Combine.SUM, Combine.DISTINCT}:
        return True
    return combine.by_source and before == integration


def _say_source(row: UsageCount, source: Source) -> str:
    # What is split belongs to several customers: none is told another's name or total.
    part = "the part that is this account's"
    said = f"{row.integration.name}, {row.vendor_account.name if source.whole is None else part}"
    return said + (", absent from a complete count" if row.absent else "")


def _say_names(named: Sequence[Named]) -> str:
    every = list(dict.fromkeys(one.name.partition("@")[0] for one in named))
    more = len(every) - NAMES_SAID
    return ", ".join(every[:NAMES_SAID]) + (f" and {more} more" if more > 0 else "")


def _step(done: Done, source: str = "") -> Part:
    step: Step = done.step
    sign = SIGNS.get(step.do, "")
    if sign:
        units = min(step.by, done.before) if step.do is Do.EXCLUDE else step.by
        return Part(sign, units, step.note or f"{step.do.value}d by the rule", source)
    return Part(
        "", done.after if done.is_in_play else step.by, say_step(done), source, is_idle=not done.is_in_play
    )
