"""The container files: read by a Compose parser of somebody else's, and in step with the rest of the project."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

PROJECT = Path(__file__).resolve().parent.parent.parent
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def read_compose() -> dict[str, Any]:
    """Fill in variables and merge keys as Compose does, with each demanded one set."""
    text = (PROJECT / "docker-compose.yml").read_text()
    filled = VARIABLE.sub(lambda match: match[3] if match[2] == "-" else "given", text)
    return dict(yaml.safe_load(filled))


def test_compose_file_is_valid():
    parsed = PyCompose.from_yaml(yaml.safe_dump(read_compose()))
    assert set(parsed.service_names()) == {"web", "worker", "beat", "erase", "migrate", "postgres", "redis"}


@pytest.mark.parametrize(
    "wrong",
    [{"services": {"web": {"imagee": "x"}}}, {"services": {"web": {"image": "x", "ports": "a:b:c:d"}}}],
)
def test_the_parser_does_find_faults(wrong):
    with pytest.raises(ValueError, match="services"):
        PyCompose.from_yaml(yaml.safe_dump(wrong))


def test_nothing_starts_before_the_migration_and_only_web_has_a_port():
    services = read_compose()["services"]
    for name in ("web", "worker", "beat", "erase"):
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert [name for name, service in services.items() if "ports" in service] == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in services["web"]["ports"])


def test_each_variable_is_in_the_example_without_a_secret():
    wanted = {match[1] for match in VARIABLE.finditer((PROJECT / "docker-compose.yml").read_text())}
    lines = (PROJECT / ".env.example").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert wanted == set(example)
    assert {example[name] for name in ("SECRET_KEY", "SECRET_BOX_KEYS", "POSTGRES_PASSWORD")} == {""}


def test_image_runs_unprivileged_and_holds_every_package():
    text = (PROJECT / "Dockerfile").read_text()
    instructions = [line.split() for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    user = [words[1] for words in instructions if words[0] == "USER"][-1]
    assert int(user) > 0
    copied = {words[1] for words in instructions if words[0] == "COPY" and len(words) == 3}
    packages = {path.parent.name for path in PROJECT.glob("*/__init__.py")} - {"tests"}
    assert packages | {"templates", "static", "manage.py"} <= copied
    assert all((PROJECT / name).exists() for name in copied)
