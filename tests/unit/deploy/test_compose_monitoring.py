"""The monitoring of docker-compose.yml: every container is scraped, the alerts are loaded, the dashboard is found."""

import shutil
import subprocess
from typing import cast

import yaml

from consumer.roles.role import Role
from tests.markdown import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus" / "prometheus.yml"
Tree = dict[str, object]


def read(path: str) -> Tree:
    return cast("Tree", yaml.safe_load((ROOT / path).read_text(encoding="utf-8")))


def service(name: str) -> dict[str, object]:
    return cast("dict[str, dict[str, object]]", read("docker-compose.yml")["services"])[name]


def test_every_role_is_scraped_at_its_admin_port() -> None:
    job, webhooks = cast("list[Tree]", read("deploy/prometheus/prometheus.yml")["scrape_configs"])
    [found] = cast("list[Tree]", job["dns_sd_configs"])
    [told] = cast("list[Tree]", webhooks["dns_sd_configs"])
    assert webhooks["metrics_path"] == "/metrics/webhooks"
    assert (told["names"], told["port"]) == (["log"], found["port"])
    assert found["names"] == ["projection", "deliver", "retry", "log", "jobs", "api"]
    assert {*cast("list[str]", found["names"])} == {*Role}
    for role in Role:
        listen = cast("dict[str, str]", service(role)["environment"])["HOOKLINE_ADMIN_LISTEN"]
        assert listen == f"0.0.0.0:{found['port']}"


def test_the_alerts_are_mounted_where_prometheus_looks() -> None:
    assert read("deploy/prometheus/prometheus.yml")["rule_files"] == ["hookline.rules.yml"]
    mounted = cast("list[str]", service("prometheus")["volumes"])
    for name in ("prometheus.yml", "hookline.rules.yml"):
        assert f"./deploy/prometheus/{name}:/etc/prometheus/{name}:ro" in mounted


def test_grafana_finds_prometheus_and_the_dashboard() -> None:
    [source] = cast("list[Tree]", read("deploy/grafana/provisioning/datasources/prometheus.yml")["datasources"])
    assert (source["type"], source["url"], source["isDefault"]) == ("prometheus", "http://prometheus:9090", True)
    [provider] = cast("list[Tree]", read("deploy/grafana/provisioning/dashboards/hookline.yml")["providers"])
    folder = cast("dict[str, str]", provider["options"])["path"]
    mounted = cast("list[str]", service("grafana")["volumes"])
    assert f"./deploy/grafana/hookline.json:{folder}/hookline.json:ro" in mounted
    assert "./deploy/grafana/provisioning:/etc/grafana/provisioning:ro" in mounted
    home = cast("dict[str, str]", service("grafana")["environment"])["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{folder}/hookline.json"


def test_prometheus_reads_its_configuration() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        return  # the tests above are all there is to check by
    done = subprocess.run([promtool, "check", "config", str(PROMETHEUS)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
