# The product's image: web, worker, beat and migrate are the same image with another command.
FROM python:3.13-slim AS build
COPY requirements/base.txt /tmp/base.txt
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes --requirement /tmp/base.txt

FROM python:3.13-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 RECONCILE_ENV=production RECONCILE_DATA=/data
# Reports print names in these; the font that reportlab brings knows little beyond western Europe.
RUN apt-get update && apt-get install --yes --no-install-recommends fonts-dejavu-core && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin reconcile \
    && install --directory --owner reconcile --group reconcile /data
COPY --from=build /venv /venv
WORKDIR /app
COPY manage.py ./
COPY reconcile reconcile
COPY accounts accounts
COPY psa psa
COPY vendors vendors
COPY dashboard dashboard
COPY sync sync
COPY demo demo
COPY templates templates
COPY static static
# A key is demanded in production, and collecting files needs none: this one ends with the step.
RUN SECRET_KEY=collectstatic DATABASE_URL=postgres://nobody@localhost/none REDIS_URL=redis://localhost \
    python manage.py collectstatic --no-input
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["gunicorn", "reconcile.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "8", "--access-logfile", "-"]
