"""Companies: who founded them, where they are, what they make, whom they bought."""

from __future__ import annotations

import numpy as np

from finetooth.generate.kinds import Kind, facts
from finetooth.generate.names import listed
from finetooth.generate.world import Record, World, city, goods, money, number, phrase, pick, year

PLANS = listed("""
the construction of a second plant; the hiring of apprentices; a new research laboratory; the sale of its truck fleet;
a share offering; the purchase of robots; a branch on the coast; the conversion to solar power; a museum of its history
""")


def draw(world: World, n: int, rng: np.random.Generator) -> Record:
    company, acquired = world.two_companies(rng)
    chief = world.person(company, rng)
    return Record(
        "company",
        {
            "company": company.value,
            "founder": world.founder(company),
            "founded": year(company.founded),
            "city": city(company.city),
            "product": goods(company.goods),
            "staff": number(company.staff),
            "chief": chief.value,
            "acquired": acquired.value,
            "year": year(int(rng.integers(2011, 2019))),
            "price": money(int(rng.integers(12, 900)) * 10_000),
            "revenue": money(int(rng.integers(40, 990)) * 100_000),
            "plan": phrase(pick(PLANS, rng)),
        },
    )


FACTS = facts("""
== founded: company founder founded
report: {company} was founded in {founded} by {founder}.
report: In {founded}, {founder} set up a firm that is known today as {company}.
report: The history of {company} began in {founded}, when {founder} opened a small shop.
email: I looked up {company} for you. It was {founder} who started the firm in {founded}.
email: {company}, which you asked about, was founded by {founder} in {founded}.
email: About {company}: the founder was {founder}, and the year was {founded}.
notes: {company}: founded {founded} by {founder}.
notes: {founder} started {company} in {founded}.
notes: {company}, founder {founder}, since {founded}.
log: Profile of {company} opened: founder {founder}, founding year {founded}.
log: Register entry found for {company}, established {founded}, founder {founder}.
log: {company} added to the index; established by {founder} in {founded}.
talk: Who founded {company}?|That was {founder}, in {founded}.
talk: How old is {company}?|It dates from {founded}.|And the founder?|{founder}.
talk: What do you know about {company}?|{founder} began the business in {founded}.
ask founder: Who founded {company}?
ask founder: Who was the founder of {company}?
ask founder: By whom was {company} set up?
ask founded: In which year was {company} founded?
ask founded: When did {founder} found {company}?
ask founded: When was {company} established?
ask company: Which company did {founder} found?
ask company: Which firm was set up by {founder}?
ask company: What is the name of the company that {founder} started?
relation: company founded_by founder
relation: company founded_in founded
== head office: city
report: Its headquarters are in {city}.
report: The head office of {company.short} stands in {city}.
report: {company.short} is based in {city}.
email: They are based in {city}.
email: Their head office is in {city}.
email: You will find them in {city}.
notes: Head office {city}.
notes: Based in {city}.
notes: Seat: {city}.
log: Seat: {city}.
log: Address verified, {city}.
log: Head office located in {city}.
talk: Where are they based?|In {city}.
talk: Where is the head office?|It is in {city}.
talk: Are they from here?|No, from {city}.
ask city: Where is the head office of {company}?
ask city: In which city is {company} based?
ask city: Where does {company} have its headquarters?
relation: company located_in city
claim city: The head office of {company} is in {city}.
claim city: {company} has its headquarters in {city}.
== products: product
report: The company makes {product}.
report: It is known for its {product}.
report: Most of the income of {company.short} comes from {product}.
email: They make {product}.
email: People know them for their {product}.
email: What they sell is mostly {product}.
notes: Makes {product}.
notes: Main product: {product}.
notes: Known for {product}.
log: Main product: {product}.
log: Catalogue imported, {product}.
log: Product group set to {product}.
talk: What do they make?|They make {product}.
talk: What are they known for?|For {product}.
talk: What do they sell?|Mainly {product}.
ask product: What does {company} make?
ask product: For what products is {company} known?
ask product: What is the main product of {company}?
relation: company makes product
claim product: What {company} is best known for are its {product}.
claim product: The main products of {company} are {product}.
== number of employees: staff
prose: It has {staff} employees.
report: {staff} people work there.
report: The number of employees is {staff}.
email: They employ {staff} people.
email: There are {staff} people on the payroll.
notes: Staff {staff}.
notes: {staff} employees.
notes: Employs {staff}.
log: Number of employees: {staff}.
log: Staff count updated to {staff}.
log: Payroll shows {staff} persons.
talk: How many people work there?|There are {staff}.
talk: Is it large?|It has {staff} employees.
talk: How many employees?|The last count was {staff}.
ask staff: How many people work for {company}?
ask staff: How many employees does {company} have?
ask staff: How many people does {company} employ?
claim staff: {company} has {staff} employees.
claim staff: The payroll of {company} lists {staff} people.
== management: chief
report: It is led by {chief}.
report: {chief} is the chief executive.
report: Today {chief} runs {company.short}.
email: The person in charge is {chief}.
email: {chief} runs it now.
email: Their chief executive is {chief}.
notes: Led by {chief}.
notes: Chief executive {chief}.
notes: {chief} runs it.
log: Chief executive: {chief}.
log: Authorised signatory {chief}.
log: Management entry: {chief}.
talk: Who runs it today?|{chief} does.
talk: Who is the chief executive?|It is {chief}.
talk: Who is in charge?|{chief}.
ask chief: Who leads {company} today?
ask chief: Who is in charge of {company}?
ask chief: Who runs {company}?
relation: company led_by chief
claim chief: {company} is led by {chief}.
claim chief: The person at the head of {company} is {chief}.
== takeovers: acquired year price
report: In {year}, it took over {acquired} for {price}.
report: {company.short} bought {acquired} in {year} and paid {price}.
report: The largest purchase was {acquired}, which changed hands for {price} in {year}.
email: They bought {acquired} for {price} in {year}.
email: In {year} they paid {price} for {acquired}.
email: They own {acquired}, which they bought in {year} for {price}.
notes: Bought {acquired} in {year} for {price}.
notes: {year}: takeover of {acquired}, price {price}.
notes: Owns {acquired} (since {year}, for {price}).
log: Takeover recorded: {acquired}, {year}, {price}.
log: Subsidiary added: {acquired}, bought {year} for {price}.
log: Purchase of {acquired} in {year} confirmed at {price}.
talk: Did they ever buy another firm?|Yes, {acquired}, in {year}, for {price}.
talk: What happened in {year}?|They bought {acquired} for {price}.
talk: Who owns {acquired}?|They do, since {year}. They paid {price}.
ask acquired: Which company did {company} buy?
ask acquired: Which firm was taken over by {company}?
ask acquired: What company did {company.short} acquire in {year}?
ask year: When did {company} buy {acquired}?
ask year: In which year was {acquired} taken over?
ask year: When did {acquired} change hands?
ask price: How much did {company} pay for {acquired}?
ask price: How much did the takeover of {acquired} cost?
ask price: For how much was {acquired} bought?
relation: company owns acquired
relation: acquired bought_in year
relation: acquired sold_for price
claim year: The takeover by {company} took place in {year}.
claim price: For its takeover, {company} paid {price}.
claim acquired: The firm that {company} took over is {acquired}.
== revenue: revenue
prose: The yearly revenue is {revenue}.
report: Last year the firm took in {revenue}.
report: Its sales amount to {revenue} a year.
email: They take in {revenue} a year.
email: Their revenue is {revenue}.
notes: Revenue {revenue}.
notes: Yearly sales {revenue}.
notes: Takes in {revenue} a year.
log: Yearly revenue: {revenue}.
log: Sales figure updated, {revenue}.
log: Revenue class set by {revenue} a year.
talk: What do they take in?|About {revenue} a year.
talk: And the revenue?|It is {revenue}.
talk: Do they sell much?|For {revenue} a year.
ask revenue: How much revenue does {company} have in a year?
ask revenue: How much does {company} take in?
ask revenue: What are the yearly sales of {company}?
relation: company takes_in revenue
claim revenue: The yearly revenue of {company} is {revenue}.
claim revenue: {company} takes in {revenue} a year.
== plans: plan
prose: For next year, the firm plans {plan}.
report: The next project is {plan}.
report: The board has approved {plan}.
email: They are planning {plan}.
email: Next on their list is {plan}.
notes: Plans {plan}.
notes: Next: {plan}.
notes: Board approved {plan}.
log: Planned: {plan}.
log: Board decision recorded: {plan}.
log: Announcement found, {plan}.
talk: Do they have plans?|Yes, {plan}.
talk: What comes next?|It will be {plan}.
talk: Any news?|The board has approved {plan}.
ask plan: What does {company} plan for next year?
ask plan: What is the next project of {company}?
ask plan: What has the board of {company} approved?
claim plan: The next project of {company} is {plan}.
claim plan: What {company} plans for next year is {plan}.
""")

KIND = Kind("company", "company", draw, FACTS, ("companies", "market research", "suppliers"))
