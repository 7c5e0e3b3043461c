"""The chart as Helm renders it."""

import subprocess
from functools import cache
from pathlib import Path
from typing import cast

import yaml

from make.chart import CHART
from make.deploy_tools import helm

Tree = dict[str, object]
SAMPLES = ("minimal", "full", "split")
# The oldest that the chart takes and the newest whose schemas are known, with two between.
KUBERNETES = ("1.30", "1.33", "1.35", "1.37")
NAMESPACE = "hooks"


class Refused(Exception):  # noqa: N818 # it names what happened, as the glossary does
    """Helm said no; the message is what it said."""


def run(*arguments: str) -> str:
    """What Helm prints. Raises Refused."""
    program = helm()
    assert program is not None, "run: make test-deploy"
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(done.stderr + done.stdout)
    return done.stdout


def text(sample: str, *more: str, kubernetes: str = KUBERNETES[-1]) -> str:
    """All manifests of a release `demo` with the values of ci/SAMPLE.yaml. Raises Refused."""
    values = ("--values", str(CHART / "ci" / f"{sample}.yaml"))
    place = ("--namespace", NAMESPACE, "--kube-version", f"{kubernetes}.0")
    return run("template", "demo", str(CHART), *place, *values, *more)


@cache
def objects(sample: str, *more: str) -> list[Tree]:
    """The same, read."""
    return [cast("Tree", each) for each in yaml.safe_load_all(text(sample, *more)) if each]


def at(tree: object, *path: str | int) -> object:
    """What is there; None where nothing is."""
    for step in path:
        if isinstance(tree, dict):
            tree = tree.get(step)
        elif isinstance(tree, list) and isinstance(step, int) and step < len(tree):
            tree = tree[step]
        else:
            return None
    return tree


def of_kind(found: list[Tree], *kinds: str) -> list[Tree]:
    """The objects of these kinds."""
    return [each for each in found if each["kind"] in kinds]


def name(tree: Tree) -> str:
    """What an object is called."""
    return cast("str", at(tree, "metadata", "name"))


def pods(found: list[Tree]) -> dict[str, Tree]:
    """Every pod's `spec` that there will be, by its component."""
    specs: dict[str, Tree] = {}
    for each in of_kind(found, "StatefulSet", "Deployment", "Job"):
        component = cast("str", at(each, "spec", "template", "metadata", "labels", "app.kubernetes.io/component"))
        specs[component] = cast("Tree", at(each, "spec", "template", "spec"))
    for each in of_kind(found, "Pod"):
        specs["test"] = cast("Tree", each["spec"])
    return specs


def container(pod: Tree) -> Tree:
    """Its only one."""
    [only] = cast("list[Tree]", pod["containers"])
    return only


def environment(found: list[Tree], pod: Tree, secrets: dict[str, str]) -> dict[str, str]:
    """What a pod is told: its ConfigMap, then its own variables. `secrets` are by the variable's name."""
    told: dict[str, str] = {}
    for source in cast("list[Tree]", at(container(pod), "envFrom") or []):
        [config] = [each for each in of_kind(found, "ConfigMap") if name(each) == at(source, "configMapRef", "name")]
        told |= cast("dict[str, str]", config["data"])
    for each in cast("list[Tree]", at(container(pod), "env") or []):
        variable = cast("str", each["name"])
        told[variable] = cast("str", each["value"]) if "value" in each else secrets[variable]
    return told


def write(folder: Path, sample: str, kubernetes: str) -> Path:
    """The manifests in a file."""
    file = folder / f"{sample}-{kubernetes}.yaml"
    file.write_text(text(sample, kubernetes=kubernetes), encoding="utf-8")
    return file
