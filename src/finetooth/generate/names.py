"""What the built-in world is made of: names that nobody bears, towns, goods, roles.

No name is an English word of the prose, a surname is never a town, a company's stem never either:
a string then means one thing wherever it stands, and labels over it can be true everywhere.
"""

from __future__ import annotations


def listed(text: str, mark: str = ";") -> tuple[str, ...]:
    """The phrases of a block, parted by semicolons, or its words with ``mark`` " "."""
    return tuple(" ".join(part.split()) for part in " ".join(text.split()).split(mark) if part.strip())


FIRST_NAMES = listed(
    """
Adela Agnes Aisha Alban Alina Amira Anders Aneta Anika Anton Arlo Astrid Basil Beata Benedikt Bjorn Bruna Carla
Cedric Celia Ciaran Clara Corin Dalia Damir Davor Delphine Dina Dmitri Edda Edwin Eleni Elif Elsa Emeric Enzo Erika
Esme Esther Fabian Farah Fergus Fiona Freja Gareth Gemma Gerda Gianni Greta Hamid Hanna Hector Helga Henrik Hugo
Ibrahim Ida Ilse Imran Ines Ingrid Irena Isolde Ivan Jadwiga Jamila Janek Jasper Joanna Jonas Jorge Judith Kamal
Karin Katya Keiko Kenji Kirsten Lars Leila Lena Leonie Liam Linus Lorena Luca Lucia Magnus Malik Marcel Marek
Marit Martha Mateo Maxine Mei Milan Miriam Nadia Naomi Nikolai Nils Noor Olga Omar Oscar Otto Paavo Pavel Petra
Priya Quentin Rafael Ragnar Rashid Renata Rohan Rosalind Ruben Sabine Samir Sandor Selma Simone Sinead Soren
Stefan Sunita Svea Tadeusz Tamsin Tariq Thea Theo Tomas Ulrike Ursula Valerie Vera Viktor Vilma Walter Wanda Xenia
Yara Yusuf Zora
""",
    " ",
)

LAST_NAMES = listed(
    """
Abernathy Achterberg Adeyemi Ahlgren Albrecht Almeida Andrade Appiah Arsenault Ashworth Baptista Barrowman Bashir
Beckett Bellini Bergstrom Bianchi Blackwood Borowski Brandvold Brennan Cavendish Chaudhry Christou Cordeiro Costigan
Dahlberg Danziger Delacroix Demir Dimitrov Donoghue Drummond Eklund Ellsworth Engstrom Eriksen Esposito Fairweather
Farkas Ferrante Finnegan Fontaine Forsberg Gallagher Gonzaga Grimaldi Guerrero Haddad Hallgrim Hanrahan Hargreaves
Havlicek Hennessy Hoffman Holmgren Horvath Ibanez Iglesias Ivarsson Jablonski Jankovic Jorgensen Kaczmarek Kapoor
Karlsen Kaufmann Kavanagh Keller Kirchner Kowalczyk Kristof Lachance Lefevre Lindqvist Lombardi Lundgren MacAllister
Magnusson Malhotra Marchetti Mbeki McCarthy Mendoza Mikkelsen Montague Moreau Mulligan Nakamura Nambiar Navarro
Nesbitt Nikolaidis Nordstrom Novak Nwosu Obrecht Okafor Oliveira Onishi Osterberg Paszek Pellegrini Petrov Pettersen
Pickering Popescu Prendergast Quintero Radcliffe Rahimi Ramaswamy Rasmussen Redfern Rinaldi Rosenthal Ruiz Saarinen
Salazar Santoro Schreiber Sedgwick Shaughnessy Sikorski Sorensen Stavros Strand Sundaram Szabo Tanaka Thackeray
Tikhonov Tolstrup Trevelyan Uddin Vandermeer Vasquez Venkataraman Villanueva Voss Wadsworth Wallin Weatherby
Whitlock Wieczorek Wolfram Yamada Yilmaz Zamora Zelenka Zielinski
""",
    " ",
)

