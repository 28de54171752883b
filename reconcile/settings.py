"""Settings of the project: each one from the environment, with a default that suits a laptop."""

import hashlib
import uuid
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from reconcile import embedded, sign_in
from reconcile.cache import OPTIONS as cache_options  # noqa: N811 - settings in capitals are Django's

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.str("RECONCILE_DATA", default=str(BASE_DIR / ".data")))
PRODUCTION = env.str("RECONCILE_ENV", default="development") == "production"
DEBUG = False


def _local_secret() -> str:
    """Give this checkout a key of its own, kept in its data folder; production must name one."""
    if PRODUCTION:
        raise ImproperlyConfigured("Set SECRET_KEY: production never invents one.")
    path = DATA_DIR / "secret-key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(uuid.uuid4().hex + uuid.uuid4().hex)
        path.chmod(0o600)
    return path.read_text().strip()


SECRET_KEY = env.str("SECRET_KEY", default="") or _local_secret()
# The first key seals, all of them unseal: add a new one in front to rotate.
SECRET_BOX_KEYS = env.list(
    "SECRET_BOX_KEYS", default=[hashlib.sha256(f"box:{SECRET_KEY}".encode()).hexdigest()]
)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "reconcile",
    "accounts",
    "psa",
    "vendors",
    "dashboard",
    "sync",
    "demo",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.google",
    "allauth.socialaccount.providers.microsoft",
    "django_htmx",
    "template_partials",
    "csp",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.sessions.note_activity",
    "dashboard.refusals.RefusalAnswers",
]
ROOT_URLCONF = "reconcile.urls"
WSGI_APPLICATION = "reconcile.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.shell.shell",
                "accounts.sign_in.ways_in",
            ],
            "builtins": [
                "reconcile.templatetags.figures",
                "dashboard.templatetags.lines",
                "dashboard.templatetags.worth",
            ],
        },
    }
]

# --- Storage -----------------------------------------------------------------------------------
DATABASES = embedded.database_settings(SECRET_KEY)
DATABASE_ROUTERS = ["reconcile.tenancy.router.OwnerMigrates"]
REDIS_URL = embedded.redis_url()
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Pages answer while Redis is away: sessions live in the database, and the cache has a stand-in.
SESSION_ENGINE = "django.contrib.sessions.backends.db"
CACHES = {
    "default": {
        "BACKEND": "reconcile.cache.SteadyCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": cache_options,
    }
}

# --- Sign-in -----------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.signup.OrganizationFields"
# Only "mandatory" keeps a visitor from learning at sign-up that an address is taken; a laptop sends no mail.
ACCOUNT_EMAIL_VERIFICATION = env.str(
    "ACCOUNT_EMAIL_VERIFICATION", default="mandatory" if PRODUCTION else "optional"
)
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
# Behind a proxy the visitor's address is the last that it has added; everybody would share the proxy's limits.
ALLAUTH_TRUSTED_PROXY_COUNT = int(env.bool("BEHIND_PROXY", default=False))
ACCOUNT_RATE_LIMITS = {"open_invitation": "30/m/ip", "send_invitation": "60/h/key"}
# How long an owner can restore an organization that is being deleted.
ORGANIZATION_GRACE_DAYS = env.int("ORGANIZATION_GRACE_DAYS", default=30)
INVITATION_DAYS = env.int("INVITATION_DAYS", default=7)
MFA_ADAPTER = "accounts.adapter.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Reconcile"
# The code of half a minute ago, or of the next, counts too: phones are a little off, and people type slowly.
MFA_TOTP_TOLERANCE = 1
# A browser gives passkeys to https, and on a developer's own machine to http://localhost.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
SOCIALACCOUNT_ADAPTER = "accounts.adapter.SocialAdapter"
SOCIALACCOUNT_PROVIDERS = sign_in.providers(env)
# Only an address that the provider has confirmed leads to an account that exists here.
SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
# What may be done only by somebody who has proved within this time who they are, and from how many lines on.
FRESH_SIGN_IN_MINUTES = env.int("FRESH_SIGN_IN_MINUTES", default=15)
FRESH_SIGN_IN_LINES = env.int("FRESH_SIGN_IN_LINES", default=200)
ACCOUNT_REAUTHENTICATION_TIMEOUT = FRESH_SIGN_IN_MINUTES * 60
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=30)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Reconcile <no-reply@reconcile.example>")

# --- Browser -----------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "connect-src": [SELF],
        "font-src": [SELF],
        # The browser follows the answer to a form too: the sign-in buttons lead to these.
        "form-action": [SELF, *sign_in.origins(SOCIALACCOUNT_PROVIDERS)],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
SECURE_SSL_REDIRECT = PRODUCTION and env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
)
# A load balancer asks over plain http on the inside.
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
# The __Host- prefix needs Secure, which plain http on loopback cannot have.
SESSION_COOKIE_NAME = "__Host-session" if PRODUCTION else "reconcile-session"
CSRF_COOKIE_NAME = "__Host-csrf" if PRODUCTION else "reconcile-csrf"
X_FRAME_OPTIONS = "DENY"

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
USE_THOUSAND_SEPARATOR = False

