"""Questions whose answer ages: how long may an answer to this text be kept?

:func:`volatility` reads the words alone, English and Chinese, in tens of microseconds: rules in the order
*what settles the matter* (a past year, the author of a song), *what is live* (a score, the time), *what changes
within a day* (weather, news, rates), *what changes in weeks or years* (office holders, records, prices, "latest").
It errs on the side of a short life: that costs a call, the other error a wrong answer. What it cannot know is an
ageing fact without any sign of it in the words ("capital of Kazakhstan"); audits are for those.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, NamedTuple

Level = Literal["timeless", "slow", "fast", "instant"]

LEVELS: tuple[Level, ...] = ("timeless", "slow", "fast", "instant")

LIFETIMES: Mapping[Level, float | None] = MappingProxyType(
    {"timeless": None, "slow": 86400.0, "fast": 1800.0, "instant": 0.0}
)
"""Longest life of an answer, seconds, by level; None is no bound of its own, 0 means it is not stored."""


class Volatility(NamedTuple):
    """How soon the answer to a question ages.

    Attributes:
        level: ``"timeless"`` (nothing says it ages), ``"slow"`` (weeks to years), ``"fast"`` (within a day) or
            ``"instant"`` (live).
        why: The words that say so; empty for timeless without a sign.
    """

    level: Level
    why: str = ""

    @property
    def across_words(self) -> bool:
        """Whether an answer may serve the question in other words too: not when it is live."""
        return self.level != "instant"


TIMELESS = Volatility("timeless")
_PART = 500


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


# -- English ------------------------------------------------------------------------------------------------

_MONTH = "january|february|march|april|may|june|july|august|september|october|november|december"
_YEAR = re.compile(r"(?<![\d.,$-])(1[0-9]{3}|20[0-9]{2})(?:s|'s)?(?![\d.,]\d|\d)")
_HOW_TO = _any(
    r"^(?:(?:hi|hello|please|so|ok|and)\b[ ,]*)*how (?:do|can|could|should|would|to|did)(?: (?:i|we|you|one"
    r"|my))?\b(?! old)",
    r"^(?:can|could|would|will) (?:you|u|i|we)\b",
    r"\b(?:need|want|try|trying|would like|help(?: me)?|assistance|problems?|trouble|issues?|know how|unable|possible"
    r"|have (?:got )?|way|do) (?:me )?(?:to|with|in|for|how to)\b",
    r"^i (?:can'?t|cannot|can not|don'?t|do not|have|am|need|want|m)\b",
)
# Words that look like time and are not: electricity, songs, idioms, one's own.
_NOT_TIME = re.compile(
    r"\b(?:electric(?:al|ity)?|alternating|direct|eddy|ocean|sea|water|air|tidal|rip|convection|induced|leakage|"
    r"ac|dc|inrush|fault|collector|base|short[- ]circuit) (?:or direct |and direct )?currents?\b"
    r"|\bcurrents? (?:flow\w*|density|through|divider|source|transformer|limit\w*|rating|meter|sensor|carrying|"
    r"electricity|in (?:a|the|an) (?:\w+ )?(?:circuit|wire|conductor|coil|resistor|inductor|capacitor|loop))\b"
    r"|\bcurrent (?:account|liabilit\w+|assets?|ratio)\b|\bcurrents\b"
    r"|\b(?:voltage|resistance|power) (?:and|or) currents?\b|\bcurrents? (?:and|or) (?:voltage|resistance|power)\b"
    r"|\b(?:my|your|our|his|her|their|a|an) (?:\w+ )?current(?:ly)?\b|\bcurrent (?:password|address|company|ctc|job|"
    r"employer|plan|subscription|status|location|salary|boss|girlfriend|boyfriend|phone|password|email)\b"
    r"|\btodays?'? (?:world|society|youth|generation)\b|\bweather(?:ed|ing)\b|\bunder the weather\b"
    r"|\bfair[- ]weather\b|\blast name\b|\bfirst and last\b|\bnext to\b|\b(?:what|which) (?:to do )?next\b"
    r"|\b(?:news|updates?|developments?) (?:on|about|regarding|for) (?:my|our|the (?:refund|rebate|compensation"
    r"|reimbursement|"
    r"restitution|order|purchase))\b|\b(?:fake|paid|good|bad|negative|positive) news\b|\bopportunity cost\b"
    r"|\bprice of (?:freedom|glory|salt)\b|\bbreaking bad\b|\bby now\b|\bfrom now on\b|\bnow that\b|\bjust now\b"
    r"|\bpresent(?:s|ed|ing|ation|ly married)?\b(?= (?:in|a|an|the|at|tense|perfect|simple|continuous|value|itself))"
)
_WORK = _any(
    r"\b(?:who|which|what) (?:\w+ ){0,2}(?:sang|sings|sing|wrote|writes|played|plays|composed|recorded|released|"
    r"directed|painted|starred|voiced|produced|invented|discovered|founded|created|built)\b",
    r"\b(?:lyrics|song called|sang|the song|movie called|film called|meaning of|definition of|define"
    r"|what does .* mean)\b",
)
_INSTANT = _any(
    r"\bwhat time is it\b|\bcurrent(?:ly)? (?:the )?(?:\w+ )?time\b|\bwhat(?:'s| is| s) the time\b"
    r"|\btime (?:right )?now\b",
    r"\b(?:what|which) (?:day|date|month|year) (?:is it|is today|of the week is (?:it|today))\b"
    r"|\bwhat(?:'s| is| s) (?:the |today'?s? )?(?:date|day)(?: is it)?(?: today| now)?\s*$|\btoday'?s date\b",
    r"\blive (?:scores?|results?|updates?|prices?|rates?|traffic|standings)\b|\breal[- ]time\b",
    r"\b(?:score|scores) (?:of|in|for) (?:the|today'?s?|this|tonight'?s?) (?:\w+ ){0,4}?(?:match|game)\b"
    r"|\b(?:match|game|cricket|football|nba|nfl|ipl) scores?\b(?: (?:now|today|live))?\s*$"
    r"|\bwho is (?:winning|leading|ahead|up)\b",
    r"\b(?:stock|share|shares|bitcoin|btc|ethereum|eth|crypto\w*|gold|silver|oil|gas|token|coin)(?: \w+)? "
    r"(?:price|quote|rate|value)s?\b.*\b(?:now|current\w*|moment|live|today)\b",
    r"\b(?:now|current\w*|today'?s?|live) .*\b(?:stock|share|bitcoin|btc|ethereum|gold|oil) (?:price|quote|rate)s?\b",
    r"\b(?:traffic|wait times?|queue)\b.*\b(?:right now|now|currently|at the moment)\b",
    r"\b(?:weather|temperature|open|score|happening|price|traffic|online|raining|snowing|playing)\b.*\b(?:right now"
    r"|at this "
    r"(?:very )?(?:moment|minute|second))\b",
    r"\bis (?:\S+ ){1,4}(?:down|open|closed|online|offline)(?: right)? (?:now|today|currently|at the moment)\b",
)
_FAST = _any(
    rf"^(?:the )?(?:current )?weather\b(?!.*\b(?:{_MONTH}|average|usually|season\w*|climate)\b)",
    rf"\bweather (?:like )?(?:forecast|report|today|tomorrow|tonight|now|this|next|outside|(?:in|at|for|of) \w+)"
    rf"(?!.*\b(?:{_MONTH}|average|usually|winter|summer|spring|autumn|fall|come from|comes from)\b)",
    r"\bforecast\b(?=.*\b(?:weather|rain|today|tomorrow|week|snow)\b)|\b(?:is it|will it) (?:be )?(?:going to )?"
    r"(?:rain|snow|raining|snowing|sunny|hot|cold|cloudy|windy)\b|\btemperature (?:today|outside|now|tomorrow)\b",
    r"\b(?:news|headlines)\b(?! (?:paper|letter|anchor|channel|reporter))"
    r"(?=.*\b(?:today|latest|about|on|now|this|current|recent)\b)|\b(?:latest|breaking|today'?s?|current|recent|any) "
    r"(?:\w+ )?(?:news|headlines|updates? on|developments?)\b",
    r"\b(?:stock|share|bitcoin|btc|ethereum|crypto\w*|gold|silver|crude|oil|petrol|gasoline|gas|diesel) "
    r"(?:price|quote|rate)s?\b(?! (?:elasticity|theory|mechanism))(?!.*\b(?:determin\w+|decide\w*|calculat\w+"
    r"|mean\w*)\b)",
    r"\bexchange rates?\b(?!.*\b(?:determin\w+|affect\w*|mean|theory)\b)|\b(?:usd|eur|gbp|inr|cny|jpy|dollars?|euros?|"
    r"pounds?|rupees?|yen|yuan) (?:to|in|into) (?:usd|eur|gbp|inr|cny|jpy|dollars?|euros?|rupees?|yen|yuan)\b",
    r"\b(?:refinance|mortgage) (?:\w+ )?rates?\b(?=.*\b(?:current|today|now)\b)|\bcurrent (?:refinance|mortgage)\b",
    r"\bwhat(?:'s| is| s|) (?:on|happening|going on|playing|showing|open)\b.*\b(?:today|tonight|tomorrow|now"
    r"|this week(?:end)?)\b",
    r"\b(?:is|are|will|does|do|did|who|what|when|where|which|how many|any)\b.*\b(?:tonight|tomorrow|yesterday"
    r"|today'?s?|"
    r"this (?:morning|afternoon|evening|weekend|week))\b(?=.*\b(?:game|match|play|plays|playing|open|closed|holiday|"
    r"rain|event|events|race|fight|episode|flights?|schedule|show|shows|winner|won|win|score)\b|\s*$)",
    r"\b(?:tonight|today|yesterday|last night)'?s (?:game|match|episode|fight|race|weather|lottery|numbers|winner"
    r"|holiday)\b",
    r"\bwinning (?:lottery )?numbers\b|\blottery (?:results?|numbers)\b(?! (?:work|mean))",
)
_ROLE = (
    r"president|vice president|prime minister|ceo|cto|cfo|king|queen|governor|mayor|chancellor|pope|captain|coach"
    r"|manager|"
    r"chair(?:man|woman|person|)|minister|secretary|speaker|chief|leader|head|director|commissioner|ambassador|senator|"
    r"attorney general|champion|principal|dean|owner|host|judges?|lead singer|justices?|general|emperor|sultan|premier"
)
_SLOW = _any(
    r"\bcurrent(?:ly)?\b|\bright now\b|\bat this (?:very )?moment\b|\bpresently\b|\bpresent(?:-| )day\b"
    r"|\bat present\b|\bat the moment\b|\bthese days\b|\bnowadays\b"
    r"|\bas of (?:now|today|this)\b|\bso far\b|\bto date\b|\bup[- ]to[- ]date\b|\bstill (?:alive|living|married|open"
    r"|in|the|"
    r"playing|available|together|running|on|valid)\b",
    r"\b(?:latest|newest|most recent|most recently|recent|recently|upcoming|up and coming|trending)\b",
    r"\b(?:this|last|next|past|previous|coming) (?:year|month|season|quarter|summer|winter|semester|few (?:years"
    r"|months|weeks)"
    r"|week|decade|election|world cup|olympics?|super bowl|series|episode|book|movie|film|eclipse)\b",
    r"\b(?:is|are|was|were|did|does|do|has|have|the) (?:\w+ ){0,6}?(?:last|next) (?:time|one|two|three|\d+|\w+ (?:won"
    r"|made|"
    r"held|happen\w*|erupt\w*|play\w*|come\w*|release\w*))\b|\bwhen (?:is|does|do|did|was|will) (?:the |a )?(?:next"
    r"|new|last|previous)\b",
    r"\b(?:new|next) (?:season|episode|series|album|movie|book|iphone|version|generation|set)\b.*\b(?:come|coming|out"
    r"|release|start|air)\b",
    r"^(?:how many|what|who|which|is|are|where|does|do)\b.*\b(?:now|today)\s*$|\bup to now\b",
    rf"\bwho(?:'s| is| s| are) (?:the )?(?:\S+ ){{0,6}}?(?:{_ROLE})\b(?!.* (?:in|of|from) (?:the )?(?:movie|film|book"
    rf"|novel|show|season|"
    r"series|bible|story|play|game)\b)|\bname (?:of )?the (?:\w+ )?(?:" + _ROLE + r")\b",
    rf"\bwhat (?:is|'s) the name of (?:the |our )?(?:\S+ ){{0,3}}?(?:{_ROLE})\b",
    r"\bwho (?:has|have|holds?|got|is|are|s) (?:\w+ ){0,3}?(?:the |world )?(?:\w+ )?(?:most|highest|richest|oldest"
    r"|youngest|tallest|"
    r"fastest|longest|largest|biggest|record|best|number one|wealthiest|leading|top|heaviest|fewest)\b",
    r"\b(?:most|highest|all[- ]time|leading|top|longest|best[- ]selling) (?:\w+ ){0,2}?(?:paid|gross\w+|earning"
    r"|earner|subscribed|subscribers|"
    r"followed|followers|viewed|watched|liked|streamed|selling|goals?(?: scorer)?|scorer|points?|wins?|titles?"
    r"|medals?|runs?|"
    r"wickets?|sixes|centuries|hits|home runs|touchdowns|yards|grammys?|oscars|championships|rings|trophies|cups|"
    r"appearances|serving|reigning|valuable|visited|populated|populous|expensive|powerful|popular|downloaded)\b",
    r"\b(?:world|national|olympic|guinness) records?\b|\bhow many (?:\w+ ){1,4}?(?:has|have) (?:\w+ ){1,5}?(?:won"
    r"|made|scored|sold|had|"
    r"been|written|released|hit|played|got)\b",
    r"\bhow many (?:\w+ ){0,3}?(?:episodes|seasons|members|countries|states|people|users|employees|stores|locations"
    r"|branches|"
    r"subscribers|followers|schools|companies|movies|books|teams|players|species) (?:\w+ ){0,2}?(?:are|is|does|do|in"
    r"|have|has|of|live|use|work)\b",
    r"\bpopulation\b(?!.*\b(?:genetics|standard deviation|mean|parameter|sample|biology|ecology)\b)|\bnet worth\b"
    r"|\bhow old (?:is|are)\b|\b(?:gdp|unemployment|inflation|literacy|crime|birth|mortality|divorce|interest|tax|vat"
    r"|sales tax|"
    r"minimum wage|poverty) (?:rate|of|in)\b|\bminimum wage\b|\bmarket (?:share|cap)\b|\b(?:richest"
    r"|wealthiest) (?:man|woman|person|people)\b",
    r"\b(?:price|prices|cost|fee|fees|fare|tuition|salary|salaries|wages?) (?:of|for|in|range|at)\b(?! (?:goods sold"
    r"|capital|living mean))"
    r"|\bhow much (?:is|are|does|do|would|will) (?:\S+ ){1,6}?(?:cost|charge|pay|make|earn|worth)\b|\b(?:average"
    r"|typical) "
    r"(?:\w+ ){0,4}?(?:price|cost|salary|income|pay|wage)s?\b|\b(?:price|salary|cost)\s*$",
    r"^who (?:has )?(?:won|wins) (?!.*\b(?:war|battle|siege|revolution)\b)|\bwho (?:won|wins|win|is playing|plays"
    r"|coaches|owns|runs|leads) (?:the |in the |for (?:the )?)?(?:\S+ ){0,5}?(?:cup|bowl|series|league|"
    r"championship|title|election|award|oscar|grammy|finals?|open|masters|medal|match|game|race|season|prix|olympics?"
    r"|idol|"
    r"voice|x factor|talent|pageant|universe|big brother|rumble|bank|trophy|slam|tournament|premiership|mvp"
    r"|ballon d'or)\b",
    r"\bthe last (?:\w+ )?(?:person|people|man|woman|team|player|horse|president|state|king|song|album|actor|country"
    r"|american)\b"
    r"|\blast (?:win|won|win a \w+|play|played|host|hosted|erupt|visit)\b|^when (?:was|were|did) .*\blast$|^(?:when"
    r"|who|where) did .* (?:win|beat|host)\b"
    r"|\b(?:is|are|was) going to be\b|\bwill (?:\w+ )?be (?:held|played|released|hosted)\b|^most \w+",
    r"\b(?:opening|business|working|office|store) hours\b|\bwhat time does (?:\S+ ){1,6}?(?:open|close|start|air"
    r"|come on|begin)\b",
    r"\b(?:version|release|edition) (?:of|is)\b(?=.*\b(?:last|new|stable|supported|lts)\b)|\bend of (?:life|support)\b|"
    r"\bstable (?:version|release)\b|\brelease date\b",
)

# -- Chinese -----------------------------------------------------------------------------------------------

_ZH_NOT_TIME = re.compile(
    r"现在(?:完成|进行)时|现在分词|天气预报(?:员|软件|app)|(?:描写|形容|关于|描述)\S{0,4}天气\S*|天气\S{0,3}(?:成语"
    r"|词语|词|诗|句子|作文)\S*"
    r"|(?:离|距)\S{0,8}最近的|最近的(?:地铁|车站|医院|银行|超市|路)\S*|今天是你的生日|最新的自己|《[^》]*》|歌词"
    r"|是什么歌|什么歌|明天会更好|天气(?:软件|符号|删除|卸载|下载|中的品牌)\S*"
    r"|(?:新浪|知趣|墨迹|手机)天气\S*"
)
_ZH_EDITION = re.compile(r"第[一二三四五六七八九十\d]+(?:季|届|集|部)")
_ZH_OWN = re.compile(r"我|为什么|为啥|怎么回事|以前|还款|还钱|只能|不能|开通|额度")
_ZH_MINE = re.compile(r"^(?:我|俺|本人|请问我|为什么我|为啥我|我们)")
_ZH_NOW = re.compile(r"现在|目前|当前|今年|最近")
_ZH_WHEN = re.compile(r"什么时候|几时|何时|更新")
_ZH_HOW = re.compile(
    r"怎么(?:办|弄|样才|才能|做|改|设置|修改|查|开|关|用|申请|取消|解绑|还|提|绑|下载|安装|登)|如何|怎样才|能不能帮"
)
_ZH_ASKS = r"谁|哪|多少|几|什么|最|还|有没有|有无|是否|能|可以|排名|流行|价|吗|呢"
_ZH_INSTANT = _any(
    r"(?:现在|当前|此刻|目前)(?:是)?(?:北京)?(?:时间)?(?:几点|什么时间|什么时候了)|几点(?:钟)?了|现在时间",
    r"今天(?:是)?(?:几号|几月几|星期几|周几|礼拜几|什么日子|什么节|多少号)|今天(?:的)?日期|今天星期",
    r"(?:实时|即时)(?:的)?(?:比分|行情|路况|股价|价格|数据|天气|汇率|公交|排名|直播|票房)|比分(?:是多少|多少|直播)"
    r"|(?:现在|当前)\S{0,6}比分|谁领先",
    r"(?:现在|当前|此刻|实时|今天)\S{0,8}(?:股价|股票价格|行情|币价|金价)|(?:股价|币价)\S{0,4}(?:现在|当前|今天)",
    r"(?:现在|当前)\S{0,8}(?:路况|堵车|堵不堵|排队)|此时此刻",
)
_ZH_FAST = _any(
    r"天气(?!的时候|越|一|变|转|炎热时|冷了|热了|好的时候)(?!.*(?:为什么|怎么形成|穿什么衣服好看))|气温|下雨吗|下雪吗"
    r"|会下雨|下雨了|空气质量|雾霾(?:指数|怎么样)",
    r"(?:最新|今日|今天|近期|最近)(?:的)?\S{0,6}(?:新闻|消息|动态|战况|头条|进展|疫情)|今日|头条新闻",
    r"股价|股市|大盘|油价|金价|黄金(?:价格|多少)|汇率|(?:美元|欧元|英镑|日元|港币|比特币)\S{0,4}(?:兑|换|对|价格"
    r"|多少)|币价|行情",
    r"(?:今天|今晚|明天|明晚|昨天|昨晚|后天|今早|本周|这周|这个周末|这周末|本周末|下周)(?!我)\S*(?:有|是|会|开|放|几"
    r"|谁|哪|什么|多少|吗|怎么样|怎样|如何|呢|啥|好)",
    r"(?:开奖|中奖号码)(?:结果|号码|时间)?|限行(?:尾号)?|现在(?:还)?(?:开门|营业|开着)",
)
_ZH_ROLE = r"总统|首相|总理|主席|国王|女王|校长|市长|省长|州长|部长|董事长|总裁|ceo|首富|教练|队长|主教练|冠军|掌门人"
r"|局长|书记|行长"
_ZH_SLOW = _any(
    rf"(?:现在|目前|如今|当前|眼下|当下|现阶段|截至|截止)(?=.*(?:{_ZH_ASKS}))|现任|至今|迄今|到目前为止",
    r"最新|最近(?!我)(?=.*(?:什么|哪|有|谁|好|怎么样|流行|吗|多少|几|上映))|近期|近来|即将|新出的|新上映|上映",
    r"(?:今年|本年|去年|明年)(?=.*(?:什么|哪|谁|多少|几|吗|怎么样|怎样|如何|会|流行|时候|呢|啥|运))",
    rf"(?:{_ZH_ROLE})(?:\S{{0,3}}是|叫)(?:谁|什么)|谁是\S{{0,12}}(?:{_ZH_ROLE})|是谁\S{{0,2}}(?:{_ZH_ROLE})"
    rf"|(?:{_ZH_ROLE})谁",
    r"(?:世界|全球|全国|中国|亚洲|全世界|国内)\S{0,6}最(?:富|有钱|年轻|贵|火|红|流行|热门|受欢迎|畅销|强|帅|高的(?:楼"
    r"|大厦|人|建筑))|世界(?:纪录|记录)|排名|排行榜|票房",
    r"人口(?:有|是)?多少|多少人口|(?:价格|票价|学费|房价|工资|月薪|费用|收费)(?:是|要|大概|大约)?(?:多少|怎么样|如何"
    r"|贵)|(?<![满欠还花长拿能借呗利息])多少钱|什么价|价格表|报价",
    r"(?:下一|上一)(?:届|次|季|部|集)|什么时候(?:上映|更新|出|开播|上市|发布|开服|公测)|更新到(?:第)?几|第几季"
    r"|出到第?几",
)

# -- the judgement -------------------------------------------------------------------------------------------


@lru_cache(maxsize=8192)
def volatility(text: str, year: int = 0) -> Volatility:
    """How soon the answer to ``text`` ages.

    Args:
        text: The question, in English or Chinese; other languages are timeless unless they borrow the words.
        year: The present year. A question that names an earlier one is settled; with 0, one that names any.
    """
    if len(text) > 2 * _PART:
        text = f"{text[:_PART]} {text[-_PART:]}"  # where questions stand; the rest is what they are about
    low = " ".join(unicodedata.normalize("NFKC", text).lower().replace("’", "'").split())
    return _chinese(low) if _is_chinese(low) else _english(low.rstrip(" ?!."), year)


def _is_chinese(low: str) -> bool:
    return not low.isascii() and any("一" <= char <= "鿿" for char in low)


def _found(level: Level, pattern: re.Pattern[str], text: str) -> Volatility | None:
    match = pattern.search(text)
    if match is None or not match.group().strip():
        return None
    words = match.group().strip()
    return Volatility(level, words if len(words) <= 60 else words[:57] + "...")


def _english(low: str, year: int) -> Volatility:
    years = [int(found) for found in _YEAR.findall(low)]
    if years and (not year or max(years) < year):
        return Volatility("timeless", f"settled: it names {max(years)}")
    plain = _NOT_TIME.sub(" ~ ", low)
    if _WORK.search(plain) or (_EDITION.search(plain) and not _COMING.search(plain)):
        return TIMELESS
    if len(_SENTENCE.findall(low)) >= 2 and len(_DIGITS.findall(low)) >= 2:
        return TIMELESS  # a word problem: its prices and weeks are made up
    if low.startswith("why") and not _LIVE.search(plain):
        return TIMELESS
    found = _found("instant", _INSTANT, plain) or _found("fast", _FAST, plain)
    if found is not None and not (_HOW_TO.search(plain) and not _ASKS_FOR.search(plain)):
        return found
    if _HOW_TO.search(plain):
        return TIMELESS
    return _found("slow", _SLOW, plain) or TIMELESS


_EDITION = re.compile(
    r"\b(?:season|episode|series|game|part|chapter|week|round) (?:\d+|one|two|three|four|five|six|seven|eight|nine"
    r"|ten)\b"
    r"|\b(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|\d+(?:st|nd|rd|th)) (?:season|episode"
    r"|edition|"
    r"president|chief|king|prime minister|world war)\b|\bworld war\b|\bcivil war\b"
)
_LIVE = re.compile(r"\b(?:today|tonight|right now|at the moment|this (?:morning|week))\b")
_COMING = re.compile(r"\b(?:come|comes|coming|release\w*|air|start|begin|next|new)\b")
_SENTENCE = re.compile(r"[.!?。！？]\s|[。！？]")
_DIGITS = re.compile(r"\d+")

# "Can you tell me the weather in Oslo" is a request for it, "how do I turn off live scores" is not.
_ASKS_FOR = _any(
    r"^(?:can|could|would|will) (?:you|u) (?:please )?(?:tell|give|show|find|check|look up)\b",
    r"\b(?:want|need|like) to know (?:what|the|who|how|if|when)\b",
    r"^i (?:need|want) (?:the|today'?s?)\b",
)


def _chinese(low: str) -> Volatility:
    plain = _ZH_NOT_TIME.sub("~", low)
    years = re.search(r"(?:19|20)\d\d年", plain)
    if years is not None:
        return Volatility("timeless", f"settled: it names {years.group()}")
    found = _found("instant", _ZH_INSTANT, plain)
    if found is not None:
        return found
    if _ZH_HOW.search(plain):
        return TIMELESS
    if not _ZH_MINE.search(plain):
        found = _found("fast", _ZH_FAST, plain)
        if found is not None:
            return found
        if _ZH_EDITION.search(plain) and not _ZH_WHEN.search(plain):
            return TIMELESS
        # 现在 and 目前 in a report of one's own trouble are fillers.
        return _found("slow", _ZH_SLOW, _ZH_NOW.sub("~", plain) if _ZH_OWN.search(plain) else plain) or TIMELESS
    return TIMELESS
