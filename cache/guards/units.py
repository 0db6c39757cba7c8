"""Guard on units: 5 kg is not 5 lb, °C is not °F, dollars are not euros."""

from __future__ import annotations

import re
from functools import lru_cache

from .reading import KEPT, names_of, read

_UNITS = """
mass: kilogram kg kgs kilo kilos kilograms kilogramme 公斤 千克 | gram grams gramme grams g 克 | milligram mg milligrams 毫克 | tonne tonnes ton tons 吨
mass: pound lb lbs | ounce oz ounces 盎司 | stone | jin 斤
length: kilometre km kms kilometer kilometers kilometres 公里 千米 | metre meter meters metres m 米 | centimetre cm centimeter centimeters centimetres 厘米 公分
length: millimetre mm millimeter millimeters 毫米 | mile mi miles 英里 | yard yards | foot feet ft 英尺 | inch inches 英寸 | nanometre nm nanometers
volume: litre liter liters litres l 升 | millilitre ml milliliter milliliters 毫升 | gallon gallons 加仑 | pint pints | quart quarts | cup cups | tablespoon tbsp tablespoons | teaspoon tsp teaspoons
area: acre acres 英亩 | hectare hectares 公顷 | sqft | sqm 平方米 平米
heat: celsius centigrade °c 摄氏 摄氏度 | fahrenheit °f 华氏 华氏度 | kelvin
speed: kmh kph | mph | knot knots
data: byte bytes 字节 | bit bits 比特 | kilobyte kb kilobytes | megabyte mb megabytes 兆 | gigabyte gb gigabytes | terabyte tb terabytes
data: mbps | gbps | kbps
power: watt watts | kilowatt kw kilowatts 千瓦 | megawatt mw megawatts | horsepower hp 马力
energy: calorie calories kcal 卡路里 大卡 | joule joules kj 焦耳 | kwh 千瓦时
electric: volt volts 伏特 | amp amps ampere amperes 安培 | ohm ohms
time: nanosecond nanoseconds ns | microsecond microseconds | millisecond milliseconds ms 毫秒 | seconds secs sec 秒 | minute minutes mins min 分钟 | hour hours hrs hr hourly 小时 钟头
time: day days daily 天 每天 | week weeks weekly 星期 周 每周 | month months monthly 个月 每月 | quarter quarterly 季度 | year years yearly yr yrs annual annually 年 每年 | decade decades | century centuries 世纪
money: dollar dollars usd $ us$ bucks 美元 美金 | euro euros eur € 欧元 | sterling gbp £ quid 英镑 | yen jpy 日元 日圆 | yuan rmb cny renminbi 元 人民币 块钱
money: rupee rupees inr rs ₹ 卢比 | won krw ₩ 韩元 | rouble ruble rubles rub ₽ 卢布 | franc francs chf 瑞郎 | peso pesos | aud 澳元 | cad 加元 | hkd 港币 港元 | bitcoin btc bitcoins 比特币 | ethereum eth 以太坊
money: cent cents
angle: degrees | radian radians 弧度
"""  # noqa: E501
_SHORT = frozenset(
    "g m l ft mi min sec ms ns rs mb kb gb tb mm cm nm mw kw hp bit mg ml oz rub cad eth won stone yard foot".split()
)
"""Written so, or meaning so, only right behind a number."""
_HAN_SHORT = frozenset("克 米 升 斤 吨 秒 天 周 年 元 兆".split())
_UNSURE = frozenset(
    {"day", "week", "month", "year", "hour", "minute", "seconds", "quarter", "cup", "cent", "decade", "century"}
)
"""Units that questions about one thing may exchange or leave out ("per day", "in a week"): no veto without a number."""

_KIND: dict[str, str] = {}
_UNIT: dict[str, str] = {}
for _line in _UNITS.strip().splitlines():
    _kind, _, _rest = _line.partition(": ")
    for _group in _rest.split(" | "):
        _names = _group.split()
        _KIND[_names[0]] = _kind
        for _name in _names:
            _UNIT[_name] = _names[0]
_KIND["yen/yuan"] = "money"
_UNIT["¥"] = "yen/yuan"
_LATIN = {name: unit for name, unit in _UNIT.items() if name.isascii() and name.isalpha()}
_HAN = sorted((name for name in _UNIT if not name.isascii() and name.isalpha()), key=len, reverse=True)
_HAN_UNIT = re.compile(
    "(?<=[0-9零一二两三四五六七八九十百千万亿半几])(?:个)?(?P<after>" + "|".join(_HAN) + ")|(?P<free>"
    + "|".join(name for name in _HAN if name not in _HAN_SHORT) + ")"
)  # fmt: skip
_SHORT_UNIT = re.compile(r"\d[\s-]?(" + "|".join(sorted(_LATIN, key=len, reverse=True)) + r")\b")
_BEFORE = re.compile(r"\b(rs|usd|inr|eur|gbp|rmb|cny|jpy|krw|chf)\.? ?\d")
_SIGNS = re.compile(r"us\$|[$€£¥₹₩₽]|°\s?[cf]\b|(?<!\d)\d{1,6}\s?[cf]\b(?=[\s?.,]|$)")


@lru_cache(maxsize=KEPT)
def units_in(text: str) -> frozenset[str]:
    """Units of measure and currencies that ``text`` names, each under one name ("lb" and "lbs" are "pound")."""
    seen = read(text)
    found = {_LATIN[word] for word in seen.bag if word in _LATIN and word not in _SHORT}
    digits = any(map(str.isdigit, seen.low))
    if digits:
        found.update(_LATIN[name] for name in _SHORT_UNIT.findall(seen.low))
        found.update(_LATIN[name] for name in _BEFORE.findall(seen.low))
        if "pounds" in seen.bag or "pound" in seen.bag:
            found.add("pound")
    if not seen.text.isascii() or "$" in seen.low or digits:
        for sign in _SIGNS.findall(seen.low):
            if sign[-1] in "cf" and ("°" in sign or "temperature" in seen.bag or "degrees" in seen.bag):
                found.add("celsius" if sign[-1] == "c" else "fahrenheit")
            elif sign in _UNIT:
                found.add(_UNIT[sign])
    if seen.han:
        for match in _HAN_UNIT.finditer(seen.low):
            found.add(_UNIT[match["after"] or match["free"]])
    return frozenset(found)


def units_apart(asked: str, cached: str) -> tuple[frozenset[str], frozenset[str]]:
    """Units that only the first, and only the second text names; ¥ agrees with yen and with yuan."""
    here, there = units_in(asked), units_in(cached)
    if here == there:
        return frozenset(), frozenset()
    here, there = here - there, there - here
    for one, two in ((here, there), (there, here)):
        if "yen/yuan" in one and two & {"yen", "yuan"}:
            return here - {"yen/yuan", "yen", "yuan"}, there - {"yen/yuan", "yen", "yuan"}
    return here, there


def units_agree(asked: str, cached: str) -> str:
    """Veto when one question names a unit where the other names another of its kind (kg and lb, $ and €)."""
    here, there = units_apart(asked, cached)
    if not here or not there:
        return ""
    for unit in here:
        for other in there:
            if _KIND[unit] == _KIND[other] and not (
                unit in _UNSURE and other in _UNSURE and not _counted(asked, cached)
            ):
                return f"units differ: {names_of({unit})} asked, {names_of({other})} cached"
    return ""


def _counted(asked: str, cached: str) -> bool:
    return any(map(str.isdigit, asked)) and any(map(str.isdigit, cached))
