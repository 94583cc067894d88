"""The flags that set communication conditions, as one group that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

import click

from market.scenario.network_flags import NetworkFlags

_Result = TypeVar("_Result")
_OPTIONS = (
    click.option(
        "--delay",
        metavar="LATENCY",
        help="Latency of every link: 50ms, constant:50ms, uniform:LOW:HIGH, normal:MEAN:DEVIATION, "
        "lognormal:MEDIAN:SIGMA, empirical:FILE.csv.",
    ),
    click.option("--jitter", metavar="TIME", help="Further delay, evenly from 0 to this."),
    click.option("--loss", metavar="SHARE", help="Probability that an attempt is lost, such as 0.02."),
    click.option("--duplicate", metavar="SHARE", help="Probability that a message comes twice."),
    click.option("--reorder", metavar="SHARE:TIME", help="How often a message is held back, how long."),
    click.option("--bandwidth", metavar="RATE", help="Of every link, such as 64kbit."),
    click.option(
        "--outage",
        metavar="LINK:START:END",
        multiple=True,
        help="VPP1-VPP2:2s:12s one way, VPP1:2s:12s both ways of one VPP. Repeatable.",
    ),
    click.option(
        "--partition",
        metavar="GROUPS:START:END",
        multiple=True,
        help="VPP1,VPP2/VPP3:1s:9s; without END it never heals. Repeatable.",
    ),
    click.option("--compute", metavar="TIME", help="What a turn of each node takes."),
    click.option(
        "--time",
        metavar="CLOCK",
        help="virtual: simulated, nobody waits; wall: real, delays are waited for.",
    ),
    click.option(
        "--on-loss",
        metavar="RULE",
        help="When a VPP is lost: stop, wait for it, or go on without it, withdraw.",
    ),
    click.option("--silence", metavar="TIME", help="A VPP without a sign of life for so long counts as lost."),
    click.option("--absence", metavar="TIME", help="How long a VPP that was lost is waited for."),
    click.option(
        "--answer",
        metavar="TIME",
        help="A VPP that is alive and leaves an order unanswered for so long counts as lost.",
    ),
)


def network_options(command: Callable[..., _Result]) -> Callable[..., _Result]:
    """Add the group to a command, which gets them together as its parameter `network`."""

    @wraps(command)
    def with_network(
        delay: str | None,
        jitter: str | None,
        loss: str | None,
        duplicate: str | None,
        reorder: str | None,
        bandwidth: str | None,
        outage: tuple[str, ...],
        partition: tuple[str, ...],
        compute: str | None,
        time: str | None,
        on_loss: str | None,
        silence: str | None,
        absence: str | None,
        answer: str | None,
        **others: object,
    ) -> _Result:
        flags = NetworkFlags(
            delay,
            jitter,
            loss,
            duplicate,
            reorder,
            bandwidth,
            outage,
            partition,
            compute,
            time,
            on_loss,
            silence,
            absence,
            answer,
        )
        return command(network=flags, **others)

    for option in reversed(_OPTIONS):
        with_network = option(with_network)
    return with_network
