"""Tickets: a customer's device fails, somebody mends it."""

from __future__ import annotations

import numpy as np

from finetooth.generate.kinds import Kind, facts
from finetooth.generate.names import listed
from finetooth.generate.world import Record, World, code, day, goods, phrase, pick

PROBLEMS = listed("""
overheating after an hour; a loud rattling noise; a burnt smell; a blank display; sudden restarts;
a leaking seal; wrong readings; a jammed drawer; flickering lights; a dead battery; loose screws;
a broken handle; slow response; an error code at start; a missing cable; water inside the casing
""")
CAUSES = listed("""
a worn bearing; a loose connector; an outdated driver; a blown fuse; dust in the fan; a cracked housing;
a faulty sensor; a wrong voltage setting; a bent spring; a clogged filter; a damaged plug; an empty oil tank;
a corroded contact; a bug in the firmware
""")
CURES = listed("""
replacing the power supply; updating the software; cleaning the air inlet; tightening all bolts;
exchanging the whole unit; recalibrating the scale; fitting a new gasket; resetting the controller;
swapping the circuit board; lubricating the hinges; rewiring the main switch
""")
PRIORITIES = ("urgent", "high", "medium", "low")
HOURS = listed("""
two hours; three hours; five hours; half a day; two days; four days; one week; nine days; two weeks
""")


POWERED = ("electronics", "kitchen", "lighting", "medical")  # trades whose goods can fail in these ways


def draw(world: World, n: int, rng: np.random.Generator) -> Record:
    customer, vendor = world.two_companies(rng)
    while vendor.trade not in POWERED:
        customer, vendor = world.two_companies(rng)
    opened = day(rng)
    return Record(
        "ticket",
        {
            "number": code(f"TK-{n:05}"),
            "customer": customer.value,
            "reporter": world.person(customer, rng).value,
            "vendor": vendor.value,
            "device": goods(vendor.goods),
            "problem": phrase(pick(PROBLEMS, rng)),
            "opened": opened.value,
            "assignee": world.person(vendor, rng).value,
            "priority": phrase(pick(PRIORITIES, rng)),
            "cause": phrase(pick(CAUSES, rng)),
            "cure": phrase(pick(CURES, rng)),
            "closed": opened.after(int(rng.integers(2, 24))).value,
            "time": phrase(pick(HOURS, rng), "TIME"),
        },
    )


