"""What the generator's fields are filled with: word lists of our own, cut so that no value is in two splits.

pick(draw, CITIES) -> "Tartu" in training rows, never in test rows

Every fifth word of a list belongs to the test split. Numbers in codes and the years of dates are cut by their remainder
modulo 3. So a name, code, date, address or text of the test split never stands in a training row; amounts,
counts and enumerated values may.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

TEST_EVERY = 5


class Pool(NamedTuple):
    """A word list cut in two."""

    train: tuple[str, ...]
    test: tuple[str, ...]


def pool(text: str, sep: str | None = None) -> Pool:
    words = [" ".join(w.split()) for w in text.split(sep) if w.strip()]
    cut = [i % TEST_EVERY == TEST_EVERY - 1 for i in range(len(words))]
    return Pool(
        tuple(w for w, test in zip(words, cut, strict=True) if not test),
        tuple(w for w, test in zip(words, cut, strict=True) if test),
    )


class Draw:
    """The chance of one row, and the split that it is for."""

    __slots__ = ("_base", "random", "test")

    def __init__(self, seed: str, split: str) -> None:
        self.random = random.Random(seed).random
        self.test = split == "test"
        self._base: date | None = None

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1."""
        return int(self.random() * n)

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self.random() * (high - low + 1))

    def choice(self, values: Sequence[Any]) -> Any:
        return values[int(self.random() * len(values))]

    def pick(self, words: Pool) -> str:
        """A word of the split's own part of a list."""
        return self.choice(words.test if self.test else words.train)

    def some(self, words: Pool, n: int) -> list[str]:
        """n different words of the split's own part, or all of them if there are fewer."""
        own = words.test if self.test else words.train
        chosen: dict[str, None] = {}
        n = min(n, len(own))
        while len(chosen) < n:
            chosen[own[int(self.random() * len(own))]] = None
        return list(chosen)

    def number(self, digits: int) -> int:
        """A number of so many digits that the other split cannot draw."""
        n = self.between(10 ** (digits - 1) + 2, 10**digits - 3)
        return n - n % 3 + 1 if self.test else n - n % 3 + 2 * self.below(2)

    @property
    def base(self) -> date:
        """The day that a row is about: its year is the split's own, and ten weeks around it are of that year too."""
        if self._base is None:
            self._base = self.far_day(2018, 9)
        return self._base

    def far_day(self, first_year: int, years: int) -> date:
        """A day of one of so many years, moved to the next one of the split's own."""
        year = first_year + self.below(years)
        year += (1 - year % 3) if self.test else (year % 3 == 1)
        return date(year, 2, 25) + timedelta(days=self.below(215))

    def day(self, first: int = 0, last: int = 20) -> date:
        """A day so many days from the row's own."""
        return self.base + timedelta(days=self.between(first, last))

    def moment(self) -> datetime:
        """A minute of such a day, in UTC."""
        day = self.day()
        return datetime(day.year, day.month, day.day, self.below(24), self.below(60), tzinfo=UTC)


