"""Orders: one company buys goods of another."""

from __future__ import annotations

import numpy as np

from finetooth.generate.kinds import Kind, facts
from finetooth.generate.names import listed
from finetooth.generate.world import Record, World, city, code, day, goods, money, number, phrase, pick

DELAYS = listed("""
a strike at the port; a shortage of steel; a fire in the paint shop; heavy snow on the motorway;
a mistake in the customs papers; a broken conveyor belt; the illness of two drivers; a flood in the cellar;
a dispute over the unit price; a cyber attack on the carrier; an expired import licence; a missing signature
""")
TERMS = listed("""
ten days; fourteen days; three weeks; thirty days; six weeks; sixty days; ninety days
""")


def draw(world: World, n: int, rng: np.random.Generator) -> Record:
    buyer, seller = world.two_companies(rng)
    placed = day(rng)
    due = placed.after(int(rng.integers(9, 60)))
    quantity = int(rng.integers(32, 480))
    return Record(
        "order",
        {
            "number": code(f"PO-{n:05}"),
            "buyer": buyer.value,
            "seller": seller.value,
            "product": goods(seller.goods),
            "quantity": number(quantity),
            "date": placed.value,
            "total": money(quantity * int(rng.integers(7, 190))),
            "due": due.value,
            "destination": city(buyer.city),
            "contact": world.person(buyer, rng).value,
            "handler": world.person(seller, rng).value,
            "delay": phrase(pick(DELAYS, rng)),
            "terms": phrase(pick(TERMS, rng), "TIME"),
        },
    )