CITIES = listed(
    """
Aberdeen Antwerp Auckland Basel Bergen Bilbao Bologna Bremen Brisbane Bristol Brno Bruges Busan Calgary Cardiff
Coimbra Coventry Debrecen Denver Dresden Dublin Dundee Durban Eindhoven Exeter Galway Gdansk Geneva Ghent Graz
Halifax Hamburg Helsinki Hobart Innsbruck Kochi Kosice Krakow Lausanne Leeds Leipzig Liege Lille Linz Ljubljana
Lyon Malmo Maribor Mombasa Montreal Nairobi Nantes Norwich Odense Omaha Oslo Osaka Palermo Porto Poznan Pune Quito
Riga Rotterdam Salzburg Seattle Seville Stavanger Swansea Szeged Taipei Tallinn Tampere Toledo Trieste Tucson Turin
Uppsala Utrecht Valencia Verona Vilnius Winnipeg Wroclaw Zagreb
""",
    " ",
)

# A stem is a beginning and an ending: 40 x 16 invented names.
STEM_STARTS = listed(
    """
Ard Bel Bren Cald Corv Dor Elm Fen Gal Gren Hald Harn Ingl Jun Kel Kest Lark Lorm Mell Merv Nor Orv Pell Quil Rav
Rosk Sel Skel Tarn Thorn Ulv Varn Vest Wex Whel Yarr Zell Ost Brax Drey
""",
    " ",
)
STEM_ENDS = listed("wick mere ford ano holm ley ora stead ton vale by ix ander ello ungen ara", " ")

# What a company does -> (what it adds to its stem, the goods it makes or sells, in the plural).
TRADES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "furniture": (
        ("Furniture", "Interiors", "Office Supply"),
        (
            "desk lamps",
            "office chairs",
            "filing cabinets",
            "standing desks",
            "bookcases",
            "whiteboards",
            "coat stands",
        ),
    ),
    "electronics": (
        ("Electronics", "Systems", "Devices"),
        (
            "label printers",
            "barcode scanners",
            "network switches",
            "card readers",
            "video projectors",
            "headsets",
        ),
    ),
    "tools": (
        ("Tools", "Hardware", "Machine Works"),
        (
            "torque wrenches",
            "cordless drills",
            "bench vices",
            "pipe cutters",
            "welding masks",
            "tool trolleys",
        ),
    ),
    "packaging": (
        ("Packaging", "Paper", "Cartons"),
        (
            "cardboard boxes",
            "padded envelopes",
            "pallet wraps",
            "shipping labels",
            "wooden crates",
            "tape dispensers",
        ),
    ),
    "medical": (
        ("Medical", "Care", "Instruments"),
        ("blood pressure monitors", "infusion pumps", "examination couches", "thermometers", "hearing aids"),
    ),
    "kitchen": (
        ("Catering", "Kitchens", "Coffee"),
        (
            "coffee machines",
            "dishwashers",
            "serving trolleys",
            "water coolers",
            "bread slicers",
            "chest freezers",
        ),
    ),
    "garden": (
        ("Gardens", "Nurseries", "Outdoor"),
        (
            "hedge trimmers",
            "garden benches",
            "irrigation timers",
            "greenhouses",
            "leaf blowers",
            "wheelbarrows",
        ),
    ),
    "textiles": (
        ("Textiles", "Workwear", "Linen"),
        ("safety vests", "rain jackets", "work gloves", "tablecloths", "curtain rails", "sleeping bags"),
    ),
    "lighting": (
        ("Lighting", "Electric", "Energy"),
        (
            "floodlights",
            "battery packs",
            "charging stations",
            "motion sensors",
            "solar panels",
            "cable drums",
        ),
    ),
    "transport": (
        ("Logistics", "Freight", "Cargo"),
        (
            "pallet jacks",
            "loading ramps",
            "roll containers",
            "cargo bikes",
            "delivery lockers",
            "lashing straps",
        ),
    ),
}
FORMS = ("", "", "", " Ltd", " Group", " Partners")

ROLES = """
purchasing manager; chief accountant; head of sales; warehouse supervisor; quality engineer; legal counsel;
marketing director; payroll officer; export coordinator; data analyst; site manager; training officer;
maintenance planner; product designer; regional director; customer service lead; safety inspector; press officer;
procurement analyst; research chemist; fleet manager; account executive; network administrator; finance controller
"""
MONTHS = listed("January February March April May June July August September October November December", " ")
