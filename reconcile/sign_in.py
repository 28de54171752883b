"""Sign-in by Microsoft and Google, as the environment configures it: read by the settings, so it imports no models."""

from typing import Any

ORIGINS = {"google": "https://accounts.google.com", "microsoft": "https://login.microsoftonline.com"}


def providers(env: Any) -> dict[str, Any]:
    """Give allauth's settings of each provider whose client id and secret are both set; none is no button."""
    found = {}
    for name in ORIGINS:
        client_id = env.str(f"{name.upper()}_CLIENT_ID", default="")
        secret = env.str(f"{name.upper()}_CLIENT_SECRET", default="")
        if client_id and secret:
            found[name] = provider(
                name, client_id, secret, env.str("MICROSOFT_TENANT", default="organizations")
            )
    return found


def provider(name: str, client_id: str, secret: str, tenant: str = "organizations") -> dict[str, Any]:
    """Give the settings of one provider; `tenant` is whose accounts Microsoft lets in."""
    app = {
        "client_id": client_id,
        "secret": secret,
        "settings": {"tenant": tenant} if name == "microsoft" else {},
    }
    return {"APPS": [app], "OAUTH_PKCE_ENABLED": True}


def origins(configured: dict[str, Any]) -> list[str]:
    """Give where the buttons lead, for the policy of the browser."""
    return [ORIGINS[name] for name in configured]
