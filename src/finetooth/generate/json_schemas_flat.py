"""The simple schemas of the generator: two to four fields, no nesting."""

from __future__ import annotations

from typing import Any

from finetooth.generate.json_fields import (
    Spec,
    code,
    day,
    derived,
    email,
    enum,
    flag,
    moment,
    money,
    number,
    real,
    spec,
    text,
)
from finetooth.generate.json_words import (
    CITIES,
    TEAMS,
    TITLES,
    Draw,
    firm,
    hostname,
    ipv4,
    of,
    person,
    phone,
)


def _station(d: Draw, here: Any) -> str:
    return f"{d.pick(CITIES)} {d.choice(('North', 'South', 'Ring', 'Harbour'))}"


def _other_team(d: Draw, here: dict[str, Any]) -> str:
    team = d.pick(TEAMS)
    while team == here["home_team"]:
        team = d.pick(TEAMS)
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
        text("station", _station),
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
    spec(
        "room_climate", "Room climate reading", "simple",
        code("sensor", "TH-####"), moment("measured_at"), real("celsius", -12, 36),
        number("humidity_percent", 18, 96),
        prose=("Sensor {sensor} reported {celsius} degrees Celsius.", "Humidity was at {humidity_percent}%.",
               "That was read off, to the minute, at {measured_at}."),
    ),
    spec(
        "visitor_badge", "Visitor badge", "simple",
        text("visitor", person), text("host", person), code("badge_number", "V#####"),
        flag("escort_needed", share=0.4),
        prose=("{visitor} is here to see {host}.", "The badge at the desk is {badge_number}.",
               "Escort needed, {escort_needed}."),
    ),
    spec(
        "currency_exchange", "Currency exchange", "simple",
        text("bureau", firm), money("amount_given", 20, 3000), real("rate", 0.4, 12, digits=4),
        derived("amount_received", "amount_given * rate"),
        prose=("At {bureau} I changed {amount_given}.", "The rate of the day was {rate}.",
               "I got {amount_received} for it."),
    ),
    spec(
        "contact_card", "Contact card", "simple",
        text("full_name", person), email(of="full_name"), text("phone", phone), text("city", of(CITIES)),
        prose=("Please note {full_name}, mail {email}.", "By phone it is {phone}.", "Lives in {city}."),
    ),
    spec(
        "parking_stay", "Parking stay", "simple",
        code("plate", "@@-###-@@"), moment("entered_at"), moment("left_at", after="entered_at", least=4, most=900),
        derived("minutes_parked", "(days(left_at) - days(entered_at)) * 1440", digits=0),
        rules=("entered_at < left_at",),
        prose=("Car {plate}, in at {entered_at}, out again at {left_at}.",
               "It stood there for {minutes_parked} minutes."),
    ),
    spec(
        "match_result", "Match result", "simple",
        text("home_team", of(TEAMS)), text("away_team", _other_team), number("home_goals", 0, 6),
        number("away_goals", 0, 6),
        prose=("{home_team} played at home against {away_team}.",
               "The hosts scored {home_goals} and the guests {away_goals}."),
    ),
    spec(
        "dns_record", "DNS record", "simple",
        text("hostname", hostname, schema={"type": "string", "format": "hostname"}),
        text("address", ipv4, schema={"type": "string", "format": "ipv4"}),
        enum("ttl", "short medium long", "time to live", default="medium"), flag("monitored"),
        prose=("Point {hostname} to {address}.", "Time to live is {ttl}.", "Monitored, {monitored}."),
    ),
    spec(
        "tank_level", "Tank level", "simple",
        code("tank", "TK##@"), number("capacity_litres", 900, 5000), number("filled_litres", 40, 890),
        derived("filled_percent", "filled_litres / capacity_litres * 100", digits=1),
        rules=("filled_litres <= capacity_litres",),
        prose=("Tank {tank} takes {capacity_litres} litres and holds {filled_litres} litres.",
               "That is {filled_percent}% of it."),
    ),
    spec(
        "wake_up_call", "Wake-up call", "simple",
        code("room", "R###"), text("guest", person), moment("call_at"),
        enum("language", "en de es it pl", default="en"),
        prose=("Room {room}, guest {guest}, would like to be woken.", "The phone should ring, please, at {call_at}.",
               "The language to speak is {language}."),
    ),
)  # fmt: skip
