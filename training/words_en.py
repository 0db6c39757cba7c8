"""Word lists the English rules swap within. Words of one line can stand for each other in a sentence,
and no two of them mean the same: a swap changes what is asked."""

from __future__ import annotations

_KINDS = """
france germany spain italy portugal poland greece sweden norway denmark finland ireland austria belgium
china japan india korea vietnam thailand indonesia malaysia pakistan bangladesh nepal
canada mexico brazil argentina chile peru colombia cuba venezuela
egypt nigeria kenya morocco ghana ethiopia
england scotland wales america australia russia ukraine turkey iran iraq israel
london paris berlin madrid rome vienna dublin athens lisbon moscow prague budapest
mumbai delhi bangalore chennai hyderabad kolkata pune
chicago boston seattle dallas houston denver atlanta miami phoenix philadelphia
california texas florida ohio virginia georgia arizona oregon michigan illinois nevada utah
english french german spanish italian chinese japanese russian arabic portuguese korean hindi latin greek dutch
monday tuesday wednesday thursday friday saturday sunday
january february march april june july august september october november december
spring summer autumn winter
morning afternoon evening night
breakfast lunch dinner
google microsoft apple amazon facebook ibm oracle intel samsung sony
iphone android ipad macbook blackberry
windows linux macos ubuntu
python java javascript ruby php rust kotlin swift perl
mysql postgresql mongodb redis sqlite oracle
excel word powerpoint outlook access
chrome firefox safari opera edge
facebook instagram twitter whatsapp snapchat quora reddit youtube linkedin pinterest
visa mastercard paypal
bank hospital school church hotel airport restaurant library museum
doctor lawyer teacher engineer nurse accountant plumber dentist pilot architect
dog cat horse rabbit hamster parrot snake cow goat pig sheep
apple banana orange grape mango pear lemon peach cherry strawberry
chicken beef pork fish turkey lamb shrimp
milk coffee tea beer wine juice water
rice bread pasta potatoes beans corn
gold silver copper iron aluminum zinc lead
oxygen hydrogen nitrogen helium carbon chlorine
mercury venus mars jupiter saturn uranus neptune
diabetes asthma cancer arthritis malaria pneumonia anemia hepatitis
aspirin ibuprofen paracetamol insulin antibiotics
vitamin protein calcium sodium
knee shoulder elbow wrist ankle hip back neck
heart liver kidney lung brain stomach
physics chemistry biology history geography economics philosophy psychology
football basketball baseball cricket tennis hockey golf rugby
guitar piano violin drums flute trumpet
red blue green yellow black white purple orange brown
cotton wool silk leather
father mother brother sister son daughter uncle aunt
king queen prince princess president minister senator governor
husband wife boyfriend girlfriend
men women boys girls children adults
students parents teachers
first second third fourth fifth last
century decade year month week day hour
inches feet meters miles kilometers yards
pounds kilograms ounces grams tons
dollars euros rupees pounds yen
mba phd bachelor diploma
car motorcycle truck bus train bicycle
laptop phone tablet printer monitor keyboard router
password username email address
resume passport license visa certificate
kitchen bathroom bedroom garage basement
hindu muslim christian buddhist jewish sikh
"""
_OPPOSITES = """
enable disable|on off|open close|start stop|add remove|increase decrease|raise lower|buy sell|before after
import export|upload download|lock unlock|show hide|maximum minimum|more less|most least|subscribe unsubscribe
install uninstall|connect disconnect|accept reject|allow block|upgrade downgrade|send receive|lend borrow|push pull
win lose|always never|first last|old new|tallest shortest|largest smallest|longest shortest|highest lowest
fastest slowest|oldest youngest|best worst|cheapest expensive|higher lower|bigger smaller|longer shorter|faster slower
older younger|stronger weaker|better worse|male female|men women|free paid|left right|north south|east west
northern southern|eastern western|hot cold|high low|big small|large small|long short|early late|include exclude
with without|above below|inside outside|up down|credit debit|deposit withdraw|pass fail|safe dangerous|legal illegal
possible impossible|good bad|advantages disadvantages|pros cons|benefits risks|positive negative|public private
online offline|input output|encode decode|encrypt decrypt|compress decompress|merge split|activate deactivate
pause resume|join leave|hire fire|arrival departure|gain lose|gained lost|born die|begin end|beginning end
cause cure|causes symptoms|symptoms treatment|advantage disadvantage|winner loser|won lost|major minor
internal external|domestic international|upper lower|ancient modern|single married|rich poor|strong weak
heavy light|wet dry|fresh frozen|day night|summer winter|present past|employer employee|buyer seller|landlord tenant
import export|acid base|plural singular|formal informal|natural artificial|permanent temporary|full partial
hardest easiest|hard easy|difficult easy|increasing decreasing|rise fall|rising falling|expensive cheap|healthy unhealthy
login logout|ascending descending|vertical horizontal|entry exit|enter leave|teach learn|ask answer|lower raise
attack defend|create delete|create destroy|freeze melt|expand contract|approve reject|activate cancel
"""
_SAME = """
buy purchase|begin start|big large|doctor physician|quick fast|quickly fast|rapidly quickly|kids children
movie film|car automobile|fix repair|job occupation|picture photo|pictures photos|phone telephone|tv television
assist help|require need|sick ill|remove delete|cost price|error mistake|big huge
ways methods|way method|great good|difference distinction|important significant|popular famous|happen occur|happens occurs
earn make|film movie|finish complete|choose select|meaning definition|gift present|smart intelligent|lawyer attorney
bike bicycle|ad advertisement|exam test|near close to|wealthy rich|shop store|college university|trip journey
sofa couch|apartment flat|vacation holiday|cell phone mobile phone|laptop notebook computer|usa united states
uk united kingdom|us america|approximately about|prevent avoid|tasks chores|reply respond|show display|allow permit
pick choose|begin commence|end finish|easily with ease|many numerous|often frequently|rarely seldom|nowadays these days
get rid of remove|set up configure|look for search for|find out learn|put off postpone|go back return
at the moment currently|in order to to|because of due to|as well as and|such as like
weight loss losing weight|lose weight reduce weight|gain weight put on weight|make money earn money
passed away died|birthday date of birth|how tall what is the height of|starting salary entry-level pay
should ought to|must have to|maybe perhaps|like such as|also too|wrote authored|written by authored by
founder creator|inventor creator|located situated|created made|called named|kind type|kinds types|sort type
"""
SWAPS: dict[str, list[str]] = {}
for _line in _KINDS.strip().splitlines():
    for _word in _line.split():
        SWAPS.setdefault(_word, []).extend(other for other in _line.split() if other != _word)
