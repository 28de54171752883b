"""Where a company's API is: site, company info and codebase (fact sheet psa/connectwise.md, section 1.1)."""

import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit

from reconcile.http.errors import CustomerMustAct, RemoteError
from reconcile.http.session import Limits, RemoteSession

REGIONS = (
    ("https://na.myconnectwise.net", "North America"),
    ("https://eu.myconnectwise.net", "Europe"),
    ("https://au.myconnectwise.net", "Australia"),
    ("https://aus.myconnectwise.net", "Australia (aus)"),
    ("https://za.myconnectwise.net", "South Africa"),
    ("https://staging.connectwisedev.com", "Staging"),
)
CLOUD_HOSTS = frozenset(url.removeprefix("https://") for url, _ in REGIONS)
# Accepted everywhere; servers on premises always name it.
ROUTER_CODEBASE = "v4_6_release/"
_CODEBASE = re.compile(r"v[0-9][0-9A-Za-z_.]*/?")


@dataclass(frozen=True)
class Company:
    """What the company info says: the id that answers, its name, version and codebase."""

    company_id: str
    name: str
    version: str
    codebase: str
    is_cloud: bool


def site(typed: str) -> str:
    """Give the site's origin out of what a person typed or chose, without path and without "api-" on the cloud."""
    scheme, host, port = _parts(typed)
    if host.removeprefix("api-") in CLOUD_HOSTS:
        host = host.removeprefix("api-")
    return f"{scheme}://{host}{port}"


def api_base(typed: str, codebase: str) -> str:
    """Give the address below which the API's modules are; a cloud host gets "api-" in front, others none."""
    scheme, host, port = _parts(site(typed))
    prefix = "api-" if host in CLOUD_HOSTS else ""
    return f"{scheme}://{prefix}{host}{port}/{codebase.strip('/')}/apis/3.0"


def look_up(typed: str, company: str) -> Company:
    """Ask the site about the company, without keys; raises CustomerMustAct when it is unknown or no ConnectWise."""
    origin = site(typed)
    session = RemoteSession(origin, limits=replace(Limits.from_settings(), tries=2))
    try:
        found = session.get(f"login/companyinfo/{quote(company, safe='')}").json()
    except RemoteError as error:
        if error.status is None or error.status >= 500 or error.status == 429:
            raise
        raise _no_psa(origin, error.detail) from None
    if found is None:
        raise CustomerMustAct(
            f"ConnectWise at {_host(origin)} does not know the company {company!r}. Check it."
        ).at("company")
    if not isinstance(found, dict) or "Codebase" not in found:
        raise _no_psa(origin, str(found)[:200])
    return _company(found, company)


def _company(found: dict[str, Any], company: str) -> Company:
    codebase = str(found.get("Codebase") or "")
    return Company(
        company_id=str(found.get("CompanyID") or company),
        name=str(found.get("CompanyName") or ""),
        version=str(found.get("VersionCode") or ""),
        codebase=codebase if _CODEBASE.fullmatch(codebase) else ROUTER_CODEBASE,
        is_cloud=str(found.get("IsCloud")).lower() == "true",
    )


def _parts(typed: str) -> tuple[str, str, str]:
    typed = typed.strip()
    parts = urlsplit(typed if "://" in typed else f"https://{typed}")
    # User info stays in, so that the session refuses the address instead of calling half of it.
    host, separator, port = parts.netloc.lower().rpartition(":")
    if not separator or not port.isdigit():
        return parts.scheme, parts.netloc.lower(), ""
    return parts.scheme, host, f":{port}"


def _host(origin: str) -> str:
    return urlsplit(origin).hostname or origin


def _no_psa(origin: str, detail: str) -> RemoteError:
    return CustomerMustAct(
        f"No ConnectWise PSA answers at {_host(origin)}. Check the site address.", detail=detail, status=200
    ).at("base_url")
