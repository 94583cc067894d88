"""Claims: the files for containers fit the program: its commands, ports, keys and folders.

Nothing is built here, and no container runs: what compose.yaml says is held against the command line's own
options, against the keys that the page's commands make, and against what is in this checkout.
"""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from broker.bus.addresses import is_address
from broker.bus.keys import load_broker_keys, load_node_keys
from market.app.cli.commands import commands
from market.scenario import load_scenario
from tests.processes.command import COMMAND

ROOT = Path(__file__).parent.parent
PLACE = ROOT / "docs" / "how-to" / "containers"
PAGE = (ROOT / "docs" / "how-to" / "containers.md").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((PLACE / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = [
    (line.split(maxsplit=1)[0], line.split(maxsplit=1)[1])
    for line in (PLACE / "Dockerfile").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
DEFAULTED = re.compile(r"\$\{(\w+):-([^}]*)\}")


def words_of(service: str, **environment: str) -> list[str]:
    """A service's command line, with what the environment says, or what stands for it."""
    return [
        DEFAULTED.sub(lambda found: environment.get(found[1], found[2]), w) for w in SERVICES[service]["command"]
    ]


def parsed(service: str, **environment: str) -> tuple[str, dict[str, Any]]:
    """The command of a service, and what the command line makes of its options; UsageError if it is none."""
    name, *options = words_of(service, **environment)
    assert isinstance(commands, click.Group)
    return name, commands.commands[name].make_context(name, options).params


def mounts(service: str) -> dict[str, str]:
    """The folders of this machine that a service sees, by where it sees them."""
    return {volume.split(":")[1]: volume.split(":")[0] for volume in SERVICES[service]["volumes"]}


def nodes() -> dict[str, dict[str, Any]]:
    """What each service that is no broker has asked for."""
    return {service: options for service in SERVICES for name, options in [parsed(service)] if name == "node"}


def test_every_command_is_one_by_the_command_lines_own_options() -> None:
    names = [parsed(service)[0] for service in SERVICES]
    assert sorted(names) == ["broker", "node", "node"]


def test_a_wrong_option_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SERVICES, "farm", {"command": [*SERVICES["farm"]["command"], "--key", "x"]})
    with pytest.raises(click.UsageError):
        parsed("farm")


def test_nodes_find_the_brokers_port_and_all_three_are_open() -> None:
    _, broker = parsed("broker")
    first = broker["port"]
    assert SERVICES["broker"]["ports"] == [f"{first}-{first + 2}:{first}-{first + 2}"]
    assert broker["host"] == "0.0.0.0"  # a container is reached from others
    for service in nodes():
        assert parsed(service)[1]["address"] == f"tcp://broker:{first}"
        address = parsed(service, BROKER="192.0.2.10")[1]["address"]
        assert address == f"tcp://192.0.2.10:{first}"
        assert is_address(address)
    assert f"{first} to {first + 2}" in PAGE


def test_each_vpp_of_the_scenario_has_one_node() -> None:
    _, broker = parsed("broker")
    ids = [vpp for options in nodes().values() for vpp in options["vpps"].split(",")]
    assert {options["scenario"] for options in nodes().values()} == {broker["scenario"]}
    assert tuple(ids) == load_scenario(broker["scenario"]).roster


def test_the_pages_commands_make_the_keys_that_each_container_reads(tmp_path: Path) -> None:
    (block,) = [block for block in re.findall(r"```\{executed\}\n(.*?)```", PAGE, re.DOTALL) if "keys" in block]
    script = re.sub(r"^vppmarket", str(COMMAND), block, flags=re.MULTILINE)
    subprocess.run(["sh", "-ec", script], cwd=tmp_path, check=True, capture_output=True)
    for service in SERVICES:
        name, options = parsed(service)
        folder = tmp_path / mounts(service)[str(options["keys"])]
        if name == "broker":
            load_broker_keys(folder, load_scenario(options["scenario"]).roster)
            continue
        load_node_keys(folder, options["vpps"])
        assert [path.stem for path in folder.glob("*.key_secret")] == [options["vpps"]]


def test_run_folders_outlive_the_containers() -> None:
    workdir = [text for word, text in DOCKERFILE if word == "WORKDIR"][-1]
    for service in SERVICES:
        assert mounts(service)[f"{workdir}/runs"] == "./runs"
        assert parsed(service)[1]["out"] is None  # so that it is in runs/
    assert "mkdir runs" in PAGE


def test_the_image_is_built_of_what_is_here_by_the_pinned_packages() -> None:
    for build in (service["build"] for service in SERVICES.values()):
        context = (PLACE / build["context"]).resolve()
        assert context == ROOT
        assert (context / build["dockerfile"]).samefile(PLACE / "Dockerfile")
    copied = [name for word, text in DOCKERFILE if word == "COPY" for name in text.split()[:-1]]
    assert all((ROOT / name).exists() for name in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {name.rstrip("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert packages | {"pyproject.toml", "constraints.txt", project["project"]["readme"]} <= {*copied}
    assert ("RUN", "pip install --no-cache-dir --constraint constraints.txt .") in DOCKERFILE
    assert ("ENTRYPOINT", '["vppmarket"]') in DOCKERFILE
    assert "vppmarket" in project["project"]["scripts"]


def test_the_base_image_is_named_without_a_host_and_has_a_python_that_serves() -> None:
    (base,) = [text for word, text in DOCKERFILE if word == "FROM"]
    found = re.fullmatch(r"python:3\.(\d+)-slim", base)
    assert found
    assert int(found[1]) in (11, 12, 13)
    assert not re.search(r"https?://", "\n".join([PAGE, *(text for _, text in DOCKERFILE)]))