OPPOSITES: dict[str, list[str]] = {}
for _pair in _OPPOSITES.strip().replace("\n", "|").split("|"):
    _one, _two = _pair.split()
    OPPOSITES.setdefault(_one, []).append(_two)
    OPPOSITES.setdefault(_two, []).append(_one)
SYNONYMS: list[tuple[str, str]] = []
for _pair in _SAME.strip().replace("\n", "|").split("|"):
    _words = _pair.split()
    if len(_words) == 2:
        SYNONYMS.append((_words[0], _words[1]))
SYNONYMS += [
    ("cell phone", "mobile phone"), ("get rid of", "remove"), ("set up", "configure"), ("look for", "search for"),
    ("these days", "nowadays"), ("at the moment", "currently"), ("because of", "due to"), ("lose weight", "shed pounds"),
    ("make money", "earn money"), ("passed away", "died"), ("date of birth", "birthday"), ("a lot of", "many"),
    ("what is the best way to", "how do i best"), ("as soon as possible", "asap"), ("for example", "e.g."),
    ("united states", "usa"), ("united kingdom", "uk"), ("new york city", "nyc"), ("artificial intelligence", "ai"),
    ("machine learning", "ml"), ("chief executive officer", "ceo"), ("high school", "secondary school"),
    ("every day", "daily"), ("every year", "annually"), ("near me", "nearby"), ("how much does", "what does"),
    ("how long does it take to", "how much time does it take to"), ("is it possible to", "can i"),
]  # fmt: skip
SMALL_NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()
ATTRIBUTES = (
    "cause symptoms treatment cost history meaning origin".split(),
    "price size weight color age height length".split(),
    "capital population currency language president area flag".split(),
    "author publisher director producer star".split(),
    "population area density".split(),
    "salary age height net-worth birthplace".split(),
    "causes effects types uses benefits stages signs".split(),
    "lyrics meaning singer writer".split(),
)
CONDITIONS = (
    "for kids", "for beginners", "for free", "on windows", "on a mac", "on an iphone", "in canada", "in india", "in the uk",
    "without a credit card", "without an account", "without internet", "after surgery", "during pregnancy", "at night",
    "in winter", "online", "by phone", "in python", "in excel", "as a student", "over 60", "under 18", "with diabetes",
    "for a second time", "for a business", "before 2010", "in the 1990s", "in cold weather", "while traveling abroad",
    "from a different account", "for my son", "if i have no passport", "for women", "for men", "in spanish",
)  # fmt: skip
