"""Plants as flags say them: `ID=SIZE,name=value,…`, such as `Roof=400 kW,tilt=30,load=120 kW`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from market.app.importing.csv_file import battery
from market.app.importing.draft import Fields
from market.app.importing.source_tables import refuse
from market.model.units import BadUnit, in_unit
from market.scenario.faults import suggestion
from market.scenario.fields import ID_PATTERN
from market.scenario.shown_value import shown


@dataclass(frozen=True, slots=True)
class PlantWords:
    """A plant that a flag says. size : the word behind its id · more : by name"""

    id: str
    size: str
    more: Mapping[str, str]
    place: str

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """One of its words as a number. ScenarioError if it is none within these bounds."""
        text = self.more.get(name)
        try:
            value = default if text is None else float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            refuse(
                f"must be a number from {low:g} to {high:g}",
                shown(text or ""),
                f"{self.place} {name}",
                "correct it",
            )
        return value

    def quantity(self, name: str, unit: str, default: str) -> str:
        """One of its words as a value with a unit, as it was written."""
        text = self.more.get(name, default)
        return checked_quantity(text, unit, f"{self.place} {name}")

    def beside(self, currency: str) -> Fields:
        """What it has besides: a battery, as `battery=400 kWh/150 kW`."""
        text = self.more.get("battery")
        if text is None:
            return {}
        energy, stroke, power = text.partition("/")
        if not stroke:
            refuse(
                "must be energy, a stroke, and power",
                text,
                f"{self.place} battery",
                "write it like 400 kWh/150 kW",
            )
        place = f"{self.place} battery"
        return {
            "ess": battery(checked_quantity(energy, "MWh", place), checked_quantity(power, "MW", place), currency)
        }


def plants_said(texts: Sequence[str], flag: str, words: Collection[str]) -> list[PlantWords]:
    """The plants of a repeated flag. ScenarioError for what is none, for an unknown word, and for an id twice."""
    if not texts:
        refuse("must name a plant", "none", flag, f"say {flag} ID=SIZE, as often as there are plants")
    found = [_plant(text, flag, words) for text in texts]
    seen: set[str] = set()
    for plant in found:
        if plant.id.casefold() in seen:
            refuse("must have an id of its own", f"{plant.id} again", plant.place, "choose another id")
        seen.add(plant.id.casefold())
    return found


def _plant(text: str, flag: str, words: Collection[str]) -> PlantWords:
    vpp, equals, said = text.partition("=")
    size, *rest = (part.strip() for part in said.split(","))
    if not equals or not size or not re.fullmatch(ID_PATTERN, vpp):
        refuse("must be the id of a plant, =, and its size", shown(text), flag, f"write it like {flag} Roof=SIZE")
    more: dict[str, str] = {}
    for part in rest:
        name, sign, value = (piece.strip() for piece in part.partition("="))
        if name not in words or not sign or not value:
            known = ", ".join(sorted(words))
            refuse(
                "must be a word that a plant has, =, and its value",
                part,
                f"{flag} {vpp}",
                f"{suggestion(name, list(words))}there are {known}",
            )
        more[name] = value
    return PlantWords(vpp, size, more, f"{flag} {vpp}")


def checked_quantity(text: str, unit: str, place: str) -> str:
    """A value with a unit of this kind, at least 0, as it was written. ScenarioError for anything else."""
    try:
        value = in_unit(text.strip(), unit)
    except BadUnit as error:
        refuse(error.rule, error.found, place, error.remedy)
    if value < 0:
        refuse("must be at least 0", shown(text), place, "correct it")
    return text.strip()
