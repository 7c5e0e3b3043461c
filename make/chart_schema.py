"""values.schema.json of the Helm chart, from values.yaml, the settings, and what is said below.

The law: what values.yaml does not name is refused, and so is a setting that does not exist, holds a secret, or has a
value of its own. Kubernetes' own maps (labels, resources, security contexts …) take whatever Kubernetes takes.

Draft 7: Helm before 3.18 knows no later one.
"""

import re
from collections.abc import Mapping
from typing import Final, TypeAlias

from pydantic import SecretStr

from consumer.settings import KAFKA, PREFIX, Settings

Schema: TypeAlias = dict[str, object]

TAKEN: Final[Mapping[str, str]] = {
    "HOOKLINE_DRAIN_FOR": "drainFor",
    "HOOKLINE_STATE_DIR": "",
    "HOOKLINE_ADMIN_LISTEN": "listenHost",
    "HOOKLINE_API_LISTEN": "listenHost",
    "HOOKLINE_BRANDS_DIR": "brandsConfigMap",
    "HOOKLINE_PROCESSES": "deliver.processes",
    "HOOKLINE_MEMORY_MB": "deliver.memoryMb",
    "HOOKLINE_MEMBERSHIP": "deliver.membership",
}
"""Settings that the chart sets, each with the value that it sets it by."""

NO_SECRET: Final = re.compile("^[a-z0-9]+://[^@]*$")
"""A URL without a password may stand among the plain settings."""
_WITHOUT_PASSWORD: Final = frozenset({"HOOKLINE_REDIS_URL", "HOOKLINE_LOG_REDIS_URL", "HOOKLINE_EGRESS_PROXY"})
_SECRET_PROPERTY: Final = f"^{KAFKA}.*(PASSWORD|PASSPHRASE|SECRET|KEY_PEM|SASL_OAUTHBEARER_CONFIG)$"
_PLAIN: Final[Schema] = {"type": ["string", "integer", "boolean"]}

FREE: Final = frozenset(
    {"annotations", "labels", "commonLabels", "nodeSelector", "affinity", "dnsConfig", "resources"}
    | {"podSecurityContext", "securityContext"}
)
"""Maps that take whatever Kubernetes takes there, by the last part of their names."""
_MEMBERSHIP: Final[Schema] = {"enum": ["", "static", "dynamic"]}
_PORTS: Final[Schema] = {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 65_535}}
_PATHS: Final[Schema] = {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "^/"}}
_TEXTS: Final[Schema] = {"type": "array", "items": {"type": "string"}}
_BUDGET: Final[Schema] = {"type": ["integer", "string"], "pattern": "^[0-9]+%$", "minimum": 1}
# Of what values.yaml cannot say by an example; by a value's whole name or by its last part.
_EXACT: Final[Mapping[str, Schema]] = {
    "image.repository": {"type": "string", "minLength": 1},
    "image.digest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
    "image.pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "drainFor": {"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"},
    "staticSessionSeconds": {"type": "integer", "minimum": 6, "maximum": 1_800},
    "deliver.processes": {"type": "integer", "minimum": 1, "maximum": 512},
    "memoryMb": {"type": "integer", "minimum": 96},
    "membership": _MEMBERSHIP,
    "maxUnavailable": _BUDGET,
    "api.preStopSeconds": {"type": "integer", "minimum": 0},
    "api.service.type": {"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
    "api.service.port": {"type": "integer", "minimum": 1, "maximum": 65_535},
    "ports": _PORTS,
    "paths": _PATHS,
    "hosts": _TEXTS,
    "hostnames": _TEXTS,
    "except": _TEXTS,
    "exceptIpv6": _TEXTS,
    "interval": {"type": "string", "pattern": "^[0-9]+(ms|s|m)$"},
    "scrapeTimeout": {"type": "string", "pattern": "^[0-9]+(ms|s|m)$"},
    "kafka.secretKeys": {
        "type": "object",
        "propertyNames": {"pattern": f"^{KAFKA}[A-Z0-9_]+$"},
        "additionalProperties": {"type": "string", "minLength": 1},
    },
    "extraObjects": {"type": "array", "items": {"type": ["object", "string"]}},
}


def values_schema(values: Mapping[str, object]) -> Schema:
    """The schema of such values."""
    properties = _properties("", values)
    pods = properties["pods"]
    for each in properties.values():
        if isinstance(each, dict) and isinstance(inner := each.get("properties"), dict) and "pods" in inner:
            inner["pods"] = pods
    # Helm itself adds it, where this chart is a part of another.
    properties["global"] = {"type": "object"}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the Hookline chart",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def _properties(inside: str, values: Mapping[str, object]) -> dict[str, object]:
    return {name: _value(f"{inside}.{name}".lstrip("."), value) for name, value in values.items()}


def _value(name: str, value: object) -> Schema:
    last = name.rpartition(".")[2]
    if name == "config":
        return _config()
    if last in FREE:
        return {"type": "object"}
    return dict(_EXACT.get(name) or _EXACT.get(last) or _like(name, value))


def _like(name: str, value: object) -> Schema:
    match value:
        case Mapping():
            return {"type": "object", "additionalProperties": False, "properties": _properties(name, value)}
        case list():
            return {"type": "array"}
        case bool() | int():
            return {"type": "boolean"} if isinstance(value, bool) else {"type": "integer", "minimum": 0}
        case _:
            return {"type": "string"}


def _config() -> Schema:
    settings = {PREFIX + name.upper(): field for name, field in Settings.model_fields.items() if name != "kafka"}
    plain = {name: _PLAIN for name, field in settings.items() if name not in TAKEN and not _secret(field.annotation)}
    urls: dict[str, object] = {
        name: {"type": "string", "pattern": NO_SECRET.pattern} for name in sorted(_WITHOUT_PASSWORD)
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": dict(sorted((plain | urls).items())),
        "patternProperties": {f"^{KAFKA}[A-Z0-9_]+$": _PLAIN},
        # Helm's expressions are Go's, which cannot say "but not".
        "propertyNames": {"not": {"pattern": _SECRET_PROPERTY}},
    }


def _secret(annotation: object) -> bool:
    return SecretStr.__name__ in str(annotation)
