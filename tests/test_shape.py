"""Claims about the shape of the code: who may import whom, what a process loads, what stands where.

Imports are read from the source, those inside functions included. The directions are

    market (pure)  <-  broker  <-  vpp_nodes  <-  market.app  <-  market.api  <-  import market

market.app may import all but the front door, whose names `import market` finds in market.api when asked.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("market", "broker", "vpp_nodes")
ENTRY_POINTS = {"broker.__main__", "vpp_nodes.__main__"}  # they may reach the command line

# What a package may import of this project and of others; the longest matching name rules.
MAY_IMPORT = {
    "market": {"market", "numpy"},
    "market.scenario": {"market", "numpy", "pydantic", "pydantic_core", "yaml"},
    "market.app": {"market", "market.app", "broker", "vpp_nodes", "numpy", "click", "matplotlib", "rich"},
    "market.app.run_folder.frames": {"market", "market.app", "pandas"},
    "market.app.mesa_model": {"market", "market.app", "broker", "vpp_nodes", "mesa"},
    "market.api": {"market", "market.app", "numpy", "pandas"},
    "market.app.view": {"market", "market.app", "broker", "numpy", "matplotlib", "solara", "starlette", "uvicorn"},
    "broker": {"market", "broker", "numpy", "msgpack"},
    "broker.bus": {"market", "broker", "numpy", "zmq"},
    "vpp_nodes": {"market", "broker", "vpp_nodes", "numpy"},
    "vpp_nodes.dispatch": {"market", "vpp_nodes.dispatch", "numpy", "ortools"},
}

# The pure layer has no clock, no sockets, no processes, no hidden randomness, and reads files in one place.
IMPURE = {
    *("asyncio", "concurrent", "datetime", "multiprocessing", "random", "secrets", "select", "selectors"),
    *("signal", "socket", "subprocess", "threading", "time", "uuid"),
}
FILES = {"csv", "io", "os", "pathlib", "shutil", "sys", "tempfile"}

HEAVY = {"mesa", "networkx", "pandas", "scipy", "matplotlib", "pydantic", "yaml", "rich", "click", "solara"}


def modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(modules())


def imports(path: Path) -> Iterator[str]:
    """Absolute names of everything a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the direction"
            module = node.module or ""
            yield module
            yield from (name for alias in node.names if (name := f"{module}.{alias.name}") in MODULES)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def rule_for(module: str) -> set[str]:
    return MAY_IMPORT[max((package for package in MAY_IMPORT if within(module, package)), key=len)]


def allowed(module: str, name: str) -> bool:
    if name.split(".")[0] in sys.stdlib_module_names:
        return True
    if within(name, "market.api"):
        return module == "market" or within(module, "market.api")
    if within(name, "market.app"):
        return module in ENTRY_POINTS or "market.app" in rule_for(module)
    return any(within(name, package) for package in rule_for(module))


def offences(rule: Iterator[tuple[str, str]]) -> list[str]:
    return [f"{module} imports {name}" for module, name in rule]


def test_every_import_goes_in_an_allowed_direction() -> None:
    found = ((module, name) for module, path in MODULES.items() for name in imports(path))
    assert offences((module, name) for module, name in found if not allowed(module, name)) == []


def test_the_pure_layer_has_no_clock_no_sockets_and_no_files_outside_the_scenario() -> None:
    above = ("market.app", "market.api")
    pure = {m: p for m, p in MODULES.items() if within(m, "market") and not any(within(m, a) for a in above)}
    for module, path in pure.items():
        unwanted = IMPURE if within(module, "market.scenario") else IMPURE | FILES
        roots = {name.split(".")[0] for name in imports(path)}
        assert not roots & unwanted, module
        assert "np.random" not in path.read_text(encoding="utf-8"), module


@pytest.mark.parametrize(
    ("module", "name", "verdict"),
    [
        ("market.settlement", "broker.wire", False),
        ("market.settlement", "market.app.cli", False),
        ("market.game.selection", "scipy.optimize", False),
        ("market.scenario.load", "yaml", True),
        ("broker.coordinator", "vpp_nodes.node", False),
        ("broker.coordinator", "zmq", False),
        ("broker.bus.broker_end", "zmq", True),
        ("broker.serve", "market.app.entry", False),
        ("broker.__main__", "market.app.entry", True),
        ("vpp_nodes.node", "ortools", False),
        ("vpp_nodes.dispatch.solve", "ortools.linear_solver", True),
        ("vpp_nodes.dispatch.solve", "broker.wire", False),
        ("market.app.cli", "broker.launch", True),
        ("market.app.cli", "market.api.day", False),
        ("market.settlement", "market.api.day", False),
        ("market", "market.api.day", True),
    ],
)
def test_the_rules_themselves_tell_right_from_wrong(module: str, name: str, verdict: bool) -> None:
    assert allowed(module, name) is verdict


def loaded_after(*names: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after importing these."""
    code = f"import sys, {', '.join(names)}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_neither_broker_nor_node_loads_what_only_people_need() -> None:
    processes = [m for m in MODULES if within(m, "broker") or within(m, "vpp_nodes")]
    assert not loaded_after(*(set(processes) - ENTRY_POINTS)) & HEAVY


def test_the_broker_needs_no_solver() -> None:
    broker = [m for m in MODULES if within(m, "broker")]
    assert "ortools" not in loaded_after(*(set(broker) - ENTRY_POINTS))


def test_the_main_module_is_next_to_nothing() -> None:
    # The fork server of a run is started first, and imports while the command does.
    assert not loaded_after("market.app.entry") & {*HEAVY, "numpy", "zmq", "msgpack", "ortools"}


def test_every_module_says_what_it_owns() -> None:
    silent = [
        module
        for module, path in MODULES.items()
        if (source := path.read_text(encoding="utf-8")).strip() and not ast.get_docstring(ast.parse(source))
    ]
    assert silent == []


def test_every_package_imported_is_declared_and_pinned() -> None:
    declared = {name_of(line) for line in (*project()["dependencies"], *extra("figures"), *extra("view"))}
    declared -= {"vppmarket"}  # an extra that another one holds
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in constraints()}
    imported = {name.split(".")[0] for path in MODULES.values() for name in imports(path)}
    outside = imported - set(sys.stdlib_module_names) - set(PACKAGES)
    distributions = {dist.lower().replace("_", "-") for name in outside for dist in packages_distributions()[name]}
    distributions -= {"pydantic-core", "solara-ui", "solara-server"}  # they come with pydantic and solara
    assert distributions <= declared
    assert declared <= pinned


def test_constraints_hold_versions_and_nothing_else() -> None:
    line = re.compile(r"[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.+!]*( ; python_version [<>=]+ \"3\.\d+\")?")
    assert [text for text in constraints() if not line.fullmatch(text)] == []


def project() -> dict[str, list[str]]:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: dict[str, list[str]] = document["project"]
    return found


def extra(name: str) -> list[str]:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[str] = document["project"]["optional-dependencies"][name]
    return found


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9_.-]+", requirement)
    assert found, requirement
    return found[0].lower().replace("_", "-")


def constraints() -> list[str]:
    return (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
