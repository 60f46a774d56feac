# SPDX-License-Identifier: EUPL-1.2
"""What docker/ promises and a reader of the files can check; that it runs, only a Docker engine can show."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from amtsleitung.cli import program
from amtsleitung.serve_fastagi import JOURNAL
from amtsleitung.settings import read_settings

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
DOCKERFILES = sorted(DOCKER.glob("*.Dockerfile"))
SCRIPTS = sorted(DOCKER.glob("start-*"))
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PYTHON_SERVICES = {name: service for name, service in SERVICES.items() if "command" in service}


def _instructions(file: Path, word: str) -> list[str]:
    joined = file.read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.removeprefix(word).strip() for line in joined.splitlines() if line.startswith(word + " ")]


def _volumes(service: dict[str, Any]) -> dict[str, str]:
    """Volume → where it is mounted."""
    pairs = (mount.split(":") for mount in service.get("volumes", ()))
    return {pair[0]: pair[1] for pair in pairs}


def test_the_services_are_those_of_the_system() -> None:
    assert SERVICES.keys() == {"postgres", "prepare", "asterisk", "fastagi", "ami", "api", "demonstration"}
    assert len(DOCKERFILES) == 3


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_every_image_stands_on_debian_alone(file: Path) -> None:
    stages: set[str] = set()
    for line in _instructions(file, "FROM"):
        base, *name = re.split(r"\s+AS\s+", line)
        assert base in stages or re.fullmatch(r"debian:[a-z]+-slim", base), line
        stages.update(name)
    assert not _instructions(file, "ADD")


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_every_image_runs_unprivileged_and_copies_what_the_build_may_see(file: Path) -> None:
    assert _instructions(file, "USER")[-1:] == ["10000:10000"]
    allowed = [
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"
    ]
    for copy in _instructions(file, "COPY"):
        if copy.startswith("--from="):
            continue
        for source in copy.split()[:-1]:
            assert (ROOT / source).exists(), f"{file.name} copies {source}, which is not there"
            assert source.split("/")[0] in allowed, f"{source} is kept out of the build by .dockerignore"


def test_the_build_sees_no_working_files() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "*", "everything is kept out but what is named"
    assert not {"!.", "!.env", "!.git", "!.state", "!.venv", "!tests"} & set(lines)


@pytest.mark.parametrize("name", [name for name, service in PYTHON_SERVICES.items() if "serve" in service["command"]])
def test_no_service_is_process_1(name: str) -> None:
    """The kernel lets nobody inside kill that one, and a watchdog is inside."""
    assert SERVICES[name]["init"] is True


def test_the_journal_that_is_written_is_the_one_that_is_read() -> None:
    """In a volume of its writer alone it would never be recorded, and callers' numbers would stay in it."""
    place = f"/var/lib/amtsleitung/{JOURNAL}"
    assert [_volumes(SERVICES[name]).get("journal") for name in ("fastagi", "ami")] == [place, place]
    (made,) = (line for line in _instructions(DOCKER / "services.Dockerfile", "RUN") if "/keys/fastagi" in line)
    assert f"--mode=0700 {place}" in made, "a new volume takes its owner from the image"


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "user", "pid", "ipc", "devices", "env_file", "secrets"} & service.keys()
    assert service.get("network_mode", "service:asterisk") == "service:asterisk"
    assert set(_volumes(service)) <= COMPOSE["volumes"].keys(), "named volumes, nothing of the host"


def test_only_the_page_is_published_and_on_loopback_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"api": ["127.0.0.1:${AMTSLEITUNG_API_PORT:-8080}:8080"]}
    assert SERVICES["postgres"]["networks"] == SERVICES["asterisk"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_the_call_path_shares_asterisks_network() -> None:
    shared = {name for name, service in SERVICES.items() if service.get("network_mode") == "service:asterisk"}
    assert shared == {"fastagi", "ami", "demonstration"}


def test_every_long_running_service_restarts_and_says_whether_it_is_healthy() -> None:
    once = {"prepare", "demonstration"}
    for name in SERVICES.keys() - once:
        assert SERVICES[name]["restart"] == "unless-stopped"
        assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES["demonstration"]["profiles"] == ["demonstration"], "`up` places no call"
    for name in ("asterisk", "fastagi", "ami", "api"):
        assert SERVICES[name]["depends_on"]["prepare"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("name", PYTHON_SERVICES)
def test_every_command_exists_in_the_command_line(name: str) -> None:
    words = list(PYTHON_SERVICES[name]["command"])
    command: click.Command = program
    while isinstance(command, click.Group):
        found = command.commands.get(words.pop(0))
        assert found is not None, f"no such command: {PYTHON_SERVICES[name]['command']}"
        command = found
    command.make_parser(click.Context(command)).parse_args(words)


@pytest.mark.parametrize("name", PYTHON_SERVICES)
def test_every_variable_is_a_setting_that_can_be_read(name: str) -> None:
    environment = {key: str(value) for key, value in PYTHON_SERVICES[name].get("environment", {}).items()}
    documented = (ROOT / ".env.example").read_text(encoding="utf-8")
    for key, value in environment.items():
        setting = key.removesuffix("_FILE")
        assert re.search(rf"^#?{setting}=", documented, re.MULTILINE), f"{key} is no setting"
        if key.endswith("_FILE"):
            assert any(value.startswith(place) for place in _volumes(SERVICES[name]).values())
    plain = {key: value for key, value in environment.items() if not key.endswith("_FILE")}
    settings = read_settings({**plain, "AMTSLEITUNG_STATE_DIR": "/nowhere"})
    assert "127.0.0.1" in settings.api_hosts


def test_each_service_sees_its_own_secrets_only() -> None:
    keys = {
        name: {volume.removesuffix("-keys") for volume in _volumes(service) if volume.endswith("-keys")}
        for name, service in SERVICES.items()
    }
    assert keys == {
        "postgres": {"postgres"},
        "prepare": {"postgres", "fastagi", "ami", "api"},
        "asterisk": set(),
        "fastagi": {"fastagi"},
        "ami": {"ami"},
        "api": {"api"},
        "demonstration": set(),
    }
    for name in ("asterisk", "ami"):
        assert "/var/lib/amtsleitung/secrets" in "".join(f"{place}\n" for place in SERVICES[name]["tmpfs"])
    assert not any("state" in _volumes(SERVICES[name]) for name in ("postgres", "fastagi", "api"))


def test_no_secret_stands_in_the_files() -> None:
    for file in (*DOCKERFILES, *SCRIPTS, DOCKER / "compose.yaml"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"(?i)(password|secret|token)\w*\s*[=:]\s*[\"']?[A-Za-z0-9+/_-]{8}", text), file.name
        assert not re.search(r"\w://[^/\s$]+:[^$\s@]+@", text), file.name


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_every_start_script_is_a_program_that_the_shell_can_read(script: Path) -> None:
    assert os.access(script, os.X_OK)
    checked = subprocess.run(["sh", "-n", script], capture_output=True, text=True, timeout=10, check=False)
    assert checked.returncode == 0, checked.stderr
    assert len(SCRIPTS) == 2
