"""What a field's name says: its words, and the part that they play in a sum, a product, a ratio or an order.

"unitPrice" -> (unit, price): a price;  "shipping_cost" -> (shipping, cost): is added to a total
"""

from __future__ import annotations

import re
from functools import lru_cache

_SPLIT = re.compile(r"(?i:\b|(?<=_))(check|sub|pick|drop)[_ -]?(in|out|total|up|off)(?=[^a-z]|$)", re.I)
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_A-Za-z]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TOTAL = _words("total subtotal sum grand gross overall aggregate combined extended")
SUM_OF_MONEY = _words(
    "amount cost value charge due payable pay price bill earning payment revenue sale budget expense"
)
PARTIAL = _words("subtotal net pretax merchandise")
QUANTITY = _words(
    "quantity qty unit piece pc copy count number num hour night day week month minute years seat ticket license"
)
PLAIN_QUANTITY = _words("quantity qty piece pc copy")
PRICE = _words("price rate cost fee wage tariff each per")
PERCENT = _words("percent percentage pct rate ratio share proportion fraction margin")
DISCOUNT = _words("discount rebate markdown coupon reduction")
TAX = _words("tax vat gst hst pst duty levy")
PLUS = TAX | _words(
    "shipping delivery freight postage handling fee surcharge tip gratuity service insurance packaging toll bonus "
    "overtime allowance commission setup premium"
)
MINUS = DISCOUNT | _words("credit deduction refund deposit paid prepaid withheld withholding voucher")
COUNT = _words("count number num total quantity qty size length")
MEAN = _words("average avg mean per")
MIN = _words("min minimum low lowest lower least floor smallest worst")
MAX = _words("max maximum high highest upper greatest ceiling largest best peak top")
WHOLE = _words("total overall all sum grand count number num amount")
DATE = _words("date time at on timestamp day datetime when ts utc local")
GENERIC = TOTAL | COUNT | SUM_OF_MONEY | _words("of the in for by and or field data info record")
# What a total may be the total of without being a total of something else: order_total, cart_total, total_order_value.
CONTAINER = _words(
    "order cart basket bag invoice bill checkout purchase merchandise receipt transaction quote quotation estimate "
    "booking reservation final payable"
)
# A number of things, whatever they cost.
NUMBERING = _words("count number num quantity qty")
CODE = _words(
    "id code number zip postal phone year page port version index rank status lat latitude lon longitude level"
)

_VOCABULARY = (
    TOTAL | SUM_OF_MONEY | PARTIAL | QUANTITY | PRICE | PERCENT | PLUS | MINUS | COUNT | MEAN | MIN | MAX | DATE
    | _words("line item order invoice start end from to created updated issued tax sub")
)  # fmt: skip

# What comes before what: (earlier, later). The words left over must agree or be generic.
ORDER: tuple[tuple[frozenset[str], frozenset[str]], ...] = tuple(
    (_words(a), _words(b))
    for a, b in (
        (
            "start started begin began begun commence commenced kickoff kick",
            "end ended finish finished stop stopped conclude concluded deadline",
        ),
        ("from since", "to until till through thru"),
        (
            "created creation create opened open",
            "updated update modified closed close resolved completed deleted",
        ),
        ("issued issue invoice billed created posted announced", "due deadline"),
        ("issued issue effective valid created creation", "expires expiry expiration expired"),
        ("ordered order placed purchase purchased", "shipped ship delivered delivery dispatched"),
        ("shipped ship dispatched", "delivered delivery"),
        ("checkin", "checkout"),
        ("entry entered enter", "exit exited left leave"),
        ("opening", "closing"),
        ("departure depart departs departed", "arrival arrive arrives arrived"),
        ("admission admitted", "discharge discharged"),
        ("hired hire joined", "terminated termination"),
        ("submitted submission requested request", "approved approval completed completion"),
        ("initiated initiation", "completed completion settled settlement"),
        ("published publication", "revised"),
        ("manufactured manufacture production produced", "expires expiry expiration"),
        ("pickup", "return returned dropoff"),
        ("first", "last"),
        ("birth dob born birthdate", "death died"),
        ("min minimum earliest", "max maximum latest"),
        ("before", "after"),
    )
)
# The same where exceptions are thinkable: somebody may register after the event began.
LOOSE_ORDER: tuple[tuple[frozenset[str], frozenset[str]], ...] = tuple(
    (_words(a), _words(b))
    for a, b in (
        ("registration registered booking booked", "event visit travel"),
        ("ordered order purchase purchased invoice issued", "paid payment received arrival"),
        ("shipped ship", "arrival arrived received"),
        ("submitted submission requested request reported", "reviewed review processed resolved decision"),
        ("received", "processed completed resolved"),
        ("collected collection sampled", "received reported analyzed analysed"),
        ("scheduled", "completed"),
        ("published publication", "updated acquired purchased"),
        ("hired hire joined", "left"),
        ("assigned", "completed resolved closed due"),
    )
)
# The same for numbers: what cannot be more than what. Words left over must agree or be generic.
FUNNEL: tuple[tuple[frozenset[str], frozenset[str]], ...] = tuple(
    (_words(a), _words(b))
    for a, b in (
        ("min minimum low lowest lower", "max maximum high highest upper"),
        ("min minimum low lowest lower", "average avg mean median"),
        ("average avg mean median", "max maximum high highest upper"),
        ("click", "impression"),
        ("click", "view"),
        ("conversion", "click"),
        ("delivered opened bounced", "sent"),
        ("diastolic", "systolic"),
        ("page", "pages"),
    )
)  # fmt: skip


@lru_cache(maxsize=1 << 14)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a field name, lower-cased and in the singular: ``lineTotals`` -> ("line", "total")."""
    made: list[str] = []
    for m in _PART.finditer(_SPLIT.sub(lambda s: (s[1] + s[2]).lower(), name)):
        word = m.group().lower()
        made += _cut(word)
    return tuple(made)


def _cut(word: str) -> tuple[str, ...]:
    """``unitprice`` as two known words; others as they are, in the singular."""
    one = singular(word)
    if one in _VOCABULARY or len(word) < 6:
        return (one,)
    for at in range(3, len(word) - 2):
        first, second = word[:at], singular(word[at:])
        if first in _VOCABULARY and second in _VOCABULARY:
            return first, second
    return (one,)


@lru_cache(maxsize=1 << 14)
def singular(word: str) -> str:
    """English singular, roughly: ``taxes`` -> tax, ``fees`` -> fee, ``entries`` -> entry, ``status`` as it is.

    ``years`` stays: they are a quantity, and a year is a date.
    """
    if word == "years":
        return word
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("xes", "ches", "shes", "sses", "zes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def stem(words: tuple[str, ...], drop: frozenset[str]) -> frozenset[str]:
    """The words that are left when those of a role are taken away."""
    return frozenset(w for w in words if w not in drop)
