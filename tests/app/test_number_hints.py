"""Numbers that are not what a field or flag takes are told with what was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from market.app.cli.main import command

HINTS = {
    "a share in per cent on the command line": (
        ["run", "two_vpp", "--loss", "10%"],
        "error: --loss: must be a plain number; got '10%'; write it as a share, 0.1",
    ),
    "a share above 1": (
        ["run", "two_vpp", "--loss", "2"],
        "--loss: must be a number >= 0 and < 1, or null; got 2.0; if 2 % is meant, write 0.02; ",
    ),
    "a state of charge in per cent": (
        ["check", "five_vpp", "--set", "vpps.VPP1.ess.soc_initial=50"],
        "must be a number >= 0 and <= 1; got 50; if 50 % is meant, write 0.5; ",
    ),
    "a share far above 1": (
        ["check", "five_vpp", "--set", "vpps.VPP1.ess.soc_initial=500"],
        "must be a number >= 0 and <= 1; got 500; correct it",
    ),
    "no number of processes": (
        ["run", "two_vpp", "--processes", "x"],
        "'x' is not a whole number from 1 to 1000; write it like --processes 1; see 'vppmarket run --help'",
    ),
    "too few processes": (["run", "two_vpp", "--processes", "0"], "0 is not a whole number from 1 to 1000"),
}


@pytest.mark.parametrize("name", HINTS)
def test_what_is_said_of_a_number(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given, expected = HINTS[name]
    assert command(given) == 2
    assert expected in capsys.readouterr().err
