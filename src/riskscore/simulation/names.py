"""Invented names, industries and legal forms. Any likeness to a real company is chance."""

from collections.abc import Mapping

FIRST_PARTS = (
    "Alder", "Birken", "Castel", "Dorn", "Elster", "Falken", "Gold", "Hasel", "Iller", "Jura", "Kestrel", "Linden", "Marl",
    "Nord", "Oster", "Pinn", "Quell", "Rade", "Silber", "Tann", "Ulmen", "Vester", "Weiden", "Ysel", "Zander", "Brück", "Förde",
)  # fmt: skip
SECOND_PARTS = (
    "bach",
    "berg",
    "brook",
    "feld",
    "ford",
    "gate",
    "haven",
    "hof",
    "lund",
    "mark",
    "mere",
    "stein",
    "tal",
    "vik",
    "wick",
    "wold",
)
CHINESE_FIRST = ("华", "远", "恒", "瑞", "盛", "信", "宏", "泰", "鑫", "嘉", "博", "安", "达", "永", "丰", "康")
CHINESE_SECOND = ("源", "达", "通", "兴", "泽", "海", "峰", "林", "诚", "力", "星", "联", "图", "明", "昌", "和")
CHINESE_PLACES = ("苏州", "宁波", "青岛", "东莞", "厦门", "无锡", "成都", "武汉")
GIVEN_NAMES = (
    "Anna",
    "Bruno",
    "Clara",
    "David",
    "Elena",
    "Felix",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Katja",
    "Luca",
    "Marta",
    "Nils",
)
FAMILY_NAMES = (
    "Abel",
    "Böhm",
    "Carvalho",
    "Drexler",
    "Ebner",
    "Faber",
    "Grabowski",
    "Hauser",
    "Ivers",
    "Jansen",
    "Keller",
    "Lindt",
)
CHINESE_FAMILY = ("王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴")
CHINESE_GIVEN = ("伟", "敏", "静", "磊", "洋", "艳", "勇", "杰", "娟", "涛")

INDUSTRIES = (
    ("machinery", "Machinery", "机械"),
    ("metal_products", "Metal", "金属制品"),
    ("food", "Foods", "食品"),
    ("chemicals", "Chemicals", "化工"),
    ("construction", "Bau", "建筑"),
    ("wholesale", "Trading", "贸易"),
    ("retail", "Stores", "商贸"),
    ("transport", "Logistics", "物流"),
    ("it_services", "Systems", "信息技术"),
    ("hospitality", "Hotels", "酒店"),
)
"""Code, and the word a company of that trade carries in its name."""

LEGAL_FORMS: Mapping[str, tuple[str, ...]] = {
    "DE": ("GmbH", "AG", "GmbH & Co. KG"),
    "FR": ("SARL", "SA", "SAS"),
    "NL": ("B.V.", "N.V."),
    "IT": ("S.r.l.", "S.p.A."),
    "PL": ("sp. z o.o.", "S.A."),
    "GB": ("Ltd", "PLC"),
    "US": ("Inc.", "LLC"),
    "CA": ("Inc.", "Ltée"),
    "CN": ("有限公司", "股份有限公司"),
    "CH": ("AG", "GmbH"),
}
SOLE_TRADER: Mapping[str, str] = {"CN": "个体工商户"}
"""What a natural person in business is called; `sole_trader` elsewhere."""

CURRENCIES: Mapping[str, str] = {"GB": "GBP", "US": "USD", "CA": "CAD", "CN": "CNY", "CH": "CHF", "PL": "PLN"}
"""Currency by country; EUR elsewhere."""

EUR_RATES: Mapping[str, float] = {"EUR": 1.0, "GBP": 1.17, "USD": 0.92, "CNY": 0.13, "CHF": 1.03, "PLN": 0.22, "CAD": 0.68}
"""Euro for one unit when a world begins."""


def company_name(numbers: tuple[int, int, int], country: str, industry: int, legal_form: str) -> str:
    """The name of an invented company from three whole numbers."""
    a, b, c = numbers
    if country == "CN":
        place, first = CHINESE_PLACES[c % len(CHINESE_PLACES)], CHINESE_FIRST[a % len(CHINESE_FIRST)]
        return f"{place}{first}{CHINESE_SECOND[b % len(CHINESE_SECOND)]}{INDUSTRIES[industry][2]}{legal_form}"
    stem = FIRST_PARTS[a % len(FIRST_PARTS)] + SECOND_PARTS[b % len(SECOND_PARTS)]
    return f"{stem} {INDUSTRIES[industry][1]} {legal_form}"


def person_name(numbers: tuple[int, int, int], country: str) -> str:
    """The name of an invented sole trader from three whole numbers."""
    a, b, c = numbers
    if country == "CN":
        given = CHINESE_GIVEN[b % len(CHINESE_GIVEN)] + CHINESE_GIVEN[c % len(CHINESE_GIVEN)]
        return CHINESE_FAMILY[a % len(CHINESE_FAMILY)] + given
    return f"{GIVEN_NAMES[a % len(GIVEN_NAMES)]} {FAMILY_NAMES[b % len(FAMILY_NAMES)]}"
