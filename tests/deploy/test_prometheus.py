"""deploy/prometheus and deploy/grafana ask for what /metrics tells, and for nothing else."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from app.alerts.rules import BY_NAME
from app.metrics import catalogue, standing
from config import ROOT, Settings

FOLDER = ROOT / "deploy"
RULES = yaml.safe_load((FOLDER / "prometheus" / "rules.yml").read_text())
DASHBOARD = json.loads((FOLDER / "grafana" / "dashboard.json").read_text())
_NAME = re.compile(r"\b(recep_\w+)(?:\{([^}]*)\})?")
_LABEL = re.compile(r"(\w+)=~?\"([^\"]*)\"")


def expressions() -> Iterator[str]:
    for group in RULES["groups"]:
        for rule in group["rules"]:
            yield rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]


@pytest.fixture
def exported(app: Flask) -> dict[str, Any]:
    """By the names of samples: the families that /metrics tells of."""
    text = app.test_client().get("/metrics").text
    found = {}
    for family in text_string_to_metric_families(text):
        endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
        for ending in endings.get(family.type, ("",)):
            found[family.name + ending] = family
    return found


def test_every_metric_that_rules_and_dashboard_name_is_exported(exported: dict[str, Any]) -> None:
    asked = {name for text in expressions() for name, _labels in _NAME.findall(text)}
    assert asked - set(exported) == set()
    told = {metric.name for metric in catalogue.COUNTED} | set(standing.NAMES)
    bases = {re.sub("_(bucket|sum|count)$", "", name) for name in asked}
    assert told - bases == {"recep_alert_value"}  # all else is shown or watched
    known = {metric.name: dict(metric.labels) for metric in catalogue.COUNTED}
    for text in expressions():
        for name, labels in _NAME.findall(text):
            for label, values in _LABEL.findall(labels):
                for value in values.split("|"):
                    choices = known.get(re.sub("_(bucket|sum|count)$", "", name), {}).get(label)
                    assert choices is None or value in choices, (name, label, value)
                    assert label != "alert" or value in BY_NAME


def test_every_metric_is_explained_and_documented(exported: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    for family in exported.values():
        assert family.documentation
        assert re.match(r"recep_[a-z_]+$", family.name)
    for name in {metric.name for metric in catalogue.COUNTED} | set(standing.NAMES):
        assert f"`{name}`" in page, name
    for rule in BY_NAME.values():
        assert rule.title in page, rule.name


def test_the_files_are_whole() -> None:
    names = [rule.get("alert") for group in RULES["groups"] for rule in group["rules"]]
    assert len(names) == len(set(names)) + names.count(None) - 1
    for group in RULES["groups"]:
        for rule in group["rules"]:
            assert rule["expr"].count("(") == rule["expr"].count(")")
            assert "record" in rule or rule["annotations"]["summary"]
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    scrape = yaml.safe_load((FOLDER / "prometheus" / "prometheus.yml").read_text())
    [job] = scrape["scrape_configs"]
    assert (job["metrics_path"], len(job["static_configs"][0]["targets"])) == ("/metrics", 1)
    assert job["job_name"] in str(RULES)
    assert scrape["rule_files"] == ["rules.yml"]
    assert Settings.__dataclass_fields__["metrics_token"]