FIRST = pool("""
Aino Amadou Anneli Arturo Beatriz Benno Bilal Brigid Carmela Casimir Chiara Cosmin Dagny Damir Delphine Dorota Eamon
Edda Elio Emeka Esther Fabrizio Farida Fenna Florin Gesine Giorgos Greta Hakan Hanneke Hedwig Hristo Ilona Imani Ines
Iskra Jarmila Jasper Joaquin Jolanta Kadri Kamal Katarzyna Kwame Lavinia Leif Leocadia Lidia Lorcan Ludmila Maeve Magnus
Manon Marisol Matthis Mercy Mihai Milica Nadir Naoko Nerea Niamh Odile Olamide Oskar Otilia Pavlos Perpetua Piet Quirin
Radka Ragnhild Rasmus Renske Rosalind Ruben Salome Samira Sander Severin Siobhan Solveig Stellan Svetlana Tadeusz Tamsin
Teodora Thandi Tobias Ulrike Umberto Valeria Vasil Viveka Wanda Wilhelm Xenia Yusuf Zdenka Zoltan
""")
LAST = pool("""
Abernathy Achterberg Adeyemi Almqvist Andrade Arnesen Asante Bakalar Balogun Barbosa Bergstrom Bielski Bjarnason Boateng
Bouchard Brennan Calloway Carvalho Castellan Ceballos Chaudhry Cieslak Colombo Corrigan Dahlberg Danso Delacroix
Dimitrov Dombrowski Dragomir Eklund Elsayed Engelhart Espinoza Fairweather Farkas Feldmann Ferrante Fitzroy Fonseca
Gallagher Georgiou Gravesen Grimaldi Gustavsen Halloran Hamidi Hartwig Haugland Hendrikse Hjelm Horvat Iglesias Ivanova
Jablonski Janssens Jokinen Kallas Karlsen Kavanagh Kiplagat Kowalczyk Kruger Laaksonen Lachance Larkin Lindqvist
Lombardi Macleod Marchetti Mbeki Mendieta Molnar Moravec Nakamura Ndiaye Nieminen Novotny Obrador Odhiambo Okonjo
Ostrowski Palmgren Papadakis Pellegrin Petrescu Quintela Rasmussen Ravenscroft Rinaldi Rosendahl Sabatier Salonen
Schreiber Serrano Sikorska Skovgaard Stojanov Szabo Takala Thorvald Trevelyan Tsakiris Underhill Vandermeer Varga
Vasquez Verhoeven Villanueva Wachowski Whitlock Wierzba Yamasaki Yilmaz Zabala Zielinski Zoric
""")
CITIES = pool("""
Aarhus Almeria Antwerp Arezzo Bergen Bilbao Bordeaux Braga Bratislava Brno Cadiz Coimbra Constanta Cork Debrecen Dijon
Dundee Eindhoven Faro Gdansk Genoa Ghent Girona Graz Groningen Haarlem Inverness Ioannina Jena Kaunas Klaipeda Kosice
Leiden Limerick Linz Ljubljana Lleida Lublin Lugano Malmo Maribor Metz Modena Namur Nantes Olomouc Oulu Padua Patras
Perugia Pilsen Porto Poznan Ravenna Rennes Rijeka Rostock Salzburg Santander Sibiu Sligo Split Stavanger Szeged Tampere
Tarragona Tartu Timisoara Tralee Trieste Turku Uppsala Utrecht Varna Verona Vigo Vilnius Winterthur Zadar Zaragoza
""")
STREETS = pool("""
Acorn Alder Anchor Ashby Beacon Birchfield Bramble Bridgend Brook Cannery Cedar Chandler Chapel Clover Coopers Cowslip
Dockside Elmwood Fairfield Fern Ferry Foundry Foxglove Gable Garnet Glebe Granary Hawthorn Hazel Heron Hollow Ivy Juniper
Kestrel Kiln Larch Lavender Linden Lockgate Magpie Maltings Meadow Millrace Orchard Osprey Paddock Parsonage Pebble
Plover Poplar Quarry Quayside Rowan Saddlers Saltmarsh Sandpiper Shepherd Sorrel Spinney Station Sycamore Tanner Thistle
Tithe Vicarage Vineyard Walnut Weavers Willow Windmill Yarrow
""")
STREET_KINDS = ("Street", "Lane", "Road", "Close", "Way", "Row")
FIRMS = pool("""
Alderbrook Amberline Arkwell Basalto Blauwind Brightwater Calderon Canvasco Cinderhill Clearmont Copperleaf Corvida
Dovetail Driftmark Dunmore Eastgate Elderfield Evermoor Farholm Fennwick Fjordline Flintlock Galeforce Glasswing
Goldenrod Greywell Halcyon Hartmoor Highmark Ironvale Jadestone Kelpway Kestova Lanternal Larkspur Lindhaus Lodestar
Mapleton Marlowe Meridia Millbrand Moorgate Nettlecroft Northpine Oakhurst Orbistra Otterbury Palisade Pinecrest
Polarvik Quillon Ravelin Redfern Riverton Rookwood Saltaire Silverbeck Skyfarer Stonebridge Sundby Tallowood Tamarack
Thornbury Tidewell Umbra Valewood Vantora Verdanta Wavecrest Westmark Whitfield Willowmere Wrenhaven Yellowtail Zephyra
""")
FIRM_KINDS = ("Ltd", "GmbH", "BV", "AB", "SA", "Works", "Supply", "Trading", "Partners", "Studio")
GOODS = pool(
    """
adjustable spanner, aluminium ladder, anti-fatigue mat, bamboo tray, barcode scanner, bench vice, bicycle pump, bread
knife, bubble wrap roll, cable ties, camping stove, canvas tarpaulin, cast iron pan, ceiling lamp, ceramic vase, chalk
marker set, cork board, cotton apron, desk organiser, drill bit set, dust mask pack, electric kettle, espresso cups,
extension cord, felt insoles, filing cabinet, fire blanket, folding chair, garden hose, glass carafe, glue sticks, hand
truck, headlamp, heat gun, hex key set, hole punch, induction hob, ink cartridge, jigsaw blade, label printer, laptop
stand, leather gloves, letter scale, linen napkins, measuring tape, mixing bowl, monitor arm, mortar tub, nylon rope,
oak shelf, office chair, oil filter, packing tape, paint roller, paper shredder, pipe wrench, plant pots, power strip,
projector screen, rain jacket, rubber mallet, safety goggles, sanding block, shower head, silicone sealant, snow shovel,
soldering iron, spirit level, stapler, steel bucket, storage crate, sun parasol, tile cutter, tool belt, torch
batteries, tripod, umbrella stand, utility knife, vacuum flask, wall clock, water filter, whiteboard, wire brush, wool
blanket, work boots, workbench lamp, yoga block, zinc screws
""",
    ",",
)
TITLES = pool(
    """
The Salt Road, A Lantern for Winter, Rivers Without Bridges, The Glassblower's Ledger, Nine Quiet Harbours, Under the
Copper Roof, The Cartographer's Niece, Bread and Thunder, Letters to an Island, The Slow Orchard, When the Ferries Stop,
A House of Borrowed Light, The Last Signalman, Moths at the Window, The Weight of Feathers, Northbound in Autumn, The
Painted Well, Seven Keys to the Mill, Ashes of the Carnival, The Beekeeper's Almanac, Clocks of the Lower Town, Paper
Boats, The Deaf Violin, Stones for the Wall, A Field Guide to Silence, The Apprentice Diver, Blue Hour in Tartu, The
Tin Orchestra, Maps of the Sea Floor, The Winter Ropewalk, Harvest of Kites, The Night Ledger, Old Songs for New Doors,
The Lighthouse Census, Crossing the Fen, The Potter's Argument, Dust on the Piano, A Short Walk to Yesterday, The Moss
Garden, Twelve Rooms Facing East, The Charcoal Year, Fathoms, The Inkmaker, Letters in Lime, The Ninth Gate Keeper
""",
    ",",
)
TEAMS = pool(
    """
Harbour Rovers, Mill Lane Athletic, Redbank United, Northgate Swifts, Quarry Town, Ferry Wanderers, Castle Hill, Oakfield
Rangers, Lowland City, Bridge Street, Kiln Park, Station Albion, Greenmoor, Salters, Weir Valley, Tower Hamlet, Dockers
Union, Foxhill, Marsh End, Abbey Vale, Ironside, Brickfields, Hilltop Stars, Canal Wharf, Eastfleet, Lighthouse Town,
Orchard Celtic, Southbank Hotspur, Vale Victoria, Windmill Thistle
""",
    ",",
)
COURSES = pool(
    """
Bookbinding for Beginners, Practical Statistics, Intro to Welding, Wild Plant Identification, Spoken Portuguese, Bicycle
Repair, Watercolour Landscapes, First Aid at Work, Sourdough Baking, Technical Drawing, Garden Planning, Data Cleaning
with SQL, Stage Lighting, Choir Conducting, Sign Language Basics, Soil Science, Furniture Restoration, Radio Production,
Night Photography, Public Speaking, Beekeeping Essentials, Bread and Fermentation, Navigation at Sea, Stone Carving,
Creative Nonfiction, Tax for Freelancers, Tree Surgery Safety, Map Reading, Kitchen Hygiene, Textile Repair, Acoustics
for Musicians, Clock Repair, Home Wiring, Screen Printing, Local History Research
""",
    ",",
)
DISHES = pool(
    """
barley soup, leek tart, fennel risotto, smoked trout salad, walnut bread, plum dumplings, lentil stew, pumpkin gnocchi,
apple crumble, mushroom pie, chickpea curry, baked haddock, beetroot borscht, almond cake, lamb tagine, potato rosti,
spinach lasagne, rye pancakes, cider mussels, pear strudel, herring toast, cabbage rolls, saffron rice, bean cassoulet,
rhubarb fool, nettle soup, duck ragu, cauliflower gratin, honey biscuits, onion galette
""",
    ",",
)
TAGS = pool("""
quick vegan seasonal budget festive spicy comfort brunch picnic freezer onepot lowsalt nutfree kids leftover batch
classic rustic light hearty crunchy creamy smoky tangy zesty warming chilled overnight grilled raw
""")
TASKS = pool(
    """
survey the site, draft the floor plan, order timber, pour the footing, frame the north wall, fit the windows, lay the
drainage, wire the meeting room, test the alarms, paint the stairwell, seal the roof, insulate the loft, tile the
kitchen, hang the doors, level the yard, plant the hedge, review the permits, brief the contractors, photograph the
damage, measure the beams, clear the basement, install the lift, calibrate the boiler, mount the signage, inspect the
welds, sand the floors, replace the gutters, stock the tool shed, update the drawings, hand over the keys
""",
    ",",
)
PHASES = pool(
    """
groundwork, structure, interior, landscaping, commissioning, demolition, enabling works, facade, services, fit-out,
handover, surveying, roofing, drainage, finishing, snagging, procurement, tendering, mobilisation, restoration
""",
    ",",
)
DRUGS = pool("""
Almorine Bexalin Cardovex Dolirest Ensafil Fenoriva Gastrelan Hepamol Inflanex Jorvalin Kalmetra Lumicort Mevorin
Nostrazol Optilane Pravexa Quinoret Rinasol Somnacal Tenzaril Urofend Valmicin Wexadol Xylopran Zentavil
""")
AILMENTS = pool(
    """
seasonal rhinitis, tension headache, sprained ankle, mild anaemia, contact dermatitis, acid reflux, ear infection, lower
back strain, vitamin D deficiency, migraine, tennis elbow, bronchitis, insomnia, iron overload, plantar fasciitis,
sinusitis, eczema, gastritis, shin splints, conjunctivitis, laryngitis, vertigo, bursitis, rosacea, hay fever
""",
    ",",
)
CARGO = pool(
    """
olive oil drums, ceramic tiles, bicycle frames, tinned sardines, cork sheets, machine parts, wool bales, glass bottles,
solar panels, paper reels, coffee sacks, copper cable, garden furniture, rice bags, tractor tyres, cotton yarn, frozen
squid, cocoa beans, plywood panels, ball bearings, paint tins, marble slabs, rubber sheets, dried figs, steel coils,
office desks, malt sacks, plastic pellets, wheat flour, ship anchors
""",
    ",",
)
SHIPS = pool("""
Aurelia Borealis Calypsonia Dorothea Estrellita Fulmar Galatea Hesperia Isolde Jutlandia Kittiwake Leonora Marianna
Nordstjern Ondine Petrel Querida Rosalba Seadrift Ternen Undaria Valkyra Wavedancer Ximenia Ysolde
""")
FARM_FIELDS = pool(
    """
Long Acre, Crow Field, Mill Bottom, Gorse Bank, Church Piece, Upper Ley, Stony Rise, Duck Meadow, Far Croft, Hanger
Side, Brick Kiln, Nine Elms, Sallow Corner, Toll Gate, Badger Copse, Lime Pit, Water Lane, Rush Mead, Pound Close,
Thorn Hill, Barn Ground, Ox Leys, Fallow End, Warren Top, Sand Pits
""",
    ",",
)
JOBS = pool(
    """
site manager, accountant, nurse, electrician, librarian, buyer, warehouse lead, designer, receptionist, dispatcher, lab
technician, translator, teacher, welder, office clerk, baker, surveyor, gardener, driver, analyst, archivist, chemist,
editor, mechanic, planner
""",
    ",",
)