FACTS = facts("""
== opened: number customer device problem opened
report: On {opened}, {customer} opened ticket {number} and reported {problem} in its {device}.
report: Ticket {number} was filed by {customer} on {opened}; the complaint is {problem} with the {device}.
report: {customer} complained of {problem} in the {device} on {opened}, and the case was filed as {number}.
email: {customer} wrote on {opened.brief}: their {device} suffer from {problem}. I filed it as {number}.
email: There is a new ticket, {number}. {customer} noticed {problem} in the {device} on {opened.brief}.
email: We got {number} from {customer} on {opened.brief}. It concerns the {device}, the complaint being {problem}.
notes: {number} from {customer}, {opened.abbreviated}: {problem} in the {device}.
notes: Ticket {number} opened {opened.abbreviated}. Customer {customer}, item {device}, complaint {problem}.
notes: {customer} reports {problem}, affected are the {device}. Filed {opened.abbreviated} as {number}.
log: Ticket {number} opened on {opened.iso} by {customer}: {device}, {problem}.
log: {number} created, date {opened.iso}, customer {customer}, product {device}, symptom {problem}.
log: Incoming complaint of {customer} dated {opened.iso} stored as {number}: {problem}, product {device}.
talk: What is {number} about?|{customer} has trouble with the {device}. It is {problem}.|Since when?|They wrote on {opened.brief}.
talk: Did you see {number}?|The one from {customer}, yes. It came on {opened.brief}, about {problem} in the {device}.
talk: Who opened {number}?|{customer} did, on {opened.brief}.|And the trouble?|They found {problem} in the {device}.
ask customer: Which company opened ticket {number}?
ask customer: Which customer complained of {problem}?
ask customer: Which company has trouble with its {device}?
ask device: Which products does ticket {number} concern?
ask device: About which products does {customer} complain in ticket {number}?
ask device: In which products did {customer} notice {problem}?
ask problem: What is wrong with the {device} of {customer}?
ask problem: What problem does ticket {number} describe?
ask problem: What did {customer} report about the {device}?
ask opened: When was ticket {number} opened?
ask opened: On what date did {customer} report the problem?
ask opened: When did {customer} complain about the {device}?
ask number: What is the number of the ticket from {customer}?
ask number: Under which number was the complaint about the {device} filed?
ask number: Which ticket is about {problem}?
relation: number opened_by customer
relation: number concerns device
relation: customer uses device
relation: number opened_on opened
== person who found the fault: reporter
report: The report was written by {reporter} of {customer.short}.
report: At {customer.short}, it was {reporter} who found the fault.
report: {reporter} noticed it first at {customer.short}.
email: The person who found it is {reporter} at {customer.short}.
email: {reporter} of {customer.short} found it and sent us photos.
email: It was {reporter} who reported it for {customer.short}.
notes: Reported by {reporter} ({customer.short}).
notes: Found by {reporter} of {customer.short}.
notes: {reporter} at {customer.short} found it, photos attached.
log: Reporter: {reporter} ({customer.short}).
log: Fault found by {reporter} of {customer.short}.
log: Found and photographed by {reporter} ({customer.short}).
talk: Who found it at {customer.short}?|{reporter} did.
talk: Who noticed it first?|{reporter} at {customer.short}.
talk: Who reported it?|{reporter} of {customer.short}.
ask reporter: Who reported the problem with the {device}?
ask reporter: Which employee of {customer} reported the fault of ticket {number}?
ask reporter: Who at {customer.short} found the fault?
relation: reporter works_for customer
relation: number reported_by reporter
claim reporter: The person at {customer} who found the fault is {reporter}.
claim reporter: It was {reporter} who found the fault of ticket {number}.
== technician: assignee vendor
report: {vendor}, the maker, sent {assignee} to look into it.
report: The case was given to {assignee} of {vendor}.
report: {assignee} from {vendor} is working on it.
email: {vendor} has asked {assignee} to take care of it.
email: {assignee} of {vendor} is looking into it.
email: I passed it on to {assignee} at {vendor}.
notes: Assigned to {assignee} of {vendor}.
notes: {vendor} sends {assignee}.
notes: With {assignee} at {vendor} now.
log: Assigned to {assignee} ({vendor}).
log: Forwarded to {vendor}, technician {assignee}.
log: {assignee} of {vendor} accepted the ticket.
talk: Who works on it?|{assignee} of {vendor}.
talk: Did {vendor} answer?|Yes, they gave it to {assignee}.
talk: Who takes care of it?|{vendor} sends {assignee}.
ask assignee: Who is working on ticket {number}?
ask assignee: Which technician takes care of the {device}?
ask assignee: To whom was the complaint of {customer} given?
ask vendor: Which company does {assignee} work for?
ask vendor: Which company sent {assignee}?
ask vendor: From which firm is {assignee}?
relation: assignee works_for vendor
relation: number assigned_to assignee
claim assignee: Ticket {number} is in the hands of {assignee}.
claim assignee: The person who looks after the {device} of {customer} is {assignee}.
claim vendor: The technician for ticket {number} works for {vendor}.
== priority: priority
report: Its priority was set to {priority}.
report: The case has {priority} priority.
report: In the queue it counts as {priority}.
email: I set the priority to {priority}.
email: We treat it as {priority}.
email: Its priority is {priority}.
notes: Priority {priority}.
notes: Priority set to {priority}.
notes: Counts as {priority}.
log: Priority: {priority}.
log: Priority changed to {priority}.
log: Classified as {priority}.
talk: What priority did you give it?|I said {priority}.
talk: How urgently do we treat it?|The priority is {priority}.
talk: And the priority?|It is {priority}.
ask priority: What priority does ticket {number} have?
ask priority: What is the priority of the complaint of {customer}?
ask priority: What priority was given to the problem with the {device}?
claim priority: The priority of ticket {number} is {priority}.
claim priority: The complaint of {customer} has {priority} priority.
== cause: cause
prose: The trouble was caused by {cause}.
report: Inspection showed {cause}.
report: The root cause turned out to be {cause}.
email: It turned out to be {cause}.
email: The reason was {cause}.
notes: Cause: {cause}.
notes: Found {cause}.
notes: Comes from {cause}.
log: Diagnosis: {cause}.
log: Root cause entered: {cause}.
log: Test finished, found {cause}.
talk: What was the reason?|It was {cause}.
talk: Do we know the cause?|They found {cause}.
talk: Why did it happen?|Because of {cause}.
ask cause: What caused the problem with the {device}?
ask cause: What was the root cause of ticket {number}?
ask cause: Why did the {device} of {customer} fail?
claim cause: The trouble of ticket {number} came from {cause}.
claim cause: What caused the trouble at {customer} was {cause}.
== remedy: cure
prose: It was solved by {cure}.
report: The remedy was {cure}.
report: The fault was removed by {cure}.
email: They fixed it by {cure}.
email: What helped was {cure}.
notes: Fixed by {cure}.
notes: Remedy: {cure}.
notes: Solution was {cure}.
log: Repair done: {cure}.
log: Solved by {cure}.
log: Action recorded: {cure}.
talk: How did they fix it?|By {cure}.
talk: What helped?|In the end, {cure}.
talk: Is there a remedy?|Yes, {cure}.
ask cure: How was the problem with the {device} solved?
ask cure: What fixed the fault of ticket {number}?
ask cure: How was the trouble at {customer} removed?
claim cure: Ticket {number} was solved by {cure}.
claim cure: The {device} of {customer} were put right by {cure}.
== closing date: closed
prose: The ticket was closed on {closed}.
report: On {closed}, the customer confirmed that all was well.
report: It has been settled since {closed}.
email: We closed it on {closed.brief}.
email: It was done on {closed.brief}.
notes: Closed {closed.abbreviated}.
notes: Settled on {closed.abbreviated}.
notes: Done, {closed.abbreviated}.
log: Ticket closed on {closed.iso}.
log: Status closed, date {closed.iso}.
log: Closing date set to {closed.iso}.
talk: Is it closed?|Yes, since {closed.brief}.
talk: When did they finish?|On {closed.brief}.
talk: So it is done?|We closed it on {closed.brief}.
ask closed: When was ticket {number} closed?
ask closed: On what date was the case of {customer} settled?
ask closed: When was the matter of the {device} closed?
relation: number closed_on closed
claim closed: Ticket {number} was closed on {closed}.
claim closed: The case of {customer} was settled on {closed}.
== repair time: time
prose: The repair took {time}.
report: The work on it lasted {time}.
report: The technician needed {time}.
email: The repair needed {time}.
email: They worked on it for {time}.
notes: Repair time {time}.
notes: Took {time}.
notes: {time} of work, as noted by the technician.
log: Time spent: {time}.
log: Repair time booked, {time}.
log: Duration of the work: {time}.
talk: How long did it take?|It took {time}.
talk: Was it much work?|The technician spent {time} on it.
talk: And the repair time?|They needed {time}.
ask time: How long did the repair of the {device} take?
ask time: How much time did the work on ticket {number} take?
ask time: How long was the technician busy with the {device}?
claim time: The repair of ticket {number} took {time}.
claim time: It took {time} to repair the {device} of {customer}.
""")

KIND = Kind("ticket", "number", draw, FACTS, ("support", "repairs", "complaints"))
