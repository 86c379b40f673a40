"""The simple schemas of the generator: two to four fields, no nesting."""

from __future__ import annotations

from finetooth.generate.json_fields import (
    Spec,
    code,
    day,
    derived,
    number,
    real,
    spec,
    text,
)
from finetooth.generate.json_words import CITIES, TEAMS, TITLES, Draw, of, person


def _other_team(d: Draw, here: dict) -> str:
    team = of(TEAMS)(d, here)
    while team == here["home_team"]:
        team = of(TEAMS)(d, here)
    return team


FLAT: tuple[Spec, ...] = (
    spec(
        "parcel_weighing", "Parcel weighing", "simple",
        code("parcel_code", "PX######@@"),
        number("gross_grams", 700, 29000), number("tare_grams", 20, 600),
        derived("net_grams", "gross_grams - tare_grams", digits=0),
        prose=("Parcel {parcel_code} showed {gross_grams} g gross on the scale.", "The box alone is {tare_grams} g.",
               "That leaves {net_grams} g net."),
    ),
    spec(
        "fuel_stop", "Fuel stop", "simple",
        text("station", lambda d, here: f"{of(CITIES)(d, here)} {d.choice(('North', 'South', 'Ring', 'Harbour'))}"),
        real("litres", 8, 75, digits=2), real("price_per_litre", 1.2, 2.3, digits=3),
        derived("total_cost", "litres * price_per_litre"),
        prose=("We filled up at {station}, {litres} litres.", "A litre was {price_per_litre} there.",
               "The till said {total_cost}."),
    ),
    spec(
        "loan_slip", "Loan slip", "simple",
        text("book_title", of(TITLES)), text("borrower", person),
        day("borrowed_on"), day("due_on", after="borrowed_on", least=14, most=42),
        rules=("borrowed_on <= due_on",),
        prose=("{borrower} took out {book_title} on {borrowed_on}.", "It has to be back by {due_on}."),
    ),
)  # fmt: skip
