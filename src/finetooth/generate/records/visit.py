"""Visits: somebody of one company calls on another."""

from __future__ import annotations

import numpy as np

from finetooth.generate.kinds import Kind, facts
from finetooth.generate.names import listed
from finetooth.generate.world import Record, World, city, day, money, phrase, pick

PURPOSES = listed("""
a safety audit; a price negotiation; a product demonstration; a training course; a quality inspection;
the renewal of the contract; a tour of the plant; a job interview; the handover of the keys; a budget review;
a complaint about late deliveries; the test of a prototype; an insurance claim; the plans for a new warehouse
""")
STAYS = listed("""
forty minutes; one hour; ninety minutes; two hours; three hours; half a day; the whole day; two days; three days
""")
MEANS = listed("""
night train; rental car; company van; ferry; taxi; long-distance bus; bicycle; express train; helicopter; airport shuttle
""")
RESULTS = listed("""
a signed contract; a list of open points; an order for samples; a second offer; a joint press release;
a revised schedule; a discount of five percent; a trial period; an apology in writing; a new service plan
""")


def draw(world: World, n: int, rng: np.random.Generator) -> Record:
    home, place = world.two_companies(rng)
    went = day(rng)
    return Record(
        "visit",
        {
            "visitor": world.person(home, rng).value,
            "home": home.value,
            "place": place.value,
            "city": city(place.city),
            "date": went.value,
            "host": world.person(place, rng).value,
            "purpose": phrase(pick(PURPOSES, rng)),
            "stay": phrase(pick(STAYS, rng), "TIME"),
            "means": phrase(pick(MEANS, rng)),
            "result": phrase(pick(RESULTS, rng)),
            "next": went.after(int(rng.integers(14, 150))).value,
            "costs": money(int(rng.integers(61, 2400))),
        },
    )


