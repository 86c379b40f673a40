"""People: somebody takes up a post at a company."""

from __future__ import annotations

import numpy as np

from finetooth.generate.kinds import Kind, facts
from finetooth.generate.names import listed
from finetooth.generate.world import Record, World, city, day, money, phrase, pick

TEAMS = ("three", "four", "five", "six", "seven", "eight", "nine", "eleven", "twelve", "fourteen")
STUDIES = listed("""
mechanical engineering; economics; organic chemistry; law; applied mathematics; psychology; graphic design;
business administration; computer science; industrial logistics; physics; journalism; statistics; linguistics
""")
TASKS = listed("""
the move to the new warehouse; the launch of an online shop; the search for cheaper suppliers; the yearly audit;
the training of apprentices; the digital archive; the reduction of waste; the opening of a second branch;
the new price list; the works newspaper; the renewal of all contracts; the safety programme
""")


def draw(world: World, n: int, rng: np.random.Generator) -> Record:
    company, former = world.two_companies(rng)
    person, manager = world.two_people(company, rng)
    return Record(
        "hire",
        {
            "person": person.value,
            "company": company.value,
            "role": phrase(person.role, "ROLE"),
            "start": day(rng).value,
            "city": city(company.city),
            "manager": manager.value,
            "former": former.value,
            "team": phrase(pick(TEAMS, rng), "NUMBER"),
            "studies": phrase(pick(STUDIES, rng)),
            "task": phrase(pick(TASKS, rng)),
            "salary": money(int(rng.integers(310, 990)) * 100),
        },
    )


