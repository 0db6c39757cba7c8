"""Changes that make a near miss of a Chinese question: alike in words, but not the same answer.

A change that is not sure gives nothing. ``unless`` patterns say where a word is part of another one, or where
the change would not alter the answer.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

Change = Callable[[str, random.Random], str | None]
"""Another text made of one, or None where the rule does not fit."""


def swap(groups: str, *, unless: str = "", if_has: str = "", single: bool = True) -> Change:
    """Put another word of the same group in place of one.

    Args:
        groups: Words of a group are joined by ``/``, groups by blanks; a first word that ends in ``>`` is
            replaced by the others and never comes in for them.
        unless: A word that overlaps what this finds stays.
        if_has: The text must hold this.
        single: The text must hold no other word of the group: what is said of both is the same after a swap.
    """
    others: dict[str, list[str]] = {}
    for group in groups.split():
        words = group.replace(">", "").split("/")
        for word in words[:1] if ">" in group else words:
            others.setdefault(word, []).extend(other for other in words if other != word)
    finder = re.compile("|".join(map(re.escape, sorted(others, key=len, reverse=True))))
    shield = re.compile(unless) if unless else None
    needed = re.compile(if_has)

    def change(text: str, rng: random.Random) -> str | None:
        if not needed.search(text):
            return None
        closed = [match.span() for match in shield.finditer(text)] if shield else []
        found = [
            match
            for match in finder.finditer(text)
            if not any(match.start() < end and start < match.end() for start, end in closed)
            and not (single and any(other in text for other in others[match[0]] if other not in match[0]))
        ]
        if not found:
            return None
        match = rng.choice(found)
        return text[: match.start()] + rng.choice(others[match[0]]) + text[match.end() :]

    return change


def sub(*pairs: tuple[str, str], unless: str = "") -> Change:
    """One of the patterns that fit is replaced, once, by one of its ``|``-separated templates."""
    compiled = [(re.compile(pattern), templates.split("|")) for pattern, templates in pairs]
    shield = re.compile(unless) if unless else None

    def change(text: str, rng: random.Random) -> str | None:
        if shield and shield.search(text):
            return None
        found = [(match, templates) for pattern, templates in compiled if (match := pattern.search(text))]
        if not found:
            return None
        match, templates = rng.choice(found)
        return text[: match.start()] + match.expand(rng.choice(templates)) + text[match.end() :]

    return change


def either(*changes: Change) -> Change:
    """The first of the changes, in random order, that fits."""

    def change(text: str, rng: random.Random) -> str | None:
        for one in rng.sample(changes, len(changes)):
            if (made := one(text, rng)) is not None:
                return made
        return None

    return change


_DIGITS = re.compile(r"(?<![\d.*])(?<![mM][pP])\d{1,6}(?![\d*qQ])")
_NUMERALS = "二三四五六七八九十"
_COUNTED = "个月|年级|小时|分钟|公里|[个年月天岁元块斤米层楼路号级次周条张台部本份名位种寸克期成环]"
# 两 is left alone, it often just means a few
_NUMERAL = re.compile(
    rf"(?<![{_NUMERALS}一两百千万几数星期周])(?!十分|八成|七夕|九成)([{_NUMERALS}])(?=({_COUNTED}))(?!.[一-鿿]?多)"
)


def number(text: str, rng: random.Random) -> str | None:
    found = list(_DIGITS.finditer(text))
    if not found:
        return None
    match = rng.choice(found)
    digits = match[0]
    value = int(digits)
    if 1900 <= value <= 2100:
        new = str(value + rng.choice((-3, -2, -1, 1, 2, 3)))
    elif value < 20:
        new = str(rng.choice([n for n in (value - 1, value + 1, value + 2) if n > 0]))
    else:  # another first digit: 6000 and 6001 may well have one answer
        first = next(at for at, digit in enumerate(digits) if digit != "0")
        new = digits[:first] + rng.choice([d for d in "123456789" if d != digits[first]]) + digits[first + 1 :]
    return text[: match.start()] + new.zfill(len(digits)) + text[match.end() :]


def numeral(text: str, rng: random.Random) -> str | None:
    found = list(_NUMERAL.finditer(text))
    if not found:
        return None
    match = rng.choice(found)
    value = _NUMERALS.index(match[1]) + 2
    near = [n for n in (value - 1, value + 1, value + 2) if 3 <= n <= 9]
    return text[: match.start()] + _NUMERALS[rng.choice(near) - 2] + text[match.end() :]


# Why something failed does not depend on whether it was yesterday or today.
_TROUBLE = (
    r".*(怎么[今昨明这上下]|怎么(办|回事|不|没|还|又|了|我|会|就)|咋|为什么|为啥|为何"
    r"|多久|多长|失败|没|不能|不了|不可|无法|被|比如|[了过](?=[，。？?！!、 ]|$)).*"
    r"|^.{26,}$"
)
TIME = either(
    swap("今天/明天/昨天 今年/明年/去年 上个月/下个月/这个月 上周/下周/本周", unless=_TROUBLE),
    swap("上午/下午 早上/中午/晚上 早餐/晚餐 早饭/晚饭", unless=rf"{_TROUBLE}|今晚上|[明今昨]天"),
    swap("春天/夏天/秋天/冬天 春季/夏季/秋季/冬季 周一/周三/周五/周日 星期一/星期二/星期四/星期六 寒假/暑假"),
    swap(
        "春节/中秋节/国庆节/端午节/元旦/清明节 情人节/母亲节/父亲节/圣诞节/教师节 月初/月底 年初/年底",
        unless=r"七夕情人节|大年初|年初[一二三四五]|[圣平]安夜|双旦",
    ),
    swap(
        "小学/初中/高中 一年级/三年级/五年级 中考/高考/考研 上册/下册 大一/大二/大三 高一/高二/高三 初一/初二/初三",
        unless=r"(正月|大年|农历|月)初.|初一十五|[一二三四五六]{2}年级|[大最][一二三][些点号个样]|[高大]一[些点]",
    ),
)
_EVENT = r"饭|睡觉|运动|还款|到期|结婚|怀孕|开学|上课|下班|手术|考试|洗澡|出生|毕业"
SCOPE = either(
    swap(
        "每天/每周/每月/每年 每日/每周 分期付款/全额付款 分期还款/一次性还款 "
        "分期买/全款买 一次性付清/分期付清 一次性还清/分期还清 "
        "免费/付费 永久/临时 国内/国外 室内/室外 第一次/最后一次 "
        "第一个/第二个/最后一个 个人/企业 单机/联网 新手/老手 只能/也能 "
        "国产/进口 公立/私立 线上/线下 本地/异地 半天/整天 全部还款/部分还款 全部退款/部分退款 以上/以下 以内/以外",
        unless=r"[一二两三四五几每各单俩]个人|个人[都能可觉认]|线下载"
        r"|在线上|个人(?=[？?]?$)|[这那哪]个人|全部还款日|每天都|[新老]手机|可以[上下内外]",
    ),
    sub((rf"({_EVENT})(?:之|以)?前(?=[^面])", r"\1后"), (rf"({_EVENT})(?:之|以)?后(?=[^面悔])", r"\1前")),
)

WH = r"为什么|为啥|为何|怎么|怎样|如何|什么|啥|哪|谁|多少|几"
# In a yes-no question 可以…吗 and 不可以…吗 ask the same, so a negation counts only beside a question word.
_YES_NO = r"吗|嘛|吧|能不能|会不会|是不是|有没有|可不可以|要不要|好不好|[了过]没|否|么[？?！!。 ]*$|不[？?]?$"
_ACT = "[到开按还收通显用买成扣做去来看找退给被借点发打付提得过更实绑逾出下交登那这申授注及再享完人]"
"""What follows 没有 where it means has not, rather than has none."""
_HOW_MUCH = r"(?!.{0,6}(?:多少|多久|多长|几|什么时))"
NEGATION = sub(
    (
        rf"(?<![不才功可性智万只谁就未节潜异技职都机本官体动还也总])能(?![力量源够不否耗效手人干级见可]){_HOW_MUCH}",
        "不能",
    ),
    (rf"(?<![不才就也都还只能谁])可以(?!不){_HOW_MUCH}", "不可以"),
    (
        rf"(?<![不社机学晚开聚协大商宴约才都就只誓省体理工国委领误总也还])会(?![议员计不话展所长场徽]){_HOW_MUCH}",
        "不会",
    ),
    (rf"(?<![不很最更还是])(支持|允许|同意|适合|喜欢|需要|属于|包括){_HOW_MUCH}", r"不\1"),
    (r"(?<![能会可])不(?=能(?!不)|会(?!不)|可以|支持|允许|同意|适合|显示|喜欢|需要|属于|包括)", ""),
    (rf"(?<![有过了还])没有(?![？?！!。，, 了么]|$|{_ACT})", "有"),
    (rf"还没有?(?={_ACT})(?!.*了)", "已经"),
    (r"(用|开|登|付|借|取|退|转|打开|登录|支付|提现|还款)不了", r"\1得了"),
    unless=rf"{_YES_NO}|^(?!.*({WH}))|不会不|不能不|没有不|不得不|^.{{31,}}$",
)

ANTONYM = either(
    swap(
        "打开/关闭 开启/关闭 上涨/下跌 涨价/降价 增加/减少 提高/降低 "
        "提升/降低 提前/延后 增大/减小 变大/变小 放大/缩小 变长/变短 "
        "上传/下载 安装/卸载 登录/退出 注册/注销 绑定/解绑 添加/删除 "
        "升级/降级 加密/解密 压缩/解压 开通/关闭 取消>/恢复 "
        "冻结/解冻 购买/出售 买房/卖房 买车/卖车 买家/卖家 存钱/取钱 "
        "借钱/还钱 收款/付款 充值/提现 收入/支出 发货/退货 转入/转出 "
        "入职/离职 结婚/离婚 怀孕/避孕 减肥/增肥 出生/去世 上班/下班 上车/下车 开学/放假 入住/退房 加好友/删好友",
        unless=r"收入证明|开通状态|降价通知|购买力|出生证|关闭状态"
        r"|压缩[机包]|下载[器安地]|(分期|货到|代)付款|充值[卡中]"
        r"|(手机|话费|游戏|流量|电话)充值|删除[的了]|已.{0,3}(开通|关闭|删除|绑定)|收入的",
    ),
    swap(
        "最大/最小 最高/最低 最多/最少 最长/最短 最快/最慢 最好/最差 "
        "最贵/最便宜 最早/最晚 最强/最弱 最难/最容易 最远/最近 "
        "男朋友/女朋友 男人/女人 男生/女生 男孩/女孩 男士/女士 "
        "男装/女装 男鞋/女鞋 左边/右边 左眼/右眼 左手/右手 左脚/右脚 "
        "优点/缺点 好处/坏处 优势/劣势 热水/冷水 干性/油性 长发/短发 正面/反面 变白/变黑 变胖/变瘦 长胖/变瘦 "
        "变高/变矮 变硬/变软 公猫/母猫 公狗/母狗 老师/学生 高血压/低血压 "
        "高血糖/低血糖 白色/黑色/红色/蓝色 便秘/腹泻 失眠/嗜睡 "
        "内存/硬盘 横屏/竖屏 单人/双人 单身/已婚 新车/二手车 新房/二手房",
        unless=r"老师们|好处理|最好的?(朋友|是|不要|别)|最近(?!的)|长发公主"
        r"|坏处理|男人装|成功[学人案]|男[生孩人女]女[生孩人]",
    ),
)

_PLACES = (
    "北京/上海/广州/深圳/杭州/南京/武汉/成都/重庆/西安/天津/苏州/长沙/郑州/青岛/沈阳/大连/厦门/昆明/哈尔滨/济南/合肥/福州/"
    "南昌/太原/石家庄/贵阳/南宁/兰州/宁波/无锡/东莞/佛山/温州 "
    "河北/山西/辽宁/吉林/黑龙江/江苏/浙江/安徽/福建/江西/山东/河南/"
    "湖北/湖南/广东/四川/贵州/云南/陕西/甘肃 "
    "美国/英国/法国/德国/日本/韩国/俄罗斯/加拿大/澳大利亚/意大利/西班牙/印度/泰国/新加坡"
)
ENTITY = either(
    swap(
        _PLACES,
        unless=r"[东西南北]京东路|北京时间|上海滩|吉林市|印度洋|山西路"
        r"|江西路|[一-鿿]国[语文]|英国短毛|德国牧羊|海南京",
    ),
    swap(
        "支付宝/微信/京东 淘宝/京东/拼多多 花呗/借呗 百度/谷歌/搜狗 微博/贴吧/知乎 抖音/快手 优酷/爱奇艺/腾讯视频 "
        "工商银行/建设银行/农业银行/招商银行/交通银行 联通/电信/移动> "
        "苹果手机/华为手机/小米手机 iPhone/iPad 英语/日语/韩语/法语/德语 "
        "奔驰/宝马/奥迪 大众/丰田/本田 word/excel/ppt Word/Excel/PPT 顺丰/圆通/中通/申通 余额宝/零钱通 信用卡/储蓄卡 "
        "身份证/驾驶证/护照 篮球/足球/乒乓球/羽毛球 钢琴/吉他/小提琴 硕士/博士 本科/专科",
        unless=r"微信红包|花呗借呗|大众点评|支付宝花呗|支付宝借呗"
        r"|信用卡账单|百度(知道|贴吧|百科|云)|联通区|淘宝网?花呗",
    ),
    swap(
        "白羊座/金牛座/双子座/巨蟹座/狮子座/处女座/天秤座/天蝎座/射手座/摩羯座/水瓶座/双鱼座 "
        "属鼠/属牛/属虎/属兔/属龙/属蛇/属马/属羊/属猴/属鸡/属狗/属猪 "
        "周杰伦/刘德华/林俊杰/张学友/陈奕迅 李白/杜甫/苏轼/白居易 "
        "刘备/曹操/孙权 猪肉/牛肉/羊肉/鸡肉 苹果/香蕉/西瓜/葡萄 "
        "西红柿/土豆/黄瓜/茄子 感冒/发烧/咳嗽 胃炎/肠炎 高血压/糖尿病 "
        "狗狗/猫咪 鲤鱼/鲫鱼/草鱼 眼睛/鼻子/耳朵 牙疼/头疼/胃疼 "
        "头痛/胃痛/牙痛 白酒/红酒/啤酒 绿茶/红茶 数学/语文/英语/物理/化学",
        unless=r"苹果[手4-9五六七电xX园电公iIsSpP醋树]|感冒发烧|发烧友|白酒杯"
        r"|黄瓜视频|化学[品式方物反]|数学家|物理[学家]|土豆网|小苹果",
    ),
)

_FORMAT = r"(?i:word|pdf|excel|ppt|txt|jpg|png|gif|mp3|mp4|wav|avi|cad|caj)"
_MONEY = r"人民币|美元|日元|欧元|英镑|港币|韩元|泰铢"
_PURSE = r"余额宝|微信|支付宝|银行卡|零钱|信用卡|花呗|QQ钱包|储蓄卡|余额|京东"
_TONGUE = r"英语|英文|中文|汉语|日语|韩语|法语|德语|俄语"
_UNIT = r"公斤|斤|米|里|公里|英里|英尺|英寸|厘米|升|磅|克|吨|亩|公顷|平方米|毫升"
_PEOPLE = r"老公|老婆|男人|女人|男生|女生|男孩|女孩|婆婆|媳妇|儿子|妈妈|爸爸|老师|学生|孩子|男朋友|女朋友|猫|狗"
_PLACE = "|".join(_PLACES.replace("/", " ").split())
_KIN = r"他|她|女朋友|男朋友|女友|男友|妈妈|爸爸|老婆|老公|对方|朋友"
DIRECTION = sub(
    (
        r"^(请问|你好，|求)?从([^从到，。？?怎坐乘开飞小头古现]{2,3})到([^到，。？?了现怎坐大尾多]{2,3})(?=怎么"
        r"|要|需|有|坐|的|多少|高铁|火车|飞机|[？?]|$)",
        r"从\3到\2",
    ),
    (rf"({_PLACE})(到|去|飞|至|开往)({_PLACE})", r"\3\2\1"),
    (
        rf"({_FORMAT})(格?式?文?件?转换成|转换为|怎么转换成|怎么转成|转成|转为|转换|转|变成|改成|导入)({_FORMAT})",
        r"\3\2\1",
    ),
    (rf"({_MONEY})(兑换|兑|换成|换|对|等于多少)({_MONEY})", r"\3\2\1"),
    (rf"({_UNIT})(等于|是|有|换算成|合)(多少|几)({_UNIT})(?!数)", r"\4\2\3\1"),
    (rf"({_PURSE})(里?的?钱?怎么转到|怎么转入|怎么提现到|转账到|转到|转入|提现到|转)({_PURSE})(?!账)", r"\3\2\1"),
    (rf"({_TONGUE})(怎么翻译成|翻译成|翻译|译成|转)({_TONGUE})", r"\3\2\1"),
    (rf"我(喜欢|爱上|爱|想追|追|欠|骗了|打了|讨厌|得罪了|借给|误会了)({_KIN})(?!们)", r"\2\1我"),
    (rf"({_PEOPLE})(喜欢|爱|打|骂|骗|欠|讨厌|追|怀疑|咬|怕|比|照顾)({_PEOPLE})", r"\3\2\1"),
    (r"男(追|比|大)女", r"女\1男"),
    (r"^([^比，。？?不更哪为怎]{2,7})比([^比，。？?]{2,7}?)(?=好|大|高|贵|快|强|重|多|厉害|便宜|难)", r"\2比\1"),
    unless=r"比[较如赛例亚特基]|[对相之百占正反]比|互相|一样|往返|来回|之间",
)

_DO = r"开通|还款|提现|取消|办理|申请|使用|付款|支付|升级|注销|关闭|报名|吃|喝|治疗|减肥|洗|学|下载|安装|设置|修改|更换"
TYPE = sub(
    (r"什么时候|啥时候|何时", "在哪里|为什么"),
    (r"(?<![在到去从])在?(?:哪里|哪儿)(?=[买办能可学修看卖])", "什么时候|为什么"),
    (r"(?:为什么|为啥|为何)(?=.{0,3}[能会要开])(?!.*(?:了|没|不))", "什么时候"),
    (rf"(?:怎么|如何|怎样)(?={_DO})(?!.*(?:了|没|不))", "为什么要|什么时候"),
    (r"(?<=[一-鿿]{2})是?什么意思(?=[？?]?$)", "怎么读|出自哪里"),
    (r"(?<=[一-鿿]{2})(?<![要花])多少钱(?=[？?]?$)", "怎么用|在哪买|质量怎么样"),
    (r"(要|需要|得)(?:多久|多长时间)(?![之以后])", r"\1多少钱"),
    (r"多(?:高|重)(?=[？?]?$)", "多少岁"),
    (r"是谁(?=[？?]?$)", "是哪一年的|在哪里"),
    (r"有什么(?:用|作用|功效)", "怎么用|在哪里买"),
    (r"怎么样(?=[？?]?$)", "多少钱|在哪里"),
    (r"哪个(?:牌子|品牌)好|什么(?:牌子|品牌)好", "多少钱|怎么用"),
    (r"怎么读(?=[？?]?$)", "是什么意思"),
    (r"叫什么(?:名字)?(?=[？?]?$)", "在哪里"),
    unless=r"谁.*谁|什么.*什么.*什么|为什么.*(怎么|如何|什么)|什么.*为什么"
    r"|时候.*什么时候|天气|你们|感觉怎么样|觉得|花呗.*多少钱|借呗.*多少钱",
)

SUBJECT = either(
    swap(
        "孕妇/老人/小孩/婴儿/糖尿病人 儿童/老年人/孕妇 宝宝/老人/孕妇 "
        "大学生/上班族/老年人 新生儿/老人 未成年人/老年人 小学生/大学生",
        unless=r"[有生亲怀店马猪羊龙]的?宝宝|宝宝们|圣诞老人|老人机|老人与|儿童节|[大小]学生们|中小学生|老人家",
    ),
    swap(
        "女儿/儿子 女朋友/妈妈/同事 男朋友/爸爸/同事 老公/爸爸/朋友 老婆/妈妈/闺蜜 婆婆/妈妈 老师/同事 同学/领导",
        unless=r"妈妈[的们网咪]|爸爸[的们去]|[男女]朋友圈|老师[好们傅]|[老虎狼羊猪好]妈妈|老公公|老婆婆|小女儿",
        if_has=r"送|礼物|生日|生气|吵架|祝福|哄|分手|出轨|道歉",
    ),
    sub((r"我(?=(能|可以|能不能|适合|可不可以)(吃|喝|打疫苗|献血|坐飞机|结婚))", "孕妇|老人|未成年人|外国人")),
)