FACTS = facts("""
== placed: number buyer quantity product seller date
report: On {date}, {buyer} ordered {quantity} {product} from {seller}; the order has the number {number}.
report: Order {number} was placed by {buyer} on {date} and covers {quantity} {product}, to be supplied by {seller}.
report: {seller} received order {number} from {buyer} on {date}: {quantity} {product}.
report: Under the number {number}, {buyer} bought {quantity} {product} from {seller} on {date}.
email: Just so you know, {buyer} sent us order {number} on {date.brief}: they want {quantity} {product}, which {seller} will supply.
email: We have booked {number} now. {buyer} ordered {quantity} {product} on {date.brief}, and {seller} is the supplier.
email: The order from {buyer} came in on {date.brief} as {number}. It is for {quantity} {product}, made by {seller}.
notes: {number}: {buyer} orders {quantity} {product} from {seller}, {date.abbreviated}.
notes: New order {number} of {date.abbreviated}. Buyer {buyer}, supplier {seller}, {quantity} {product}.
notes: {buyer} wants {quantity} {product}; supplier is {seller}. Booked {date.abbreviated} as {number}.
log: Order {number} received on {date.iso}: buyer {buyer}, supplier {seller}, {quantity} {product}.
log: {number} entered, order date {date.iso}, {quantity} {product} for {buyer} from {seller}.
log: {buyer} submitted {number} dated {date.iso}; item {product}, quantity {quantity}, supplier {seller}.
talk: What came in as {number}?|{buyer} ordered {quantity} {product} on {date.brief}.|And who supplies them?|{seller} does.
talk: Is {number} the order from {buyer}?|Yes, from {date.brief}. They want {quantity} {product}, and {seller} delivers those.
talk: Tell me about {number}.|It is from {buyer}, {quantity} {product}, sent on {date.brief} to {seller}.
ask buyer: Which company ordered {product} from {seller}?
ask buyer: Which company placed order {number}?
ask buyer: Who is the buyer in order {number}?
ask buyer: Which firm wants {quantity} {product}?
ask seller: Which company supplies the {product}?
ask seller: Who is the supplier in order {number}?
ask seller: From which company did {buyer} order {product}?
ask quantity: How many {product} did {buyer} order?
ask quantity: How many {product} does order {number} cover?
ask quantity: How many {product} were ordered?
ask product: What did {buyer} order from {seller}?
ask product: What goods does order {number} cover?
ask product: What is {seller} supplying to {buyer.short}?
ask date: When did {buyer} place the order?
ask date: When was order {number} placed?
ask date: On what date were the {product} ordered?
ask number: What is the number of the order from {buyer}?
ask number: Under which number did {buyer} order {product}?
ask number: What is the order number for the {product}?
relation: buyer buys_from seller
relation: buyer orders product
relation: seller supplies product
relation: number placed_by buyer
relation: number placed_on date
== price: total
prose: The total comes to {total}.
prose: The goods cost {total} altogether.
report: The agreed price for the whole order is {total}.
report: The invoice will be made out for {total}.
email: We agreed on a price of {total}.
email: The bill for all of it is {total}.
notes: Total price {total}.
notes: Value of the order: {total}.
notes: They pay {total} in all.
log: Order value calculated: {total}.
log: Total set to {total}.
log: Price confirmed by the buyer, {total}.
talk: How much is it altogether?|The total is {total}.
talk: And the price?|They pay {total} for everything.
talk: What is the order worth?|We agreed on {total}.
ask total: How much does order {number} cost in total?
ask total: How much does {buyer} pay for the {product}?
ask total: What is the total price of the {product}?
ask total: What is the order worth?
relation: number costs total
claim total: The price of order {number} is {total}.
claim total: {buyer} pays {total} for order {number}.
== delivery: destination due
prose: The goods have to be in {destination} by {due}.
report: Delivery to {destination} was promised for {due}.
report: They are to be delivered to {destination} on {due} at the latest.
email: Please make sure that everything reaches {destination} by {due.brief}.
email: They need it in {destination}, on {due.brief} at the latest.
notes: Deliver to {destination} by {due.abbreviated}.
notes: Goes to {destination}, due {due.abbreviated}.
notes: Delivery date {due.abbreviated}, place {destination}.
log: Delivery scheduled: {destination}, {due.iso}.
log: Destination set to {destination}, due date {due.iso}.
log: Carrier booked to {destination}, arrival planned for {due.iso}.
talk: Where does it go?|To {destination}, and it has to be there by {due.brief}.
talk: When do they need it?|By {due.brief}, in {destination}.
talk: Which warehouse is it for?|The one in {destination}. The date is {due.brief}.
ask destination: Where are the {product} to be delivered?
ask destination: To which city does order {number} go?
ask destination: In which city does {buyer} want the {product}?
ask due: By when must the {product} be delivered?
ask due: What is the delivery date of order {number}?
ask due: By what date does {buyer} need the {product}?
relation: number delivered_to destination
relation: number due_on due
claim destination: The goods of order {number} are to be sent to {destination}.
claim destination: The {product} of order {number} go to {destination}.
claim due: The delivery of order {number} is due on {due}.
claim due: {buyer} needs the {product} on {due} at the latest.
== contact person: contact
report: {contact} signed the order for {buyer.short}.
report: On the side of {buyer.short}, {contact} is in charge.
report: Questions about the order are answered by {contact} of {buyer.short}.
email: If anything is unclear, call {contact} at {buyer.short}.
email: Your contact at {buyer.short} is {contact}.
email: It was {contact} of {buyer.short} who signed it.
notes: Contact at {buyer.short}: {contact}.
notes: Ask {contact} ({buyer.short}) if in doubt.
notes: Signed by {contact} of {buyer.short}.
log: Contact person at {buyer.short}: {contact}.
log: Signature of {contact} ({buyer.short}) verified.
log: Confirmation sent to {contact} at {buyer.short}.
talk: Whom do I call at {buyer.short}?|Ask for {contact}.
talk: Who signed for {buyer.short}?|That was {contact}.
talk: Do we have a contact at {buyer.short}?|Yes, {contact} looks after it.
ask contact: Who deals with order {number} at {buyer.short}?
ask contact: Who acts for {buyer} in order {number}?
ask contact: Which employee of {buyer} has to do with the order of {product}?
relation: contact works_for buyer
claim contact: On behalf of {buyer}, {contact} deals with order {number}.
claim contact: {contact} is the one at {buyer} who deals with order {number}.
== person who packs: handler
report: At {seller.short}, the order is handled by {handler}.
report: {handler} of {seller.short} prepares the shipment.
report: {seller.short} has put {handler} in charge of the shipment.
email: {handler} is packing it at {seller.short}.
email: On the supplier's side, {handler} of {seller.short} takes care of it.
email: {seller.short} told me that {handler} will handle it.
notes: Handled at {seller.short} by {handler}.
notes: {handler} ({seller.short}) prepares shipment.
notes: Packing: {handler} at {seller.short}.
log: Assigned at {seller.short} to {handler}.
log: {handler} of {seller.short} started packing.
log: Shipment prepared by {handler} ({seller.short}).
talk: Who handles it at {seller.short}?|{handler} does.
talk: And at {seller.short}?|There it is on the desk of {handler}.
talk: Who packs it?|{handler} at {seller.short}.
ask handler: Who handles order {number} at {seller.short}?
ask handler: Who prepares the shipment of {product}?
ask handler: Which employee of {seller} deals with the {product}?
relation: handler works_for seller
claim handler: {handler} handles order {number} at {seller}.
claim handler: At {seller}, order {number} is in the hands of {handler}.
== delay: delay
prose: The shipment was held up by {delay}.
report: Because of {delay}, the first delivery date could not be kept.
report: The delay was caused by {delay}.
email: Sorry for the wait, it comes from {delay}.
email: We lost a week to {delay}.
notes: Late because of {delay}.
notes: Delayed by {delay}.
notes: Reason for the delay: {delay}.
log: Shipment delayed, reason: {delay}.
log: Status changed to late, cause {delay}.
log: Carrier reports a delay due to {delay}.
talk: Why is it late?|Because of {delay}.
talk: What went wrong with the shipment?|It was held up by {delay}.
talk: Is it on its way?|Not yet. They blame {delay}.
ask delay: Why was the shipment of {product} late?
ask delay: What held up order {number}?
ask delay: What was the reason for the delay of the {product}?
claim delay: The shipment of order {number} was late because of {delay}.
claim delay: What held up the {product} was {delay}.
== payment term: terms
prose: The invoice is payable within {terms}.
report: {buyer.short} has {terms} to pay the invoice.
report: The payment term is {terms}.
email: They have {terms} to pay.
email: We gave them {terms} for the payment.
notes: Payment within {terms}.
notes: Terms: {terms} to pay.
notes: Invoice open for {terms}.
log: Payment term set to {terms}.
log: Invoice issued, payable within {terms}.
log: Credit approved for {terms}.
talk: How long do they have to pay?|They got {terms}.
talk: What about the payment?|It is due within {terms}.
talk: And the payment term?|We said {terms}.
ask terms: How long does {buyer} have to pay the invoice?
ask terms: Within what time must order {number} be paid?
ask terms: What is the payment term for the {product}?
claim terms: {buyer} has {terms} to pay for order {number}.
claim terms: Order {number} has to be paid within {terms}.
""")

KIND = Kind("order", "number", draw, FACTS, ("orders", "purchasing", "supplies"))
