"""Guard on siblings: words of one kind that are never the same thing (tea and coffee, dog and cat, gold and silver).

Vectors lie close together for such words, because they are used in the same sentences; an answer about one is
wrong for the other.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .reading import KEPT, forms, read

_KINDS = """
tier: free|basic|standard|premium|gold|silver|platinum|bronze|pro|enterprise|freemium|starter|deluxe
colour: red 红色|blue 蓝色|green 绿色|yellow 黄色|purple 紫色|pink 粉色 粉红色|black 黑色|white 白色|brown 棕色
colour: orange 橙色|grey gray 灰色
animal: dog 狗 狗狗|cat 猫 猫咪|horse|cow 奶牛|pig|sheep|goat|rabbit 兔子|chicken|duck|turtle 乌龟|snake
animal: hamster 仓鼠|parrot 鹦鹉|lion 狮子|tiger 老虎|bear|wolf|elephant 大象|monkey 猴子|shark 鲨鱼|whale
animal: dolphin 海豚|spider 蜘蛛|mosquito 蚊子|cockroach 蟑螂|ant
food: apple 苹果|banana 香蕉|grape 葡萄|strawberry 草莓|mango 芒果|lemon 柠檬|pineapple 菠萝|peach 桃子|pear
food: watermelon 西瓜|cherry 樱桃|tomato 番茄 西红柿|potato 土豆|onion 洋葱|carrot 胡萝卜|garlic 大蒜|cabbage 白菜
food: spinach 菠菜|cucumber 黄瓜|beef 牛肉|pork 猪肉|lamb 羊肉|chicken 鸡肉|shrimp|salmon|egg 鸡蛋|rice 米饭
food: noodle 面条|bread 面包|cheese|butter|honey 蜂蜜|sugar|salt
drink: tea 茶|coffee 咖啡|milk 牛奶|water|juice 果汁|beer 啤酒|wine 葡萄酒 红酒|vodka|whisky whiskey|rum|soda|cola
sport: football soccer 足球|basketball 篮球|tennis 网球|cricket|baseball 棒球|hockey|golf 高尔夫|volleyball 排球
sport: badminton 羽毛球|swimming 游泳|rugby|boxing 拳击|chess 象棋|yoga 瑜伽|skiing 滑雪
instrument: guitar 吉他|piano 钢琴|violin 小提琴|drum 架子鼓|flute 长笛|saxophone 萨克斯|ukulele 尤克里里
instrument: cello 大提琴
science: physics 物理|chemistry 化学|biology 生物|mathematics maths math 数学|history 历史|geography 地理
science: economics 经济学|psychology 心理学|philosophy 哲学|astronomy 天文学|law 法律|medicine|accounting 会计
science: engineering|architecture|literature|statistics|linguistics
discipline: mechanical 机械|electrical|civil 土木|chemical|aerospace|biomedical|electronics
planet: mercury 水星|venus 金星|earth 地球|mars 火星|jupiter 木星|saturn 土星|uranus 天王星|neptune 海王星
planet: pluto 冥王星|moon 月球
metal: iron 铁|copper 铜|aluminium aluminum 铝|silver 白银|gold 黄金|zinc|lead_metal|tin|nickel|titanium 钛|steel
metal: brass
faith: christianity christian 基督教|islam muslim 伊斯兰教|hinduism hindu|buddhism buddhist 佛教|judaism jewish jew
faith: sikhism sikh|atheism atheist
vehicle: car 汽车|bus 公交 公交车|train 火车|plane airplane 飞机|bicycle bike 自行车|motorcycle motorbike 摩托车
vehicle: truck 卡车|ship|subway metro 地铁|taxi 出租车|tram|ferry|helicopter 直升机|高铁
browser: chrome 谷歌浏览器|firefox 火狐|safari|edge|opera
format: pdf|docx|xlsx|excel|powerpoint|word_document|jpg jpeg|png|gif|mp3|mp4|csv|json|xml|yaml|html
season: spring 春天 春季|summer 夏天 夏季|autumn 秋天 秋季|winter 冬天 冬季
relative: father dad 爸爸 父亲|mother mom mum 妈妈 母亲|brother|sister|grandfather 爷爷|grandmother 奶奶|uncle 叔叔
relative: aunt 阿姨|cousin|nephew|niece|son 儿子|daughter 女儿|husband 老公 丈夫|wife 老婆 妻子|boyfriend 男朋友
relative: girlfriend 女朋友|哥哥|弟弟|姐姐|妹妹
organ: heart 心脏|liver 肝|kidney 肾|lung 肺|brain|stomach 胃|skin 皮肤|eye 眼睛|ear 耳朵|nose 鼻子|hair 头发
organ: tooth teeth 牙齿|knee 膝盖|shoulder 肩膀|ankle|wrist|elbow|neck 脖子|throat 喉咙|嗓子|tongue 舌头|lip 嘴唇
illness: diabetes 糖尿病|cancer 癌症|asthma 哮喘|malaria 疟疾|flu influenza 流感|pneumonia 肺炎|tuberculosis 结核
illness: hepatitis 肝炎|measles 麻疹|depression 抑郁症|anxiety|autism 自闭症|dementia|epilepsy 癫痫|arthritis 关节炎
illness: acne 痘痘|eczema 湿疹|高血压|低血压|高血糖|低血糖
shape: circle 圆形|triangle 三角形|square 正方形|rectangle 长方形|hexagon|pentagon|cube 正方体|sphere 球体
shape: cylinder 圆柱|cone 圆锥
role: doctor 医生|nurse 护士|lawyer 律师|teacher 老师 教师|pilot 飞行员|dentist 牙医|plumber|electrician|chef 厨师
role: accountant 会计师|architect|engineer 工程师|journalist 记者|programmer 程序员|soldier|policeman 警察
role: firefighter|farmer 农民|pharmacist|psychologist
sign: aries 白羊座|taurus 金牛座|gemini 双子座|cancer 巨蟹座|leo 狮子座|virgo 处女座|libra 天秤座|scorpio 天蝎座
sign: sagittarius 射手座|capricorn 摩羯座|aquarius 水瓶座|pisces 双鱼座
document: passport 护照|visa 签证|licence license 驾照|身份证|户口本|银行卡|信用卡|社保卡|invoice 发票|receipt 收据
party: democrat|republican|labour|tory|bjp|congress
army: army 陆军|navy 海军|marines
"""
"""A kind and its members; ``|`` parts the members, the spellings of one stand side by side."""
_UNINFLECTED = frozenset("free basic standard premium pro business leo word edge opera may mechanical civil".split())


def _members() -> tuple[dict[str, list[tuple[str, str]]], re.Pattern[str]]:
    members: dict[str, list[tuple[str, str]]] = {}
    for line in _KINDS.strip().splitlines():
        kind, _, things = line.partition(": ")
        for names in things.split("|"):
            first, *_ = spellings = names.split()
            for name in spellings:
                inflected = {name, *(form for form in forms(name) if form.endswith("s"))} if name.isascii() else {name}
                for form in {name} if name in _UNINFLECTED else inflected:
                    members.setdefault(form, []).append((kind, first))
    han = sorted((name for name in members if not name.isascii()), key=len, reverse=True)
    return members, re.compile("|".join(han))


_MEMBERS, _HAN_MEMBER = _members()


@lru_cache(maxsize=KEPT)
def members_in(text: str) -> frozenset[tuple[str, str]]:
    """(kind, member) for every listed word of ``text``."""
    seen = read(text)
    found = {one for word in seen.bag if word in _MEMBERS for one in _MEMBERS[word]}
    if seen.han:
        found.update(one for word in _HAN_MEMBER.findall(seen.low) for one in _MEMBERS[word])
    return frozenset(found)


def siblings_apart(asked: str, cached: str) -> tuple[str, str] | None:
    """A member that only the first text has and one of the same kind that only the second has, or None."""
    here, there = members_in(asked), members_in(cached)
    if here == there:
        return None
    for kind, one in sorted(here - there):
        for other_kind, two in sorted(there - here):
            if kind == other_kind and two not in read(asked).bag and one not in read(cached).bag:
                return one, two
    return None


def siblings_agree(asked: str, cached: str) -> str:
    """Veto when one question names a thing where the other names another of its kind (tea and coffee, 猫 and 狗)."""
    pair = siblings_apart(asked, cached)
    return f"things differ: {pair[0]!r} asked, {pair[1]!r} cached" if pair else ""
