"""What docs/hosting.md tells people to write into files of other programs: it is read by these, where they are here."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from concours.cli.app import app
from concours.server.platform import Platform
from concours.server.settings import Settings
from concours.server.web.live import Feed
from concours.server.web.meter import Meter

PAGE = (Path(__file__).parents[2] / "docs" / "hosting.md").read_text(encoding="utf-8")
BLOCKS = [(form, text) for form, text in re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.M | re.S)]


def _block(form, name=""):
    (found,) = [text for of, text in BLOCKS if of == form and text.startswith(f"# {name}" if name else "")]
    return found


def _options(command):
    return {option for parameter in get_command(app).commands[command].params for option in parameter.opts}


@pytest.mark.parametrize("name", ["concours.service", "concours-worker.service"])
def test_units(name, tmp_path):
    """Their commands have the options that they name; systemd finds no fault, where it is here."""
    text = _block("ini", name)
    (command,) = re.findall(r"^ExecStart=(.+)$", text, re.M)
    program, what, *words = shlex.split(command)
    assert {word for word in words if word.startswith("-")} <= _options(what)
    grace = int(re.search(r"^TimeoutStopSec=(\d+)$", text, re.M)[1])
    assert grace > 30 + 10, "workers and answers have so long"
    if verify := shutil.which("systemd-analyze"):
        file = tmp_path / name
        file.write_text(text.replace(program, "/bin/true"))
        done = subprocess.run([verify, "verify", "--man=no", str(file)], capture_output=True, text=True, timeout=60)
        assert not [line for line in done.stderr.splitlines() if name in line], done.stderr


@pytest.mark.parametrize("command", sorted(set(re.findall(r"concours (up|worker|backup|restore|migrate)\b", PAGE))))
def test_commands(command):
    """Options that stand behind a command, on its line, are its own."""
    for line in re.findall(rf"concours {command}\b([^`\n#]*)", PAGE):
        assert set(re.findall(r"(?<![\w-])--[a-z]+", line)) <= _options(command), line


def test_nginx(tmp_path):
    """It takes the page's configuration, with a certificate of this test's; what matters stands in it."""
    text = _block("nginx")
    assert text.count("X-Forwarded-For $remote_addr") == text.count("proxy_pass") == text.count("Host $host") == 2
    events = text[text.index("/api/changes") :]
    assert "proxy_buffering off" in events
    if not (nginx := shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")) or not shutil.which("openssl"):
        return
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = f"openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=x -keyout {key} -out {certificate}"
    subprocess.run(made.split(), check=True, capture_output=True)
    text = re.sub(r"(ssl_certificate) \S+;", rf"\1 {certificate};", text)
    text = re.sub(r"(ssl_certificate_key) \S+;", rf"\1 {key};", text)
    file = tmp_path / "nginx.conf"
    file.write_text(f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{text}\n}}\n")
    done = subprocess.run([nginx, "-t", "-p", str(tmp_path), "-c", str(file)], capture_output=True, text=True)
    assert "syntax is ok" in done.stderr, done.stderr


def test_caddy(tmp_path):
    """It takes the page's configuration, where it is here."""
    text = _block("caddy")
    assert "flush_interval -1" in text
    if caddy := shutil.which("caddy"):
        file = tmp_path / "Caddyfile"
        file.write_text(text)
        done = subprocess.run([caddy, "adapt", "--config", str(file)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_prometheus(tmp_path):
    """Every number that the page names is there, and every number that is there is in the page."""
    (job,) = yaml.safe_load(_block("yaml", "prometheus.yml"))["scrape_configs"]
    assert job["job_name"] == "concours" and job["authorization"].keys() == {"credentials_file"}
    rules = yaml.safe_load(_block("yaml", "rules.yml"))["groups"][0]["rules"]
    assert all(rule.keys() == {"alert", "expr", "for"} for rule in rules)
    platform = Platform.opened(Settings.of(tmp_path))
    try:
        meter = Meter(platform, Feed(platform.database))
        meter.answered("GET", "/", 200, 0.1)
        there = set(re.findall(r"^# TYPE (concours_\w+) (?:gauge|histogram)$", meter.text().decode(), re.M))
    finally:
        platform.close()
    named = {re.sub(r"_(?:bucket|count)$", "", name) for name in re.findall(r"\bconcours_\w+", PAGE)}
    assert named == {name for name in there if not name.endswith("_created")}