FACTS = facts("""
== joined: person company role start
report: {person} joined {company} as {role} on {start}.
report: On {start}, {company} appointed {person} as its new {role}.
report: Since {start}, the {role} of {company} has been {person}.
email: Have you met {person}? {company} has had a new {role} since {start.brief}.
email: {company} has found a new {role}: {person} began on {start.brief}.
email: Please welcome {person}, who started at {company} as {role} on {start.brief}.
notes: {person} starts at {company} as {role}, {start.abbreviated}.
notes: New {role} of {company} from {start.abbreviated}: {person}.
notes: {company} hires {person} as {role}; first day {start.abbreviated}.
log: Employee {person} created at {company}, post {role}, start {start.iso}.
log: {start.iso}: contract of {person} with {company} begins, title {role}.
log: {company} entered {person} as {role} with effect from {start.iso}.
talk: Who is the new {role} at {company}?|It is {person}.|Since when?|Since {start.brief}.
talk: What does {person} do now?|Works as {role} for {company}, since {start.brief}.
talk: Has {company} hired somebody?|Yes, {person} began as {role} on {start.brief}.
ask person: Who is the new {role} of {company}?
ask person: Who joined {company}?
ask person: Whom did {company} hire as {role}?
ask company: Which company hired {person}?
ask company: At which company does {person} work as {role}?
ask company: Which company has a new {role}?
ask role: What is the job of {person} at {company}?
ask role: As what does {person} work?
ask role: What post did {company} give to {person}?
ask start: When did {person} join {company}?
ask start: When did {person} start as {role}?
ask start: On what date did {company} take on {person}?
relation: person works_for company
relation: person starts_on start
== line manager: manager
report: {person.last} reports to {manager}.
report: The line manager is {manager}.
report: {manager} supervises the new colleague.
email: {manager} is the boss of {person.first}.
email: {person.first} reports to {manager}.
email: The line manager is {manager}, as far as I know.
notes: Reports to {manager}.
notes: Line manager: {manager}.
notes: Supervised by {manager}.
log: Line manager set to {manager}.
log: Reporting line: {manager}.
log: Supervisor assigned: {manager}.
talk: Who is the boss?|{manager}.
talk: To whom does {person.first} report?|To {manager}.
talk: And the line manager?|That is {manager}.
ask manager: Who is the manager of {person}?
ask manager: To whom does {person} report?
ask manager: Who supervises {person} at {company.short}?
relation: person reports_to manager
claim manager: {person} reports to {manager}.
claim manager: The superior of {person} is {manager}.
== office: city
report: The desk is in the {city} office.
report: {person.last} works at the branch in {city}.
report: The place of work is {city}.
email: You will find {person.first} in the {city} office.
email: The job is based in {city}.
email: {person.first} has moved to {city} for it.
notes: Office in {city}.
notes: Place of work {city}.
notes: Based in {city}.
log: Place of work: {city}.
log: Desk allotted in {city}.
log: Site changed to {city}.
talk: In which office?|The one in {city}.
talk: Where is the desk?|In {city}.
talk: Do we meet here?|No, the job is in {city}.
ask city: In which city does {person} work?
ask city: Where is the office of {person}?
ask city: Where is the new {role} of {company.short} based?
relation: person works_in city
claim city: The office of {person} is in {city}.
claim city: {person} works in {city}.
== former employer: former
prose: Before that, {person.last} was with {former}.
report: {person.last} came from {former}.
report: The former employer was {former}.
email: The last job of {person.first} was at {former}.
email: {person.first} used to work for {former}.
notes: Was with {former} before.
notes: Comes from {former}.
notes: Former employer {former}.
log: Previous employer: {former}.
log: Reference received from {former}.
log: Record transferred from {former}.
talk: Where did {person.first} work before?|At {former}.
talk: And the last job?|That was with {former}.
talk: Who was the former employer?|{former}.
ask former: Which company did {person} work for before?
ask former: Who was the former employer of {person}?
ask former: From which company did {person} come to {company.short}?
relation: person worked_for former
claim former: Before joining {company}, {person} was with {former}.
claim former: The former employer of {person} is {former}.
== size of the team: team
prose: {person.last} leads a team of {team}.
report: There are {team} people in the new team.
report: The post comes with {team} subordinates.
email: {person.first} has {team} people to lead.
email: The team has {team} members.
notes: Team of {team}.
notes: Leads {team} people.
notes: Team size: {team}.
log: Team size set to {team}.
log: Headcount of the team: {team}.
log: Access granted for {team} subordinates.
talk: How large is the team?|It has {team} members.
talk: Is there a team?|Yes, {team} people.
talk: How many people are there to lead?|There are {team}.
ask team: How many people does {person} lead?
ask team: How many members does the team of {person} have?
ask team: How many subordinates does the new {role} have?
claim team: The team of {person} has {team} members.
claim team: {person} leads {team} people.
== studies: studies
prose: {person.last} holds a degree in {studies}.
report: The new colleague studied {studies}.
report: A degree in {studies} was required for the post.
email: {person.first} studied {studies}.
email: Guess what, it takes a degree in {studies} for this job.
notes: Studied {studies}.
notes: Degree in {studies}.
notes: Education: {studies}.
log: Qualification: {studies}.
log: Certificate filed, {studies}.
log: Degree verified: {studies}.
talk: What did {person.first} study?|It was {studies}.
talk: Any degree?|Yes, in {studies}.
talk: What about education?|A degree in {studies}.
ask studies: What did {person} study?
ask studies: In what subject does {person} have a degree?
ask studies: What is the degree of the new {role} in?
claim studies: The degree of {person} is in {studies}.
claim studies: The subject that {person} studied is {studies}.
== first task: task
prose: The first task will be {task}.
report: {person.last} was hired to look after {task}.
report: At the top of the list stands {task}.
email: {person.first} will begin with {task}.
email: The main job is {task}.
notes: First task: {task}.
notes: Takes over {task}.
notes: To begin with {task}.
log: Project assigned: {task}.
log: First task entered, {task}.
log: Goal for the first year: {task}.
talk: What comes first?|It is {task}.
talk: What is there to do?|The first thing is {task}.
talk: Any plans?|{person.first} starts with {task}.
ask task: What is the first task of {person}?
ask task: With what will {person} begin at {company}?
ask task: What does {person} have to do first as {role}?
claim task: {person} begins with {task}.
claim task: The first thing that {person} has to do is {task}.
== salary: salary
prose: The post pays {salary} a year.
report: The yearly salary is {salary}.
report: {company.short} pays {salary} a year for the post.
email: The salary is {salary} a year.
email: They pay {salary} a year, I was told.
notes: Salary {salary} a year.
notes: Pays {salary}.
notes: Yearly pay: {salary}.
log: Salary entered: {salary}.
log: Yearly pay approved, {salary}.
log: Payroll updated to {salary} a year.
talk: What does it pay?|It is {salary} a year.
talk: And the salary?|They said {salary}.
talk: Is it well paid?|It pays {salary} a year.
ask salary: How much does {person} earn in a year?
ask salary: How much does {company} pay {person}?
ask salary: What is the yearly salary of the new {role}?
relation: person earns salary
claim salary: {person} earns {salary} a year.
claim salary: {company} pays {person} {salary} a year.
""")

KIND = Kind("hire", "person", draw, FACTS, ("new colleagues", "personnel", "appointments"))
