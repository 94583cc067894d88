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
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("market", "broker", "vpp_nodes")
ENTRY_POINTS = {"broker.__main__", "vpp_nodes.__main__"}  # they may reach the command line

# The rooms from the ground up: a room imports itself and rooms before it, nothing after it.
ROOMS = (
    *("market.visible", "market.letters", "market.errors", "market.extras", "market.system_fault", "market.parts"),
    "market.equations",
    *("market.model", "market.continuous_game", "market.game", "market.costs", "market.bidding"),
    "market.forecast",
    *("market.mechanisms", "market.settlement"),
    *("market.day_certificate", "market.coordination", "vpp_nodes.dispatch", "market.division", "market.scenario"),
    "market.rolling",
    *("broker.wire", "broker.network", "broker.screening", "broker.tape", "broker.delivery", "broker.bus"),
    *("broker.admission", "broker.equilibrium", "broker.protocol", "broker.process"),
    "vpp_nodes",
    *("market.app.results", "market.app.runs", "market.app.learning", "market.app.history", "market.app.feeds"),
    "market.app.analysis",
    *(
        "market.app.replay",
        "market.app.importing",
        "market.app.mesa_model",
        "market.app.figures",
        "market.app.report",
        "market.app.view",
    ),
    *("market.api", "market.app.cli", "market.app.entry"),
    *("market.app", "market", "broker"),  # their faces: what is not in a room
)

# The packages of others, and the rooms that may use them.
WALLS = {
    "msgpack": ("broker.wire", "broker.tape"),
    "zmq": ("broker.bus",),
    "ortools": ("vpp_nodes.dispatch",),
    "pydantic": ("market.scenario",),
    "pydantic_core": ("market.scenario",),
    "yaml": ("market.scenario",),
    "click": ("market.app.cli",),
    "rich": ("market.app.report", "market.app.cli"),
    "matplotlib": ("market.app.figures", "market.app.report", "market.app.view"),
    "gymnasium": ("market.app.learning.environment",),
    "pettingzoo": ("market.app.learning.environment",),
    "mesa": ("market.app.mesa_model",),
    "pandapower": ("market.app.importing.simbench_grid",),
    "pandas": (
        *("market.app.results.frames", "market.app.mesa_model", "market.api"),
        *("market.app.importing.sun", "market.app.importing.wind"),
        "market.scenario.series.workbook",
    ),
    "solara": ("market.app.view",),
    "pvlib": ("market.app.importing.sun", "market.app.importing.weather"),
    "pyarrow": ("market.app.results.parquet",),
    "ray": ("market.app.runs.ray_pool",),
    "simbench": ("market.app.importing.simbench_grid",),
    "starlette": ("market.app.view",),
    "uvicorn": ("market.app.view",),
    "windpowerlib": ("market.app.importing.wind",),
    "numpy": ("market", "broker", "vpp_nodes"),
}

# The pure layer has no clock, no sockets, no processes, no hidden randomness, and reads files in one place.
IMPURE = {
    *("asyncio", "concurrent", "datetime", "multiprocessing", "random", "secrets", "select", "selectors"),
    *("signal", "socket", "subprocess", "threading", "time", "uuid"),
}
FILES = {"csv", "io", "os", "pathlib", "shutil", "sys", "tempfile"}

# What reckons with times that are given; none of it asks what time it is.
CALENDARS = {
    "market.model.calendar",
    *("market.scenario.horizon", "market.scenario.series.clock", "market.scenario.series.reading"),
    "market.scenario.series.workbook",
}

HEAVY = {
    *("mesa", "networkx", "pandas", "scipy", "matplotlib", "pydantic", "yaml", "rich", "click", "solara"),
    *("gymnasium", "pandapower", "pettingzoo", "pvlib", "pyarrow", "ray", "simbench", "windpowerlib"),
}


def modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(modules())


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """A file's imports, classes and, first, the module itself: what is asked here of every file."""
    wanted = ast.Module | ast.Import | ast.ImportFrom | ast.ClassDef
    return tuple(
        node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, wanted)
    )


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Absolute names of everything a file imports, wherever in it."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the direction"
            module = node.module or ""
            yield module
            yield from (name for alias in node.names if (name := f"{module}.{alias.name}") in MODULES)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def room_of(module: str) -> str:
    return max((room for room in ROOMS if within(module, room)), key=len)


def allowed(module: str, name: str) -> bool:
    top = name.split(".")[0]
    if top in PACKAGES:
        return module in ENTRY_POINTS or ROOMS.index(room_of(name)) <= ROOMS.index(room_of(module))
    return top in sys.stdlib_module_names or any(within(module, room) for room in WALLS.get(top, ()))


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
        unwanted = unwanted - {"datetime"} if module in CALENDARS else unwanted
        roots = {name.split(".")[0] for name in imports(path)}
        assert not roots & unwanted, module
        assert "np.random" not in path.read_text(encoding="utf-8"), module
        assert not re.search(r"\.(now|today|utcnow)\(", path.read_text(encoding="utf-8")), module


@pytest.mark.parametrize(
    ("module", "name", "verdict"),
    [
        ("market.settlement.settlement", "broker.wire", False),
        ("market.settlement.settlement", "market.app.cli.main", False),
        ("market.game.replicator", "scipy.optimize", False),
        ("market.scenario.load", "yaml", True),
        ("broker.protocol.coordinator", "vpp_nodes.node", False),
        ("broker.protocol.coordinator", "zmq", False),
        ("broker.bus.broker_end", "zmq", True),
        ("broker.process.server", "market.app.entry", False),
        ("broker.__main__", "market.app.entry", True),
        ("vpp_nodes.node", "ortools", False),
        ("vpp_nodes.dispatch.solve", "ortools.linear_solver", True),
        ("vpp_nodes.dispatch.solve", "broker.wire", False),
        ("market.app.cli.main", "broker.process.launch", True),
        ("market.app.cli.main", "market.api.day", True),
        ("market.settlement.settlement", "market.api.day", False),
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


def test_a_day_in_one_process_loads_no_bus_and_no_other_way_to_trade(tmp_path: Path) -> None:
    """What it does not need would cost every short run more than the day itself."""
    arguments = ["run", "two_vpp", "--in-process", "--quiet", "--out", str(tmp_path / "run")]
    code = f"import sys; from market.app.cli.main import command; command({arguments}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    of_broker = {"broker", "broker.tape", "broker.tape.files", "broker.process", "broker.process.interrupts"}
    assert {name for name in loaded if within(name, "broker")} == of_broker
    assert not loaded & {"zmq", "msgpack", "asyncio", "statistics", "rich", "market.app.results.manifest_shape"}
    ways = ("market.mechanisms", "market.coordination.consensus", "market.rolling", "vpp_nodes.strategies.turns")
    assert not [name for name in loaded for way in ways if within(name, way)]


def test_every_module_says_what_it_is_for() -> None:
    trees = {module: nodes(path)[0] for module, path in MODULES.items()}
    written = {module: tree for module, tree in trees.items() if isinstance(tree, ast.Module) and tree.body}
    assert [module for module, tree in written.items() if not ast.get_docstring(tree)] == []


def test_no_class_name_stands_for_two_things() -> None:
    """Private ones too: who reads a name aloud, or searches for it, should find one thing."""
    folders = (*PACKAGES, "scripts")
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    found: dict[str, list[str]] = {}
    for path in paths:
        for node in nodes(path):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def test_every_package_imported_is_declared_and_pinned() -> None:
    extras = [line for name in ("figures", "import", "learn", "view", "parquet", "sweep") for line in extra(name)]
    declared = {name_of(line) for line in (*project()["dependencies"], *extras)}
    declared -= {"vppmarket"}  # an extra that another one holds
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in constraints()}
    imported = {name.split(".")[0] for path in MODULES.values() for name in imports(path)}
    outside = imported - set(sys.stdlib_module_names) - set(PACKAGES)
    whose = packages_distributions()
    distributions = {dist.lower().replace("_", "-") for name in outside for dist in whose.get(name, [name])}
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
