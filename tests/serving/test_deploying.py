"""The example of serving: its clients against a server of a contest of digits, and what it says to machines."""

from __future__ import annotations

import configparser
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from concours import Contest, Entrant, Split, Task

EXAMPLE = Path(__file__).parents[2] / "examples/serving"


@pytest.mark.slow
def test_the_demo_is_asked_by_the_clients_of_others(tmp_path) -> None:
    """What `make demo-serve` does with an alliance on pictures of digits: all of them get the same."""
    nearest = Entrant("nearest", "sklearn.neighbors:KNeighborsClassifier", prepare="pixels")
    tree = Entrant("tree", "sklearn.tree:DecisionTreeClassifier", prepare="pixels")
    task = Task(kind="image-classification", data="sklearn:digits", split=Split(test=0.3, folds=2))
    Contest(
        task=task, entrants=(nearest, tree), lineup="none", engine="inline", out=tmp_path / "demo",
        cooperate=("average",),
    ).run()  # fmt: skip
    command = [sys.executable, str(EXAMPLE / "demo.py"), str(tmp_path / "demo")]
    told = subprocess.run(command, capture_output=True, text=True, timeout=150)
    assert told.returncode == 0, told.stderr
    assert "POST /predict" in told.stdout and told.stdout.count("the same: True") == 2


@pytest.mark.parametrize("version", ["1.28", "1.34"])
def test_the_manifests_are_those_of_kubernetes(version: str) -> None:
    """By its schema, strictly; the ports of the service are those of the container, which asks for its token."""
    documents = list(yaml.safe_load_all((EXAMPLE / "kubernetes.yaml").read_text()))
    for each in documents:
        kubernetes_validate.validate(each, version, strict=True)
    kinds = {each["kind"]: each for each in documents}
    (container,) = kinds["Deployment"]["spec"]["template"]["spec"]["containers"]
    ports = {each["name"] for each in container["ports"]}
    assert {each["targetPort"] for each in kinds["Service"]["spec"]["ports"]} == ports
    assert container["env"][0]["valueFrom"]["secretKeyRef"]["name"] == kinds["Secret"]["metadata"]["name"]


def test_the_unit_starts_the_command_that_there_is() -> None:
    """And leaves the time that a server takes to end well."""
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(EXAMPLE / "concours.service")
    start = unit["Service"]["ExecStart"].split()
    assert start[:2] == ["/opt/concours/bin/concours", "serve"] and "--host" in start
    assert int(unit["Service"]["TimeoutStopSec"]) >= 30
