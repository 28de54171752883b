"""Sends what a screen shows as a file (E14): read and noted in short transactions, written outside of them."""

import re
from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.text import slugify

from accounts import audit
from reconcile.tables import Cell, Table, write_csv, write_xlsx
from reconcile.tenancy.scope import org_scope
from reconcile.tenancy.views import OrgRequest

WRITERS: dict[str, tuple[str, Callable[[Table], bytes]]] = {
    "csv": ("text/csv; charset=utf-8", write_csv),
    "xlsx": (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        lambda table: write_xlsx([table]),
    ),
}


def export(request: OrgRequest, view: str, read: Callable[[int], Table]) -> HttpResponse:
    """Answer with the table that `read` gives, as the form asks; call it outside of the organization's scope.

    `read` is given the largest number of rows it may fetch: one more than may be exported, so that too many are
    noticed and refused, never cut off in silence. The table's title names the file, `view` the entry in the trail.
    """
    kind, write = WRITERS.get(request.POST.get("as", ""), ("", None))
    if write is None:
        raise Http404("No such format")
    with org_scope(request.org.pk):
        table = read(settings.EXPORT_MAX_ROWS + 1)
    if len(table.rows) > settings.EXPORT_MAX_ROWS:
        return render(request, "shell/export_too_large.html", {"limit": settings.EXPORT_MAX_ROWS}, status=422)
    with org_scope(request.org.pk):
        audit.record(
            request.org.pk, actor=request.user, verb="exported", subject=f"export:{view}", label=table.title,
            new={"rows": len(table.rows), "format": request.POST["as"]},
        )  # fmt: skip
    return attach(request, slugify(table.title), request.POST["as"], write(describe(request, table)), kind)


def describe(request: OrgRequest, table: Table) -> Table:
    """Say in the file whose it is, who made it and when, beside what the view says of itself."""
    made: list[tuple[str, Cell]] = [
        ("Organization", request.org.name),
        ("Exported by", request.user.email),
        ("Exported at (UTC)", timezone.now()),
        ("Rows", len(table.rows)),
    ]
    return Table(table.title, table.columns, table.rows, [*made, *table.about])


def attach(request: OrgRequest, view: str, ending: str, content: bytes, kind: str) -> HttpResponse:
    """Answer with a file named after the organization, the view and the day."""
    name = f"{request.org.slug}-{view}-{timezone.now():%Y-%m-%d}.{ending}"
    response = HttpResponse(content, content_type=kind)
    disposition = content_disposition_header(
        as_attachment=True, filename=re.sub(r"[^\w.-]", "-", name, flags=re.ASCII)
    )
    response["Content-Disposition"] = disposition or "attachment"
    return response
