"""The forms in which rights are printed: commands of `kafka-acls.sh`, a KafkaUser of Strimzi's, JSON. Pure.

The law: what is printed can be run, or applied, as it is: what names contain is quoted.
"""

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from consumer.json import Json
from consumer.roles.rights import Kind, Right

_STRIMZI_KINDS: Final[Mapping[Kind, str]] = {Kind.TRANSACTIONAL_ID: "transactionalId"}


def as_commands(rights: Sequence[Right], principal: str) -> Iterator[str]:
    """A line for each thing, those first that are needed."""
    yield "# export BOOTSTRAP=...   ADMIN=... a file of client properties of somebody who may change ACLs"
    for right in _needed_first(rights):
        if right.without:
            yield f"# optional: without it {right.without}"
        operations = " ".join(f"--operation {each}" for each in right.operations)
        named = "--cluster" if right.kind is Kind.CLUSTER else f"--{right.kind} {shlex.quote(right.name)}"
        pattern = " --resource-pattern-type prefixed" if right.prefixed else ""
        yield (
            'kafka-acls.sh --bootstrap-server "$BOOTSTRAP" --command-config "$ADMIN" --add '
            f"--allow-principal {shlex.quote(principal)} {operations} {named}{pattern}"
        )


def as_kafka_user(rights: Sequence[Right], name: str) -> Iterator[str]:
    """YAML for Strimzi's user operator; the name of the cluster is for its owner to put in."""
    yield "apiVersion: kafka.strimzi.io/v1"
    yield "kind: KafkaUser"
    yield "metadata:"
    yield f"  name: {json.dumps(name)}"
    yield "  labels:"
    yield "    strimzi.io/cluster: my-cluster  # the name of your Kafka"
    yield "spec:"
    yield "  authentication:"
    yield "    type: scram-sha-512"
    yield "  authorization:"
    yield "    type: simple"
    yield "    acls:"
    for right in _needed_first(rights):
        if right.without:
            yield f"      # optional: without it {right.without}"
        yield "      - resource:"
        yield f"          type: {_STRIMZI_KINDS.get(right.kind, right.kind)}"
        if right.kind is not Kind.CLUSTER:
            yield f"          name: {json.dumps(right.name)}"
            yield f"          patternType: {_pattern(right)}"
        yield f"        operations: [{', '.join(right.operations)}]"


def as_json(right: Right, principal: str) -> Mapping[str, Json]:
    """The rights as one JSON object."""
    return {
        "principal": principal,
        "resourceType": right.kind.value,
        "name": right.name,
        "patternType": _pattern(right),
        "operations": [each.value for each in right.operations],
        "optional": right.without or None,
    }


def _pattern(right: Right) -> str:
    return "prefix" if right.prefixed else "literal"


def _needed_first(rights: Iterable[Right]) -> list[Right]:
    return sorted(rights, key=lambda right: bool(right.without))
