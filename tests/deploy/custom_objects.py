"""Objects of KEDA and of the Prometheus Operator, read by the models of their definitions.

`python custom_objects.py FILE` (JSON, a list of objects) runs in the environment of make/deploy_tools.py, which has no
Hookline. The models pass over fields that they do not know, so what they read is compared with what was there. Prints a
line for each that is wrong.
"""

import json
import sys
from pathlib import Path

from cloudcoil.models.keda.v1alpha1 import ScaledObject
from cloudcoil.models.prometheus_operator.v1 import PodMonitor, PrometheusRule

# In KEDA since 2.17; the models for Python 3.11 are of 2.16.
NEWER = {"spec.fallback.behavior"}
MODELS = {"ScaledObject": ScaledObject, "PodMonitor": PodMonitor, "PrometheusRule": PrometheusRule}


def lost(there: object, read: object, path: str) -> list[str]:
    """What of it the model passed over."""
    if isinstance(there, dict) and isinstance(read, dict):
        return [
            each
            for name, value in there.items()
            for each in ([f"{path}.{name}"] if name not in read else lost(value, read[name], f"{path}.{name}"))
        ]
    if isinstance(there, list) and isinstance(read, list):
        pairs = enumerate(zip(there, read, strict=True))
        return [each for at, (one, other) in pairs for each in lost(one, other, f"{path}.{at}")]
    return [] if there == read else [path]


def wrong(found: dict[str, object]) -> list[str]:
    """What is wrong with an object."""
    kind = str(found["kind"])
    try:
        read = MODELS[kind].model_validate(found)
    except ValueError as error:
        return [f"{kind}: {error}"]
    told = json.loads(read.model_dump_json(by_alias=True, exclude_unset=True))
    return [f"{kind}: no such field: {path}" for path in lost(found["spec"], told["spec"], "spec") if path not in NEWER]


if __name__ == "__main__":
    objects = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for each in objects:
        for line in wrong(each):
            print(line)
