"""The complex schemas of the generator: eight fields and more, lists, objects within them."""

from __future__ import annotations

from finetooth.generate.json_fields import (
    Spec,
    code,
    day,
    derived,
    enum,
    group,
    listing,
    money,
    number,
    spec,
    text,
)
from finetooth.generate.json_words import CITIES, GOODS, firm, of, person, postcode, street

DEEP: tuple[Spec, ...] = (
    spec(
        "sale_invoice", "Sales invoice", "complex",
        code("invoice_number", "SI-####-@@"), day("issued_on"), day("due_on", after="issued_on", least=7, most=60),
        enum("currency", "EUR GBP SEK DKK PLN CHF", default="EUR"),
        group("seller", text("name", firm), code("vat_id", "EX#########", "VAT id")),
        group("buyer", text("name", person),
              group("address", text("street", street), text("postcode", postcode), text("city", of(CITIES)))),
        listing("lines", 1, 4,
                text("description", of(GOODS)), number("quantity", 1, 12), money("unit_price", 2, 240),
                derived("line_total", "quantity * unit_price"),
                phrase=("{quantity} x {description} at {unit_price}", ", making {line_total}")),
        derived("subtotal", "sum(lines[].line_total)"),
        number("tax_percent", 5, 25), derived("tax", "subtotal * tax_percent / 100"),
        derived("total", "subtotal + tax"),
        rules=("issued_on <= due_on",),
        prose=("Invoice {invoice_number} went out on {issued_on} and falls due on {due_on}.",
               "All amounts are in {currency}.",
               "{seller.name}, VAT id {seller.vat_id}, bills {buyer.name} of {buyer.address.street}, "
               "{buyer.address.postcode} {buyer.address.city}.",
               "{lines}", "Before tax that is {subtotal}.", "Tax is {tax_percent}%.", "The tax comes to {tax}.",
               "To be paid are {total}."),
    ),
)  # fmt: skip