# --- Calls to other people's systems (RELIABILITY §4) --------------------------------------------
OUTBOUND_PLAIN_ORIGINS = env.list("OUTBOUND_PLAIN_ORIGINS", default=[])
OUTBOUND_MAX_BYTES = env.int("OUTBOUND_MAX_BYTES", default=50 * 1024 * 1024)
OUTBOUND_CONNECT_SECONDS = env.int("OUTBOUND_CONNECT_SECONDS", default=10)
OUTBOUND_READ_SECONDS = env.int("OUTBOUND_READ_SECONDS", default=60)
OUTBOUND_TOTAL_SECONDS = env.int("OUTBOUND_TOTAL_SECONDS", default=120)
OUTBOUND_READ_TRIES = env.int("OUTBOUND_READ_TRIES", default=6)
CONNECTWISE_REQUESTS_PER_MINUTE = env.int("CONNECTWISE_REQUESTS_PER_MINUTE", default=900)
CONNECTWISE_PARALLEL_READS = env.int("CONNECTWISE_PARALLEL_READS", default=8)
CONNECTWISE_CLIENT_ID = env.str("CONNECTWISE_CLIENT_ID", default="")
# Veeam's console listens on 1280.
OUTBOUND_HTTPS_PORTS = env.list("OUTBOUND_HTTPS_PORTS", cast=int, default=[443, 1280])
VEEAM_REQUESTS_PER_MINUTE = env.int("VEEAM_REQUESTS_PER_MINUTE", default=300)

# --- Pushes and syncs (RELIABILITY §1, §2) --------------------------------------------------------
PUSH_LEASE_SECONDS = env.int("PUSH_LEASE_SECONDS", default=90)
PUSH_TOTAL_SECONDS = env.int("PUSH_TOTAL_SECONDS", default=60)
PUSH_SETTLE_SECONDS = env.int("PUSH_SETTLE_SECONDS", default=5)
PUSH_MAX_ATTEMPTS = env.int("PUSH_MAX_ATTEMPTS", default=5)
SYNC_LEASE_SECONDS = env.int("SYNC_LEASE_SECONDS", default=180)
# Fewer than a worker has processes: one organization never has them all.
SYNC_RUNS_PER_ORGANIZATION = env.int("SYNC_RUNS_PER_ORGANIZATION", default=2)
SYNC_MAX_ATTEMPTS = env.int("SYNC_MAX_ATTEMPTS", default=5)
STALE_AFTER_HOURS = env.int("STALE_AFTER_HOURS", default=8 * 24)
# A count of anything but bytes or points above this is a fault of the source.
IMPORT_MAX_BYTES = env.int("IMPORT_MAX_BYTES", default=5 * 1024 * 1024)
# A newer table of Microsoft's products than the one that is shipped; its own CSV is read as it is.
MICROSOFT_SKUS_FILE = env.str("MICROSOFT_SKUS_FILE", default="")
COUNT_LIMIT = env.int("COUNT_LIMIT", default=100_000_000)
# The most rows of one export; a workbook of as many takes some seconds to write.
EXPORT_MAX_ROWS = env.int("EXPORT_MAX_ROWS", default=20_000)
# Where a report's fonts are looked for, before the one that reportlab brings.
REPORT_FONT_FOLDERS = env.list(
    "REPORT_FONT_FOLDERS",
    default=["/usr/share/fonts/truetype/dejavu", "/usr/share/fonts/truetype/liberation"],
)
PAGE_LINES = env.int("PAGE_LINES", default=100)
# Until this day of a month the month before may still be signed off; 0: never.
MONTH_CLOSE_GRACE_DAYS = env.int("MONTH_CLOSE_GRACE_DAYS", default=15)
# So many lines at most in one act on a selection.
BULK_LINES = env.int("BULK_LINES", default=1000)
# So many lines at most are approved by a standing rule after one sync.
RULE_LINES = env.int("RULE_LINES", default=100)

# --- Exchange rates (G1) ---------------------------------------------------------------------------
# The bank's file of all days since 1999 has some 8 MB. Of a file, only so many days are kept.
RATES_MAX_BYTES = env.int("RATES_MAX_BYTES", default=16 * 1024 * 1024)
RATES_KEEP_DAYS = env.int("RATES_KEEP_DAYS", default=800)
RATES_OLD_AFTER_DAYS = env.int("RATES_OLD_AFTER_DAYS", default=7)

# --- Support (A5), notices (A7) and our addresses (B11) -------------------------------------------
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", default="support@reconcile.example")
# A ticket portal; where one is not named, the menu says how to write instead.
SUPPORT_PORTAL_NEW_URL = env.str("SUPPORT_PORTAL_NEW_URL", default="")
SUPPORT_PORTAL_MINE_URL = env.str("SUPPORT_PORTAL_MINE_URL", default="")
SUPPORT_PORTAL_REFERENCE_PARAMETER = env.str("SUPPORT_PORTAL_REFERENCE_PARAMETER", default="reference")
FEEDBACK_PER_HOUR = env.int("FEEDBACK_PER_HOUR", default=5)
# Where the product is reached, for links in e-mails; no request tells a worker.
PUBLIC_URL = env.str("PUBLIC_URL", default="")
MAIL_LEASE_SECONDS = env.int("MAIL_LEASE_SECONDS", default=300)
MAIL_MAX_TRIES = env.int("MAIL_MAX_TRIES", default=10)
OUTGOING_ADDRESSES = env.list("OUTGOING_ADDRESSES", default=["203.0.113.24", "203.0.113.25"])

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