def person(d: Draw, here: Any = None) -> str:
    return f"{d.pick(FIRST)} {d.pick(LAST)}"


def mail_of(name: str, d: Draw) -> str:
    first, _, last = name.lower().partition(" ")
    user = d.choice((f"{first}.{last}", f"{first[0]}{last}", f"{last}.{first}", f"{first}_{last}"))
    return f"{user}@{d.pick(FIRMS).lower()}.example"


def firm(d: Draw, here: Any = None) -> str:
    return f"{d.pick(FIRMS)} {d.choice(FIRM_KINDS)}"


def street(d: Draw, here: Any = None) -> str:
    return f"{d.between(1, 180)} {d.pick(STREETS)} {d.choice(STREET_KINDS)}"


def phone(d: Draw, here: Any = None) -> str:
    return f"+{d.choice((31, 34, 39, 44, 45, 46, 48, 351, 353, 358))} {d.between(10, 99)} {d.number(7)}"


def ipv4(d: Draw, here: Any = None) -> str:
    return f"10.{d.below(200)}.{d.below(250)}.{1 + 3 * d.below(84) if d.test else 2 + 3 * d.below(84)}"


def postcode(d: Draw, here: Any = None) -> str:
    return str(d.number(5))


def of(words: Pool) -> Callable[[Draw, Any], str]:
    """A field that is a word of the list."""
    return lambda d, here: d.pick(words)


def hostname(d: Draw, here: Any = None) -> str:
    return f"{d.choice(('app', 'db', 'mail', 'node', 'proxy', 'store'))}{d.number(3)}.{d.pick(FIRMS).lower()}.example"
