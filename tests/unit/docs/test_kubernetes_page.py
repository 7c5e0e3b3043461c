"""docs/kubernetes.md tells of the chart as it is: its values are taken, its names and figures are the chart's."""

import re
import shlex
from math import ceil
from typing import cast

import jsonschema_rs
import pytest
import yaml

from consumer.cli.app import app
from consumer.roles.supervision import stop_within_s
from consumer.setting_values import duration_ms
from make.chart import CHART, values
from make.chart_schema import values_schema
from tests import markdown

PAGE = markdown.ROOT / "docs" / "kubernetes.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = [block.text for block in markdown.blocks(PAGE) if block.info == "yaml values"]
COMMANDS = [
    line
    for block in markdown.blocks(PAGE)
    if not block.info
    for line in block.text.replace("\\\n", " ").splitlines()
    if line.strip()
]
Tree = dict[str, object]


def kinds() -> dict[str, str]:
    names = (CHART / "templates" / "_names.tpl").read_text(encoding="utf-8")
    return dict(re.findall(r"\"(\w+)\" \"(StatefulSet|Deployment)\"", names))


@pytest.mark.parametrize("block", BLOCKS)
def test_values_of_the_page_are_taken(block: str) -> None:
    jsonschema_rs.validate(values_schema(values()), yaml.safe_load(block))


def test_what_runs_is_what_the_chart_runs() -> None:
    told = re.findall(r"^\| `(\w+)` \| (\w+) \| (\d+) \|", TEXT, re.MULTILINE)
    replicas = {role: cast("Tree", values()[role])["replicas"] for role in kinds()}
    assert {role: (kind, int(pods)) for role, kind, pods in told} == {
        role: (kind, replicas[role]) for role, kind in kinds().items()
    }


def test_the_secret_that_the_page_makes_has_what_the_values_of_the_page_ask_for() -> None:
    [made] = [line for line in COMMANDS if "create secret generic" in line]
    keys = {*re.findall(r"--from-literal=([\w-]+)=", made)}
    secret = cast("dict[str, Tree]", yaml.safe_load(BLOCKS[0]))["secret"]
    asked = {**cast("dict[str, dict[str, str]]", values()["secret"])["keys"], **cast("dict[str, str]", secret["keys"])}
    assert {key for key in asked.values() if key} == keys
    assert f"create secret generic {secret['existingSecret']} " in made


def test_every_command_of_hookline_is_one() -> None:
    ours = [line.partition(" -- ")[2] for line in COMMANDS if " -- hookline " in line]
    assert len(ours) >= 2
    for command in ours:
        found, bound, _ = app.parse_args(shlex.split(command)[1:], print_error=False, exit_on_error=False)
        assert callable(found)
        assert bound is not None


def test_pods_and_services_have_the_names_that_the_chart_gives_them() -> None:
    """Of a release that is called as the chart is: that name alone comes first."""
    named = {*re.findall(r"(?:exec |service/)(hookline-[\w-]+)", TEXT)}
    known = {f"hookline-{role}-0" for role, kind in kinds().items() if kind == "StatefulSet"} | {"hookline-api"}
    assert named
    assert named <= known
    [port] = re.findall(r"port-forward service/hookline-api 8080:(\d+)", TEXT)
    api = cast("dict[str, dict[str, int]]", values()["api"])
    assert int(port) == api["service"]["port"]


def test_what_is_installed_is_there() -> None:
    [install] = [shlex.split(line) for line in COMMANDS if line.startswith("helm upgrade")]
    assert install[:4] == ["helm", "upgrade", "--install", "hookline"]
    assert (markdown.ROOT / install[4] / "Chart.yaml").is_file()


def test_the_time_to_end_is_as_told() -> None:
    told = re.search(r"with (\S+) s it is (\d+), with (\S+) s it is (\d+)", TEXT)
    assert told is not None
    for drain_s, grace_s in ((told[1], told[2]), (told[3], told[4])):
        assert ceil(stop_within_s(duration_ms(f"{drain_s}s") / 1_000)) + 5 == int(grace_s)
    assert values()["drainFor"] == f"{told[1]}s"


def test_only_the_paths_that_are_let_in_are_told() -> None:
    [told] = re.findall(r"let (`/\S+.*?) through\.", TEXT)
    paths = cast("dict[str, dict[str, list[str]]]", values()["api"])["ingress"]["paths"]
    assert {*re.findall(r"`(/[\w.]+)`", told)} == {*paths}