FACTS = facts("""
== went: visitor home place city date
report: On {date}, {visitor} of {home} visited {place} in {city}.
report: {visitor}, who works for {home}, was at {place} in {city} on {date}.
report: {place} in {city} had a visitor on {date}: {visitor} from {home}.
email: I hear that {visitor} of {home} was at {place} in {city} on {date.brief}.
email: On {date.brief}, {visitor} from {home} came to see {place}, in {city}.
email: The visit to {place} in {city} took place on {date.brief}. {home} had sent {visitor}.
notes: {visitor} ({home}) at {place}, {city}, {date.abbreviated}.
notes: Visit of {date.abbreviated}: {visitor} from {home} to {place} in {city}.
notes: {home} sent {visitor} to {place} in {city} on {date.abbreviated}.
log: Visit on {date.iso}: {visitor}, {home}, to {place}, {city}.
log: Gate pass issued for {date.iso}, guest {visitor} of {home}, site {place} in {city}.
log: Travel of {visitor} ({home}) approved: {place}, {city}, {date.iso}.
talk: Who went to {place}?|{visitor} did, for {home}.|When was that?|On {date.brief}, at their site in {city}.
talk: Did {home} send somebody to {place}?|Yes, {visitor} was there on {date.brief}, in {city}.
talk: Where was {visitor} on {date.brief}?|In {city}, at {place}.|Sent by whom?|By {home}.
ask visitor: Who visited {place}?
ask visitor: Who travelled to {city}?
ask visitor: Which employee of {home} went to {place.short}?
ask home: Which company does {visitor} work for?
ask home: Which company sent {visitor} to {city}?
ask home: From which firm was the visitor of {place}?
ask place: Which company did {visitor} visit?
ask place: On which company in {city} did {visitor} call?
ask place: Which firm in {city} received a visit from {home}?
ask city: In which city did {visitor} visit {place}?
ask city: Where did {visitor} travel?
ask city: Where is the site of {place} that {visitor} saw?
ask date: When did {visitor} visit {place}?
ask date: On what date was {visitor} in {city}?
ask date: When was the visit of {visitor}?
relation: visitor works_for home
relation: visitor visits place
relation: visitor travels_to city
relation: place located_in city
== host: host
report: The host was {host} of {place.short}.
report: {visitor.last} was received by {host} of {place.short}.
report: {host} showed the guest around {place.short}.
email: {host} was the host at {place.short}.
email: It was {host} of {place.short} who received {visitor.first}.
email: {visitor.first} talked to {host} of {place.short}.
notes: Host: {host} ({place.short}).
notes: Received by {host} of {place.short}.
notes: {host} of {place.short} showed {visitor.last} around.
log: Host: {host} ({place.short}).
log: Guest met by {host} of {place.short}.
log: {host} signed for the guest at {place.short}.
talk: Who received {visitor.first} at {place.short}?|{host} did.
talk: Whom did {visitor.first} meet?|{host} of {place.short}.
talk: And the host at {place.short}?|It was {host}.
ask host: Who was the host of {visitor}?
ask host: Whom did {visitor} meet at {place.short}?
ask host: Who received {visitor} at {place}?
relation: host works_for place
relation: visitor meets host
claim host: The host of {visitor} at {place} was {host}.
claim host: The person who received {visitor} was {host}.
== purpose: purpose
prose: The reason for the trip was {purpose}.
report: The visit was about {purpose}.
report: {visitor.last} came for {purpose}.
email: They talked about {purpose}.
email: {visitor.first} went there for {purpose}.
notes: Purpose: {purpose}.
notes: Came for {purpose}.
notes: Topic of the visit: {purpose}.
log: Purpose entered: {purpose}.
log: Reason for the visit: {purpose}.
log: Booked as {purpose}.
talk: What was it about?|It was about {purpose}.
talk: Why did {visitor.first} go?|For {purpose}.
talk: What was the reason?|They had to see about {purpose}.
ask purpose: Why did {visitor} visit {place}?
ask purpose: What was the purpose of the visit of {visitor}?
ask purpose: What was the visit of {visitor} to {city} about?
claim purpose: What brought {visitor} to {place} was {purpose}.
claim purpose: The visit of {visitor} was about {purpose}.
== length of the visit: stay
prose: The visit lasted {stay}.
report: {visitor.last} stayed for {stay}.
report: The meeting took {stay}.
email: It took {stay} in all.
email: {visitor.first} was there for {stay}.
notes: Stayed {stay}.
notes: Length of the visit: {stay}.
notes: Took {stay}.
log: Duration on site: {stay}.
log: Guest checked out after {stay}.
log: Length of stay recorded as {stay}.
talk: How long did it take?|It took {stay}.
talk: Was it a long visit?|It lasted {stay}.
talk: How long was {visitor.first} there?|For {stay}.
ask stay: How long did the visit of {visitor} last?
ask stay: How long did {visitor} stay at {place}?
ask stay: How long was {visitor} with {place.short}?
claim stay: The visit of {visitor} lasted {stay}.
claim stay: {visitor} was at {place} for {stay}.
== means of travel: means
report: {visitor.last} travelled by {means}.
report: The journey was made by {means}.
report: For the journey, {visitor.last} took the {means}.
email: {visitor.first} got there by {means}.
email: They came by {means}, by the way.
email: {visitor.first} took the {means}.
notes: Came by {means}.
notes: Travel by {means}.
notes: Means of travel: {means}.
log: Transport: {means}.
log: Travel booked, {means}.
log: Arrival by {means}.
talk: How did {visitor.first} get there?|By {means}.
talk: Was the journey all right?|Yes, {visitor.first} took the {means}.
talk: By car?|No, by {means}.
ask means: How did {visitor} travel to {city}?
ask means: By what means did {visitor} get to {place}?
ask means: What did {visitor} take to reach {city}?
claim means: {visitor} went to {city} by {means}.
claim means: {visitor} reached {place} by {means}.
== result: result
prose: The visit ended with {result}.
report: As a result, there is {result}.
report: What came of it was {result}.
email: In the end they got {result}.
email: The outcome is {result}.
notes: Result: {result}.
notes: Ended with {result}.
notes: Outcome: {result}.
log: Result recorded: {result}.
log: Outcome: {result}.
log: Visit completed with {result}.
talk: What came of it?|They have {result} now.
talk: Was it worth the trip?|Yes, there is {result}.
talk: And the outcome?|It ended with {result}.
ask result: What was the result of the visit of {visitor}?
ask result: With what did the visit to {place} end?
ask result: What came of the trip of {visitor} to {city}?
claim result: The visit of {visitor} ended with {result}.
claim result: The outcome of the visit to {place} is {result}.
== next meeting: next
prose: They will meet again on {next}.
report: The next meeting is planned for {next}.
report: A second visit has been arranged for {next}.
email: The next visit is on {next.brief}.
email: They agreed to meet again on {next.brief}.
notes: Next meeting {next.abbreviated}.
notes: Again on {next.abbreviated}.
notes: Second visit: {next.abbreviated}.
log: Next visit scheduled for {next.iso}.
log: Follow-up entered, {next.iso}.
log: Reminder set for the second visit on {next.iso}.
talk: Will they meet again?|Yes, on {next.brief}.
talk: When is the next visit?|On {next.brief}.
talk: And then?|They will meet again on {next.brief}.
ask next: When will {visitor} and {place} meet again?
ask next: For what date is the next visit to {place} planned?
ask next: When is the second meeting of {visitor} at {place.short}?
claim next: The next meeting of {visitor} with {place} is on {next}.
claim next: {visitor} will meet {place} again on {next}.
== travel costs: costs
prose: The trip cost {costs}.
report: The travel expenses were {costs}.
report: {home.short} paid {costs} for the journey.
email: The whole trip came to {costs}.
email: {visitor.first} handed in a bill of {costs}.
notes: Expenses {costs}.
notes: Trip cost {costs}.
notes: Bill for travel: {costs}.
log: Expenses booked: {costs}.
log: Travel costs approved, {costs}.
log: Expense claim over {costs} filed.
talk: What did the trip cost?|It was {costs}.
talk: Was it expensive?|They paid {costs}.
talk: And the expenses?|They came to {costs}.
ask costs: How much did the trip of {visitor} cost?
ask costs: How much did {home} pay for the journey to {city}?
ask costs: How much were the expenses of {visitor}?
claim costs: The journey of {visitor} cost {costs}.
claim costs: The expenses of {visitor} were {costs}.
""")

KIND = Kind("visit", "visitor", draw, FACTS, ("visits", "travel", "customer relations"))
