"""What Helm makes of the chart: objects that Kubernetes takes, pods whose settings Hookline takes, no secrets.

Needs Helm and the schemas of Kubernetes: `make test-deploy` brings both.
"""

import json
import subprocess
from math import ceil
from pathlib import Path
from typing import cast

import pytest
import yaml
from pydantic import BaseModel, ConfigDict

from consumer.configuration import load, strangers
from consumer.roles.answering import Answering
from consumer.roles.overview import Overview
from consumer.roles.role import Role
from consumer.roles.supervision import stop_within_s
from consumer.roles.wrong_settings import wrong_settings
from consumer.setting_values import duration_ms
from consumer.settings import Settings
from make.chart import BROUGHT, CHART
from make.deploy_tools import PYTHON
from tests import markdown
from tests.deploy.chart import (
    KUBERNETES,
    NAMESPACE,
    SAMPLES,
    Refused,
    Tree,
    at,
    container,
    environment,
    name,
    objects,
    of_kind,
    pods,
    run,
    text,
    write,
)
from tests.metric_names import unknown

pytestmark = pytest.mark.deploy

HERE = Path(__file__).resolve().parent
CUSTOM = {"ScaledObject", "PodMonitor", "PrometheusRule"}
SECRETS = {
    "HOOKLINE_ENCRYPTION_KEYS": "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "HOOKLINE_OPERATOR_KEY": "an-operator-key-of-32-characters",
    "HOOKLINE_REDIS_URL": "redis://:password@127.0.0.1:1/0",
    "HOOKLINE_LOG_REDIS_URL": "redis://:password@127.0.0.1:1/1",
    "HOOKLINE_EGRESS_PROXY": "http://hookline:password@127.0.0.1:1",
    "HOOKLINE_KAFKA_SASL_PASSWORD": "password",
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_helm_finds_nothing_wrong(sample: str) -> None:
    version = f"{KUBERNETES[0]}.0"
    said = run(
        "lint", "--strict", "--kube-version", version, str(CHART), "--values", str(CHART / "ci" / f"{sample}.yaml")
    )
    assert "1 chart(s) linted, 0 chart(s) failed" in said


@pytest.mark.parametrize("kubernetes", KUBERNETES)
def test_kubernetes_takes_every_object(kubernetes: str, tmp_path: Path) -> None:
    files = [write(tmp_path, sample, kubernetes) for sample in SAMPLES]
    validate = PYTHON.parent / "kubernetes-validate"
    command = [str(validate), "-k", kubernetes, "--strict", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    untold = {line.split("schema for kind ")[1].split()[0] for line in said.splitlines() if "find schema" in line}
    assert untold == CUSTOM | {"HTTPRoute"}, said
    native = [each for sample in SAMPLES for each in objects(sample) if each["kind"] not in untold]
    assert said.count("passed for resource") == len(native)


def test_a_misspelt_field_would_be_found(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(text("minimal").replace("podManagementPolicy", "podManagmentPolicy"), encoding="utf-8")
    validate = PYTHON.parent / "kubernetes-validate"
    done = subprocess.run([str(validate), "--strict", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 1


def custom_objects_wrong(found: list[Tree], folder: Path) -> str:
    file = folder / "objects.json"
    file.write_text(json.dumps(found), encoding="utf-8")
    command = [str(PYTHON), str(HERE / "custom_objects.py"), str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_keda_and_the_prometheus_operator_take_theirs(tmp_path: Path) -> None:
    found = of_kind(objects("full"), *CUSTOM)
    assert {each["kind"] for each in found} == CUSTOM
    assert custom_objects_wrong(found, tmp_path) == ""
    misspelt = json.loads(json.dumps(found).replace("scrapeTimeout", "scrapeTimeOut"))
    assert "spec.podMetricsEndpoints.0.scrapeTimeOut" in custom_objects_wrong(misspelt, tmp_path)


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Gateway(Strict):
    name: str
    namespace: str


class PathMatch(Strict):
    type: str
    value: str


class Match(Strict):
    path: PathMatch


class Backend(Strict):
    name: str
    port: int


class RouteRule(Strict):
    matches: list[Match]
    backendRefs: list[Backend]  # noqa: N815 # Kubernetes' name


class RouteSpec(Strict):
    parentRefs: list[Gateway]  # noqa: N815 # same
    hostnames: list[str]
    rules: list[RouteRule]


def test_the_route_leads_to_the_api() -> None:
    """No package has the Gateway API's models: these are of gateway.networking.k8s.io/v1."""
    [route] = of_kind(objects("full"), "HTTPRoute")
    spec = RouteSpec.model_validate(route["spec"])
    [rule] = spec.rules
    [service] = [each for each in of_kind(objects("full"), "Service") if name(each).endswith("-api")]
    assert rule.backendRefs == [Backend(name=name(service), port=cast("int", at(service, "spec", "ports", 0, "port")))]
    assert {match.path.type for match in rule.matches} == {"PathPrefix"}


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_role_takes_what_its_pod_is_told(sample: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hookline judges the settings as it does before it starts."""
    found = objects(sample)
    of_roles = {component: pod for component, pod in pods(found).items() if component in {*Role}}
    assert of_roles
    for role, pod in of_roles.items():
        told = environment(found, pod, SECRETS)
        assert strangers(told) == {}
        with monkeypatch.context() as patched:
            for variable, value in told.items():
                # Files and addresses are the pod's.
                if not variable.endswith("_LOCATION") and variable != "HOOKLINE_BRANDS_DIR":
                    patched.setenv(variable, value)
            patched.setenv("HOOKLINE_STATE_DIR", str(tmp_path))
            patched.setenv("HOOKLINE_API_LISTEN", "127.0.0.1:0")
            patched.setenv("HOOKLINE_ADMIN_LISTEN", "127.0.0.1:0")
            assert wrong_settings(load(), [Role(role)]) == [], role


def test_no_pod_holds_a_secret_that_it_does_not_need() -> None:
    held = {
        component: {
            each["name"] for each in cast("list[Tree]", at(container(pod), "env")) if at(each, "valueFrom") is not None
        }
        - {"HOOKLINE_KAFKA_SASL_PASSWORD"}
        for component, pod in pods(objects("full")).items()
    }
    keys, operator, redis, log, proxy = list(SECRETS)[:5]
    assert held == {
        "deliver": {keys, redis, proxy},
        "retry": {keys, redis, proxy},
        "projection": {redis},
        "log": {redis, log},
        "jobs": {redis, log},
        "api": {keys, operator, redis, log, proxy},
        "topics": set(),
        "test": set(),
    }


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_chart_makes_no_secret(sample: str) -> None:
    assert of_kind(objects(sample), "Secret") == []


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_pod_is_as_little_as_it_can_be(sample: str) -> None:
    for component, pod in pods(objects(sample)).items():
        assert pod["automountServiceAccountToken"] is False, component
        assert pod["enableServiceLinks"] is False, component
        assert at(pod, "securityContext") == {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        only = container(pod)
        assert only["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert at(only, "resources", "limits", "memory") is not None, component
        assert at(only, "resources", "requests", "cpu") is not None, component
        mounted = {cast("str", each["name"]) for each in cast("list[Tree]", at(only, "volumeMounts") or [])}
        assert mounted == {cast("str", each["name"]) for each in cast("list[Tree]", at(pod, "volumes") or [])}


@pytest.mark.parametrize("sample", SAMPLES)
def test_probes_ask_the_admin_port_for_what_it_answers(sample: str) -> None:
    answered = Answering(Overview([], {}), lambda: 0.0)._makers
    for component, pod in pods(objects(sample)).items():
        if component not in {*Role}:
            continue
        ports = {each["name"]: each["containerPort"] for each in cast("list[Tree]", at(container(pod), "ports"))}
        assert ports["admin"] == int(cast("str", Settings.model_fields["admin_listen"].default).rpartition(":")[2])
        asked = {
            probe: cast("str", at(container(pod), f"{probe}Probe", "httpGet", "path"))
            for probe in ("startup", "liveness", "readiness")
        }
        assert asked == {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}
        assert {*asked.values()} <= {*answered}
        assert at(container(pod), "livenessProbe", "httpGet", "port") == "admin"


@pytest.mark.parametrize("sample", SAMPLES)
def test_services_monitors_and_budgets_find_their_pods(sample: str) -> None:
    found = objects(sample)
    labels = [
        cast("dict[str, str]", at(each, "spec", "template", "metadata", "labels"))
        for each in of_kind(found, "StatefulSet", "Deployment")
    ]
    ports = {
        each["name"] for pod in pods(found).values() for each in cast("list[Tree]", at(container(pod), "ports") or [])
    }
    selectors = [
        cast("dict[str, str]", at(each, "spec", "selector", "matchLabels") or at(each, "spec", "selector"))
        for each in of_kind(found, "Service", "PodDisruptionBudget", "PodMonitor", "StatefulSet", "Deployment")
    ]
    for selector in selectors:
        assert any(selector.items() <= label.items() for label in labels), selector
    for service in of_kind(found, "Service"):
        for port in cast("list[Tree]", at(service, "spec", "ports")):
            assert port["targetPort"] in ports
    for monitor in of_kind(found, "PodMonitor"):
        scraped = cast("list[Tree]", at(monitor, "spec", "podMetricsEndpoints"))
        assert {each["port"] for each in scraped} <= ports
        assert scraped[0]["path"] == "/metrics"
        assert {each["path"] for each in scraped} <= {"/metrics", "/metrics/webhooks"}
    for each in of_kind(found, "StatefulSet"):
        assert at(each, "spec", "serviceName") in [name(service) for service in of_kind(found, "Service")]


def test_a_number_is_told_as_it_was_written() -> None:
    told = {
        key: value
        for each in of_kind(objects("full"), "ConfigMap")
        for key, value in cast("Tree", each["data"]).items()
    }
    assert (told["HOOKLINE_MAX_EVENT_BYTES"], told["HOOKLINE_TRACES_RATIO"]) == ("2097152", "0.05")


@pytest.mark.parametrize("drain_for", ["8s", "500ms", "30s", "1m", "2m", "7500ms"])
def test_a_pod_has_the_time_that_a_drain_takes(drain_for: str) -> None:
    stopped_s = ceil(stop_within_s(duration_ms(drain_for) / 1_000))
    for component, pod in pods(objects("minimal", "--set", f"drainFor={drain_for}")).items():
        if component in {*Role}:
            before_s = 5 if component == "api" else 0
            assert pod["terminationGracePeriodSeconds"] == before_s + stopped_s + 5, component


def told(sample: str, *more: str) -> dict[str, dict[str, str]]:
    found = objects(sample, *more)
    return {
        component: environment(found, pod, SECRETS) for component, pod in pods(found).items() if component in {*Role}
    }


def test_who_has_a_fixed_name_keeps_its_partitions_for_a_replacement() -> None:
    kinds = {
        name(each).rpartition("-")[2]: each["kind"] for each in of_kind(objects("minimal"), "StatefulSet", "Deployment")
    }
    for role, variables in told("minimal").items():
        static = variables.get("HOOKLINE_MEMBERSHIP") == "static"
        assert static == (kinds[role] == "StatefulSet"), role
        assert ("HOOKLINE_KAFKA_SESSION_TIMEOUT_MS" in variables) == static
        assert variables.get("HOOKLINE_KAFKA_SESSION_TIMEOUT_MS", "30000") == "30000"


def test_pods_that_come_and_go_have_no_fixed_name() -> None:
    for role, variables in told("full").items():
        if role != Role.API:
            assert variables["HOOKLINE_MEMBERSHIP"] == "dynamic", role
    scaled = {name(each) for each in of_kind(objects("full"), "ScaledObject")}
    for each in of_kind(objects("full"), "StatefulSet"):
        assert (name(each) in scaled) == ("replicas" not in cast("Tree", each["spec"]))


def test_scaling_asks_for_metrics_that_there_are() -> None:
    for scaled in of_kind(objects("full"), "ScaledObject"):
        for trigger in cast("list[Tree]", at(scaled, "spec", "triggers")):
            query = cast("str", at(trigger, "metadata", "query"))
            assert unknown(query) == []
            assert f'job="{NAMESPACE}/hooks"' in query
            assert at(trigger, "metadata", "ignoreNullValues") == "false"
        assert cast("int", at(scaled, "spec", "minReplicaCount")) >= 1
        assert at(scaled, "spec", "fallback") is not None


def test_the_alerts_and_the_dashboard_are_those_of_the_repository() -> None:
    rules, dashboard = (source.read_text(encoding="utf-8") for source in BROUGHT.values())
    [brought] = of_kind(objects("full"), "PrometheusRule")
    wanted = yaml.safe_load(rules.replace("docs/runbook.md", "https://wiki.example.com/hookline/runbook.md"))
    assert brought["spec"] == wanted
    [config] = [each for each in of_kind(objects("full"), "ConfigMap") if name(each) == "hooks-dashboard"]
    assert json.loads(cast("str", at(config, "data", "hookline.json"))) == json.loads(dashboard)


def test_the_topics_job_is_told_what_the_pods_are() -> None:
    found = objects("full")
    job = environment(found, pods(found)["topics"], SECRETS)
    [config] = [each for each in of_kind(found, "ConfigMap") if name(each) == "hooks"]
    more = {"HOOKLINE_KAFKA_SASL_PASSWORD": "password", "SSL_CERT_FILE": "/etc/ssl/own/ca.crt"}
    assert {**cast("dict[str, str]", config["data"]), **more} == job
    for field in ("nodeSelector", "tolerations", "volumes"):
        assert pods(found)["topics"][field] == pods(found)["api"][field]
    assert container(pods(found)["topics"])["args"] == ["topics", "create"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("secret.existingSecret=", "secret.existingSecret: name the Secret"),
        ("config.HOOKLINE_EVENT_TOPICS=", "config.HOOKLINE_EVENT_TOPICS: name the topics"),
        ("config.HOOKLINE_KAFKA_BOOTSTRAP_SERVERS=", "config.HOOKLINE_KAFKA_BOOTSTRAP_SERVERS: say where Kafka is"),
        ("secret.keys.HOOKLINE_REDIS_URL=", "secret.keys.HOOKLINE_REDIS_URL: name the key"),
        ("kafka.secretKeys.HOOKLINE_KAFKA_SASL_PASSWORD=password", "kafka.existingSecret: name the Secret"),
        ("deliver.autoscaling.enabled=true", "keda.prometheusAddress: say where"),
        ("api.ingress.enabled=true", "api.ingress.hosts: name at least one"),
        ("api.httpRoute.enabled=true", "api.httpRoute.parentRefs: name the gateway"),
        ("config.HOOKLINE_EVENT_TOPIC=orders", "HOOKLINE_EVENT_TOPIC"),
        ("config.HOOKLINE_OPERATOR_KEY=key", "HOOKLINE_OPERATOR_KEY"),
        ("config.HOOKLINE_KAFKA_SASL_PASSWORD=password", "HOOKLINE_KAFKA_SASL_PASSWORD"),
        ("config.HOOKLINE_REDIS_URL=redis://:password@redis:6379/0", "HOOKLINE_REDIS_URL"),
        ("deliver.replica=2", "replica"),
    ],
)
def test_what_is_wrong_is_refused_with_what_to_do(changed: str, said: str) -> None:
    with pytest.raises(Refused, match=said.replace(".", r"\.")):
        text("minimal", "--set", changed)


def test_the_values_of_the_page_make_manifests(tmp_path: Path) -> None:
    """Each block of docs/kubernetes.md, on top of the first one."""
    page = CHART.parents[2] / "docs" / "kubernetes.md"
    blocks = [block.text for block in markdown.blocks(page) if block.info == "yaml values"]
    assert len(blocks) >= 5
    for at_block, block in enumerate(blocks):
        files = [tmp_path / "first.yaml", tmp_path / f"{at_block}.yaml"]
        for file, content in zip(files, (blocks[0], block), strict=True):
            file.write_text(content, encoding="utf-8")
        more = [argument for file in files for argument in ("--values", str(file))]
        said = run("template", "hookline", str(CHART), "--kube-version", f"{KUBERNETES[0]}.0", *more)
        assert "name: hookline-deliver\n" in said
