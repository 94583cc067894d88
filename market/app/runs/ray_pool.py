"""Solves many scenarios at once on Ray: on this machine, or on a cluster that is there already.

This module owns ray, which the extra `sweep` brings; nobody imports it before it is needed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import ray

from market.app.runs.process_pool import workers
from market.errors import Fault, RunError, ScenarioError

LOOPBACK = "127.0.0.1"
_IN_FLIGHT = 4  # tasks handed out for each core, so that none waits for us
_PATIENCE_S = 0.2
_In = TypeVar("_In")
_Out = TypeVar("_Out")


def solve_on_ray(
    function: Callable[[_In], _Out],
    items: Sequence[_In],
    on_result: Callable[[int, _Out], None],
    processes: int | None = None,
    address: str | None = None,
) -> None:
    """`function` of every item; `on_result` gets each as it is ready, with its item's place, in this thread.

    address : of a running cluster, which has this program installed on every machine; None starts Ray here with so
    many processes and stops it again. What a call raises is raised here. RunError if Ray breaks, ScenarioError if
    there is none at the address.
    """
    with _connected(address, min(processes or workers(), max(1, len(items)))):
        remote = ray.remote(function)
        most = _IN_FLIGHT * max(1, int(ray.cluster_resources().get("CPU", 1)))
        waiting = list(enumerate(items))[::-1]
        running: dict[Any, int] = {}
        try:
            while waiting or running:
                while waiting and len(running) < most:
                    place, item = waiting.pop()
                    running[remote.remote(item)] = place
                ready, _ = ray.wait(list(running), timeout=_PATIENCE_S)
                for reference in ready:
                    on_result(running.pop(reference), ray.get(reference))
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except ray.exceptions.RayError as error:
            raise RunError(f"Ray broke: {str(error).splitlines()[0]}") from None


@contextmanager
def _connected(address: str | None, processes: int) -> Iterator[None]:
    """A cluster to work on; one that was started here is gone in the end."""
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    own = {"address": "local", "num_cpus": processes, "include_dashboard": False, "_node_ip_address": LOOPBACK}
    try:
        ray.init(**(own if address is None else {"address": address}), **quiet)
    except Exception as error:  # Ray raises whatever it comes upon
        ray.shutdown()
        reason = (str(error) or type(error).__name__).splitlines()[0][:200]
        if address is None:
            raise RunError(f"Ray does not start on this machine: {reason}; it may be too busy") from None
        rule, remedy = "a Ray cluster answers there", "start one: ray start --head; or leave out --address"
        raise ScenarioError([Fault(rule, reason, f"--address {address}", remedy)]) from None
    try:
        yield
    finally:
        ray.shutdown()
