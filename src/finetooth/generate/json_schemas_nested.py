"""The medium schemas of the generator: five to eight fields, objects within the object."""

from __future__ import annotations

from finetooth.generate.json_fields import (
    Spec,
    code,
    day,
    derived,
    email,
    enum,
    group,
    money,
    number,
    spec,
    text,
)
from finetooth.generate.json_words import person

NESTED: tuple[Spec, ...] = (
    spec(
        "room_booking", "Room booking", "medium",
        group("guest", text("name", person), email()),
        day("check_in"), day("check_out", after="check_in", least=1, most=14),
        derived("nights", "days(check_out) - days(check_in)", digits=0),
        money("nightly_rate", 40, 320), derived("total", "nights * nightly_rate"),
        rules=("check_in < check_out",),
        prose=("{guest.name} ({guest.email}) arrives on {check_in} and leaves on {check_out}.",
               "That is a stay of {nights} nights.", "The room is {nightly_rate} a night.", "In sum {total}."),
    ),
    spec(
        "meter_reading", "Meter reading", "medium",
        code("customer_number", "K-######"), day("read_on"),
        group("meter", code("serial", "@@####@"), enum("unit", "kWh m3 MJ")),
        number("previous", 1000, 60000, "previous reading"),
        number("current", 60001, 90000, "current reading"),
        derived("consumed", "current - previous", "consumption", digits=0),
        prose=("At customer {customer_number} we read meter {meter.serial}, in {meter.unit}, on {read_on}.",
               "It stood at {current} now and {previous} the last time.", "So {consumed} were used."),
    ),
)  # fmt: skip
