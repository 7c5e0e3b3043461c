"""The Helm chart, as far as it can be read without Helm: it names settings, paths and values that there are.

What it renders is checked by `make test-deploy`.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import jsonschema_rs
import pytest
import yaml

from consumer.console.front import PATH as CONSOLE
from consumer.roles.role import Role
from consumer.settings import KAFKA, Settings
from make.chart import BROUGHT, CHART, README, SCHEMA, readme, schema, told, values
from make.chart_schema import FREE, TAKEN, values_schema
from tests.markdown import ROOT

Tree = dict[str, object]
TEMPLATES = sorted((CHART / "templates").rglob("*.*"))
SAMPLES = sorted((CHART / "ci").glob("*.yaml"))
SETTINGS = {f"HOOKLINE_{name.upper()}": field for name, field in Settings.model_fields.items() if name != "kafka"}
# What a supervisor and its processes take beside what HOOKLINE_MEMORY_MB bounds, in MiB.
BESIDE_MB = 150


def read(path: Path) -> Tree:
    return cast("Tree", yaml.safe_load(path.read_text(encoding="utf-8")))


def of(*path: str) -> object:
    found: object = values()
    for name in path:
        found = cast("Tree", found)[name]
    return found


def merged(base: Mapping[str, object], more: Mapping[str, object]) -> Tree:
    """As Helm merges values files."""
    found = dict(base)
    for name, value in more.items():
        inner = found.get(name)
        found[name] = merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return found


def refused(changed: Tree) -> bool:
    return not jsonschema_rs.is_valid(values_schema(values()), merged(read(CHART / "ci" / "minimal.yaml"), changed))


def test_what_the_chart_brings_is_what_is_kept_elsewhere() -> None:
    for copy, source in BROUGHT.items():
        assert copy.read_bytes() == source.read_bytes(), "run: make docs"


def test_the_schema_and_the_table_are_up_to_date() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema(), "run: make docs"
    text = README.read_text(encoding="utf-8")
    assert text == readme(text), "run: make docs"


def test_the_table_has_every_value_and_every_word_about_one() -> None:
    text = README.read_text(encoding="utf-8")
    assert [name for name, _ in leaves("", values()) if f"| `{name}` |" not in text] == []
    comments = re.findall(r"^ *# -- (.{1,20})", (CHART / "values.yaml").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(comments) == len(told()) > 40
    assert [words for words in comments if words.replace("|", "\\|") not in text] == []


def leaves(inside: str, found: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for key, value in found.items():
        name = f"{inside}.{key}".lstrip(".")
        if isinstance(value, dict) and value and key not in FREE:
            yield from leaves(name, value)
        else:
            yield name, value


def test_templates_ask_for_values_that_there_are() -> None:
    known = {name for name, _ in leaves("", values())}
    known |= {name.rsplit(".", depth)[0] for name in known for depth in range(1, name.count(".") + 1)}
    for path in TEMPLATES:
        asked = re.findall(r"\.Values\.(\w+(?:\.\w+)*)", path.read_text(encoding="utf-8"))
        assert [name for name in asked if name not in known] == [], path.name


def test_every_value_is_used() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES)
    inside_free = {"HOOKLINE_KAFKA_BOOTSTRAP_SERVERS", "HOOKLINE_EVENT_TOPICS"}
    used = {*re.findall(r"\w+", text)} | inside_free
    assert [name for name, _ in leaves("", values()) if name.rpartition(".")[2] not in used] == []


def test_every_setting_named_exists() -> None:
    for path in (*TEMPLATES, *SAMPLES, CHART / "values.yaml"):
        named = set(re.findall(r"HOOKLINE_[A-Z_]*[A-Z]", path.read_text(encoding="utf-8")))
        assert {name for name in named if name not in SETTINGS and not name.startswith(KAFKA)} == set(), path.name


def test_every_setting_has_one_place() -> None:
    config = cast("Tree", cast("dict[str, Tree]", values_schema(values())["properties"])["config"]["properties"])
    secret = {*cast("Tree", of("secret", "keys"))}
    not_for_pods = {"HOOKLINE_API_KEY"}  # of the command line
    assert {*config} | {*TAKEN} | secret | not_for_pods == {*SETTINGS}
    assert {*config}.isdisjoint(TAKEN)
    # A URL of Redis may stand in either, without a password in one and with it in the other.
    assert {*config} & secret == {"HOOKLINE_REDIS_URL", "HOOKLINE_LOG_REDIS_URL", "HOOKLINE_EGRESS_PROXY"}
    assert {name for name in secret if "Secret" not in str(SETTINGS[name].annotation)} == set()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_samples_are_taken(sample: Path) -> None:
    jsonschema_rs.validate(values_schema(values()), merged(values(), read(sample)))


@pytest.mark.parametrize(
    "changed",
    [
        {"replicas": 3},
        {"deliver": {"replica": 3}},
        {"deliver": {"replicas": "3"}},
        {"deliver": {"processes": 0}},
        {"deliver": {"membership": "sticky"}},
        {"deliver": {"pods": {"nodeselector": {}}}},
        {"config": {"HOOKLINE_EVENT_TOPIC": "orders"}},
        {"config": {"HOOKLINE_ENCRYPTION_KEYS": "k1:AAAA"}},
        {"config": {"HOOKLINE_OPERATOR_KEY": "a-key-that-everybody-can-read-here"}},
        {"config": {"HOOKLINE_KAFKA_SASL_PASSWORD": "secret"}},
        {"config": {"HOOKLINE_KAFKA_SSL_KEY_PEM": "-----BEGIN"}},
        {"config": {"HOOKLINE_KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET": "secret"}},
        {"config": {"HOOKLINE_REDIS_URL": "redis://:password@redis:6379/0"}},
        {"config": {"HOOKLINE_STATE_DIR": "/elsewhere"}},
        {"secret": {"keys": {"HOOKLINE_API_KEY": "key"}}},
        {"secret": {"encryptionKeys": "k1:AAAA"}},
        {"kafka": {"secretKeys": {"HOOKLINE_REDIS_URL": "url"}}},
        {"drainFor": "8 seconds"},
        {"api": {"ingress": {"paths": []}}},
        {"networkPolicy": {"kafka": {"ports": [90_920]}}},
    ],
    ids=str,
)
def test_what_is_wrong_is_refused(changed: Tree) -> None:
    assert refused(changed)


def test_what_helm_adds_and_what_is_whole_is_taken() -> None:
    assert not refused({})
    assert not refused({"global": {"registry": "example.com"}})
    assert not refused({"config": {"HOOKLINE_MAX_EVENT_BYTES": 2_097_152, "HOOKLINE_ALLOW_HTTP": True}})
    assert not refused({"config": {"HOOKLINE_KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL": "https://id.example/token"}})
    assert not refused({"deliver": {"pdb": {"maxUnavailable": "25%"}}})


def test_the_schema_is_one_that_helm_can_read() -> None:
    text = SCHEMA.read_text(encoding="utf-8")
    assert "(?" not in text, "Go's expressions look neither ahead nor back"
    assert '"http://json-schema.org/draft-07/schema#"' in text


def test_every_role_has_a_block() -> None:
    block = {name for name, value in values().items() if isinstance(value, dict) and "pdb" in value}
    assert block == {*Role}
    names = (CHART / "templates" / "_names.tpl").read_text(encoding="utf-8")
    assert sorted(re.findall(r"\"(\w+)\" \"(?:StatefulSet|Deployment)\"", names)) == sorted(Role)


def test_a_pod_has_room_for_its_processes() -> None:
    for role, processes in (("deliver", cast("int", of("deliver", "processes"))), ("retry", 1)):
        limits = cast("dict[str, str]", of(role, "resources", "limits"))
        needed_mb = processes * cast("int", of(role, "memoryMb")) + BESIDE_MB
        assert int(limits["memory"].removesuffix("Mi")) >= needed_mb
        assert of(role, "memoryMb") == SETTINGS["HOOKLINE_MEMORY_MB"].default


def test_the_console_is_for_nobody_outside() -> None:
    for kind in ("ingress", "httpRoute"):
        for path in cast("list[str]", of("api", kind, "paths")):
            assert not CONSOLE.startswith(path.rstrip("/")), path


def test_there_is_one_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    chart = read(CHART / "Chart.yaml")
    assert (chart["version"], chart["appVersion"]) == (version, version)
    assert f"\nARG VERSION={version}\n" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"image: hookline:{version}\n" in (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert f"## {version}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
