"""What all importers are told: the currency, the days, prices of the grid, and a scenario to add to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from market.app.importing.draft import RULES_ASSUMED, Fields, Prices, number
from market.app.importing.joining import Base
from market.app.importing.source_tables import refuse
from market.model.calendar import NoSuchTime, hours_of_days, moment
from market.model.rules import Horizon
from market.model.units import BadUnit, in_unit
from market.scenario.shown_value import shown

_FLAGS: Final = {"retail": "--retail", "feed_in": "--feed-in", "carbon": "--carbon-price"}


@dataclass(frozen=True, slots=True)
class ImportWishes:
    """What is None was not said. zone : of the tz database · step : a length of time, such as 15 min"""

    currency: str = "EUR"
    zone: str | None = None
    start: str | None = None
    days: int | None = None
    step: str | None = None
    retail: str | None = None
    feed_in: str | None = None
    carbon: str | None = None
    base: Base | None = None

    def prices(self, usual_per_mwh: tuple[float, float] = (300.0, 80.0)) -> Prices:
        """The grid's prices, those not said as usual. ScenarioError for one that is none."""
        units = {"retail": "CNY/MWh", "feed_in": "CNY/MWh", "carbon": "CNY/t"}
        for name, unit in units.items():
            text = getattr(self, name)
            if text is not None:
                self._checked(text, unit, _FLAGS[name])
        return Prices.given(self.retail, self.feed_in, self.carbon, self.currency, usual_per_mwh)

    def assumed(self, prices: Prices, day: str = "") -> tuple[str, ...]:
        """What had to be assumed of prices, rules and the day; nothing where another scenario says them."""
        if self.base is not None:
            return ()
        return (*prices.assumed, *RULES_ASSUMED, *([f"the day: {day}"] if day and not self.start else []))

    def _checked(self, text: str, unit: str, place: str) -> None:
        try:
            in_unit(text, unit, self.currency)
        except BadUnit as error:
            refuse(error.rule, error.found, place, error.remedy)

    def horizon(self, start: str, days: int, step_h: float, zone: str) -> tuple[Fields, Horizon]:
        """The horizon, as fields and as what it means: the base's, or what was said, or else these.

        ScenarioError for a time that there is not, and for days of no whole number of steps.
        """
        if self.base is not None:
            return self.base.horizon_fields, self.base.horizon
        tz, day, count = self.zone or zone, self.start or start, self.days or days
        length_h = step_h if self.step is None else self._step_h(self.step)
        begin = moment_of(day, tz)
        hours = hours_of_days(begin, count)
        periods = hours / length_h
        if abs(periods - round(periods)) > 1e-9 * periods:
            rule = f"must divide the {number(hours)} h of the {'day' if count == 1 else f'{count} days'}"
            place = "the usual distance of two rows" if self.step is None else "--step"
            refuse(rule, step_text(length_h * 3600), place, "say another --step, such as 15 min")
        fields = {"start": day, "days": count, "step": step_text(length_h * 3600), "tz": tz}
        return fields, Horizon(round(periods), length_h, begin.isoformat(timespec="minutes"), tz)

    def _step_h(self, text: str) -> float:
        try:
            hours = in_unit(text, "h")
        except BadUnit as error:
            refuse(error.rule, error.found, "--step", error.remedy)
        if hours <= 0:
            refuse("must be longer than nothing", shown(text), "--step", "take one such as 15 min")
        return hours


def moment_of(day: str, zone: str) -> datetime:
    """The moment of a day, or a day and a time. ScenarioError for none."""
    try:
        return moment(day, zone)
    except NoSuchTime as error:
        flag, value = ("--tz", zone) if "time zone" in error.rule else ("--start", day)
        refuse(error.rule, shown(value), flag, error.remedy)


def step_text(seconds: float) -> str:
    """A length of time as a file says it.

    >>> step_text(900), step_text(3600)
    ('15 min', '1 h')
    """
    minutes = seconds / 60.0
    if minutes % 60 == 0:
        return f"{number(minutes / 60.0)} h"
    return f"{number(minutes)} min" if minutes >= 1 else f"{number(seconds)} s"
