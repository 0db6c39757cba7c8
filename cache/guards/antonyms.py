"""Word pairs that stand against each other. English by base form (inflections are made), Chinese as written."""

from __future__ import annotations

from .reading import forms

ENGLISH = """
enable disable|enable deactivate|activate deactivate|activate disable|open close|open shut|start stop|start end
start finish|begin end|begin finish|add remove|add delete|add subtract|create delete|create destroy|create remove
increase decrease|increase reduce|increase lower|raise lower|raise reduce|buy sell|purchase sell|import export
upload download|lock unlock|show hide|reveal hide|maximum minimum|max min|maximize minimize|maximise minimise
subscribe unsubscribe|install uninstall|install remove|follow unfollow|block unblock|mute unmute|connect disconnect
attach detach|accept reject|accept decline|accept refuse|approve reject|approve deny|allow deny|allow forbid
allow prohibit|allow block|allow prevent|permit forbid|permit prohibit|grant deny|grant revoke|upgrade downgrade
send receive|lend borrow|push pull|win lose|gain lose|find lose|love hate|like dislike|like hate|accelerate decelerate
expand shrink|expand contract|rise fall|grow shrink|ascend descend|climb descend|arrive depart|arrive leave
arrival departure|enter exit|enter leave|join leave|join quit|hire fire|merge split|combine separate|commit revert
encode decode|encrypt decrypt|compress decompress|zip unzip|pack unpack|wrap unwrap|load unload|freeze unfreeze
freeze thaw|pause resume|deposit withdraw|deposit withdrawal|credit debit|include exclude|pass fail|succeed fail
success failure|remember forget|agree disagree|appear disappear|trust distrust|obey disobey|approve disapprove
believe disbelieve|advance retreat|attack defend|marry divorce|inhale exhale|strengthen weaken|heat cool|fill empty
insert eject|insert remove|encourage discourage|build demolish|build destroy|widen narrow|lengthen shorten
charge discharge|tighten loosen|praise criticize|save spend|save waste|earn spend|wake sleep|live die|born die
laugh cry|sink float|cause prevent|cause cure|promote demote|inflate deflate|improve worsen|attract repel
invest divest|lead follow|always never|everything nothing|everyone nobody|all none|some none|any none|before after
first last|former latter|earlier later|early late|sooner later|previous next|old new|older newer|oldest newest
ancient modern|young old|younger older|youngest oldest|tall short|taller shorter|tallest shortest|big small
bigger smaller|biggest smallest|large small|larger smaller|largest smallest|long short|longer shorter|longest shortest
fast slow|faster slower|fastest slowest|high low|higher lower|highest lowest|deep shallow|heavy light|heavier lighter
strong weak|stronger weaker|good bad|good evil|good poor|better worse|best worst|cheap expensive|cheaper dearer
cheapest expensive|rich poor|wealthy poor|easy difficult|easy hard|simple complex|simple complicated|hot cold
warm cool|hottest coldest|wet dry|hard soft|thick thin|wide narrow|bright dark|clean dirty|full empty|fresh stale
sharp blunt|loud quiet|happy sad|happy unhappy|beautiful ugly|pretty ugly|polite rude|brave cowardly|smart stupid
intelligent stupid|clever stupid|safe dangerous|safe unsafe|legal illegal|lawful unlawful|possible impossible
healthy unhealthy|true false|right wrong|correct wrong|correct incorrect|valid invalid|positive negative
public private|online offline|inbound outbound|inner outer|internal external|input output|ingress egress
domestic foreign|domestic international|urban rural|indoor outdoor|native foreign|male female|man woman|men women
boy girl|husband wife|mother father|mom dad|son daughter|brother sister|boyfriend girlfriend|king queen|uncle aunt
bride groom|left right|north south|east west|northern southern|eastern western|top bottom|upper lower|above below
over under|inside outside|upstairs downstairs|front rear|front back|forward backward|forwards backwards
upward downward|clockwise counterclockwise|day night|morning evening|morning afternoon|summer winter|spring autumn
vertical horizontal|pros cons|advantage disadvantage|benefit drawback|benefit risk|strength weakness|profit loss
asset liability|supply demand|buyer seller|employer employee|landlord tenant|lender borrower|victim culprit
parent child|winner loser|predator prey|friend enemy|hero villain|guest host|free paid|business personal
personal corporate|private business|cause effect|theory practice|war peace|birth death|life death|more less|more fewer
most least|greatest least|majority minority|many few|plus minus|multiply divide|odd even|prefix suffix
ascending descending|synchronous asynchronous|static dynamic|mutable immutable|explicit implicit|active passive
temporary permanent|optional mandatory|optional required|voluntary compulsory|manual automatic|analog digital
serial parallel|concave convex|single married|acid alkaline|solid liquid|liquid gas|vegetarian carnivorous
guilty innocent|alive dead|awake asleep|present absent|visible invisible|hardware software|frontend backend
introvert extrovert|introverted extroverted|optimistic pessimistic|optimist pessimist|conservative liberal
democrat republican|superior inferior|major minor|senior junior|common rare|usual unusual|frequent rare|often rarely
often seldom|frequently rarely|usually rarely|partially completely|rough smooth|tight loose|generous stingy
humble arrogant|appropriate inappropriate|reject welcome|ignore heed|ignore manage|replica original
accidentally deliberately|intentional accidental|lengthy short|brief long|small huge|small giant|big tiny|large tiny
huge tiny|primary secondary|recognize ignore|ban mandate|ban allow|ban permit|retain lose|keep lose|keep discard
keep abandon|same different|similar different|identical different|alike different|specific generic|specific general
real fake|genuine fake|authentic fake|original copy|important insignificant|important trivial|important minor
serious frivolous|fair foul|normal abnormal|typical atypical|harmful helpful|harmful beneficial|harmful harmless
helpful useless|useful useless|violate uphold|foreign local|global local|opponent supporter|support oppose
advocate oppose|continue discontinue|continue stop|continue cease|resume suspend|exacerbate alleviate|worsen alleviate
aggravate relieve|near far|close far|gradual sudden|slow rapid|slow quick|convict acquit|single multiple
introduce abolish|exact approximate|abstract concrete|natural artificial|lazy hardworking|noisy quiet|calm nervous
strict lenient|flexible rigid|likely unlikely|probable unlikely|probable improbable|sweet sour|sweet bitter
smooth coarse|transparent opaque|clear opaque|clear vague|clear unclear|fertile barren|sober drunk
theoretical practical|subjective objective|qualitative quantitative|literal figurative|sender recipient
sender receiver|attractive repulsive|fragile sturdy|ripe unripe|wild tame|famous obscure|famous unknown|forgive punish
reward punish|respect despise|admire despise|embrace reject|deny admit|deny confirm|confirm refute|prove disprove
hinder help|hurt help|damage repair|break fix|waste conserve|scatter gather|raise drop|rise drop|increase drop
soar plummet|increase diminish|increase shrink|gain shed|optimize worsen|overestimate underestimate
overweight underweight|overpaid underpaid|majority few|full partial|complete partial|complete incomplete|final initial
beginning end|beginner expert|amateur professional|temporary lasting|polite impolite|civil uncivil|noble ignoble
comfortable uncomfortable|login logout|logon logoff|signin signout|earliest latest|entrance exit|victory defeat
abundant scarce|guilt innocence|sit stand|change cancel|place cancel|track cancel|check cancel|check change
edit delete|recover delete|recover create
"""
PHRASAL = (
    ("on", "off", "turn switch log put take power go get hop clock sign"),
    ("in", "out", "log sign opt check clock move step zoom phase cash break fade"),
    ("up", "down", "go turn scale scroll move speed slow break boot power put price"),
    ("on", "out", "log"),
)
"""Particles that are opposites behind the verbs given."""
_IRREGULAR = """
buy bought|sell sold|lend lent|rise rose risen|fall fell fallen|win won|lose lost|begin began begun|send sent
hide hid hidden|grow grew grown|shrink shrank shrunk|find found|give gave given|take took taken|teach taught
build built|spend spent|forget forgot forgotten|withdraw withdrew withdrawn|freeze froze frozen
unfreeze unfroze unfrozen|forbid forbade forbidden|wake woke woken|sleep slept|mom mum mommy|dad daddy|child children
wife wives|weakness weaknesses|sink sank sunk|deny denial|reject rejection|approve approval|arrive arrival
criticize criticise criticized criticised|die dying died dies death|lead led|stand stood|sit sat sitting|quit quitting
split splitting|shut shutting|drop dropped dropping|tell told|prove proven|break broke broken|ban banned banning
admit admitted admitting|light lit
"""
"""Base form and the inflections that no rule makes."""

_BARE = frozenset(
    "he she his her man men woman women right left over under more most less least all any some none free back light "
    "good bad better best worse worst old new first last many few hard even odd minor major present like".split()
)
"""Words without inflection here: "rights", "backs", "alls" are other words."""

PREFIXES = ("un", "non", "dis", "in", "im", "il", "ir", "de")
NOT_PREFIXED = frozenset(
    """
    deal dean dear debate debug debugging decay decent decide declare declared decline decrease dedicate deed deep
    default defeat defend defense define defined deform degrade degree delay delegate delete deliberate delight
    deliver demand demands demean demeanor demonstrate demote denote depart department depend depends depict
    deplete deplore deploy deployed deport deposit depot depress depressed deprive derive describe deserve design
    designed designs desire despair despite dessert destroy detail details detain detect deter determine detest
    develop device devote discharge disclose discount discover discovered discovery discuss discussed discussion
    disease dish disk dismiss disorder disorders dispatch display displays dispose distance distinct distract
    distribution district ensure illuminate illustrate image imagine immigrate impact impacts impart imply import
    important imported impose impress impressed improve improved improvement improving impulse inborn include
    income increase indeed index india indian indie individual indoor infer influence inform information informed
    ingrown inland inlet inmate innate inner input inputs inquire inset inside insight inspiration inspire
    inspired install installed installing instance instruct insure intake intend intense intent intention interest
    intern internal into intone introduce invent inventory invest investing investment invite invoice involve
    irate irk irks ironic uncle under union unique unit unite united universe university unless until unto
    """.split()
)
"""Words that only look like the opposite of what is left without the prefix."""

CHINESE = """
打开 关闭|开启 关闭|开通 关闭|开通 注销|启用 禁用|启用 停用|开机 关机|打开 关掉|开户 销户|注册 注销|绑定 解绑
绑定 解除|锁定 解锁|冻结 解冻|上涨 下跌|涨价 降价|升高 降低|提高 降低|提升 降低|增加 减少|增大 减小|增长 下降
上升 下降|增强 减弱|增肥 减肥|长高 变矮|加速 减速|存钱 取钱|存款 取款|存入 取出|转入 转出|充值 提现|借钱 还钱
借出 归还|借出 借入|收款 付款|收入 支出|收入 开支|买入 卖出|买家 卖家|买房 卖房|买车 卖车|购买 出售|购买 退货
进口 出口|上传 下载|安装 卸载|添加 删除|新增 删除|增加 删除|添加 移除|加入 退出|登录 退出|登陆 退出|登录 登出
订阅 退订|关注 取关|显示 隐藏|发送 接收|发货 退货|发货 收货|接受 拒绝|同意 拒绝|允许 禁止|赞成 反对|支持 反对
成功 失败|赢 输|胜利 失败|进攻 防守|之前 之后|以前 以后|以上 以下|之上 之下|上面 下面|前面 后面|里面 外面|左边 右边
左侧 右侧|左眼 右眼|左手 右手|左脚 右脚|上半身 下半身|南方 北方|东部 西部|室内 室外|国内 国外|国内 国际|白天 晚上
早上 晚上|上午 下午|上班 下班|上课 下课|上学 放学|上车 下车|上线 下线|上架 下架|上火 降火|开始 结束|开头 结尾
起点 终点|出发 到达|入口 出口|入职 离职|入住 退房|结婚 离婚|出生 死亡|男人 女人|男生 女生|男孩 女孩|男的 女的
男士 女士|男性 女性|男友 女友|男朋友 女朋友|爸爸 妈妈|父亲 母亲|哥哥 姐姐|弟弟 妹妹|哥哥 弟弟|姐姐 妹妹|老公 老婆
丈夫 妻子|儿子 女儿|爷爷 奶奶|公猫 母猫|公狗 母狗|最大 最小|最高 最低|最多 最少|最好 最差|最长 最短|最快 最慢
最早 最晚|最早 最新|最贵 最便宜|最新 最旧|至少 至多|最少 至多|大于 小于|高于 低于|多于 少于|超过 低于|优点 缺点
优势 劣势|好处 坏处|利 弊|长处 短处|便宜 昂贵|安全 危险|合法 非法|合法 违法|正确 错误|真的 假的|真假 假的|简单 复杂
容易 困难|干净 脏|强壮 虚弱|热水 冷水|公开 私密|公有 私有|线上 线下|手动 自动|正面 反面|正面 负面|积极 消极|单数 双数
奇数 偶数|正数 负数|加法 减法|乘法 除法|加密 解密|压缩 解压|编码 解码|输入 输出|导入 导出|内存 外存|软件 硬件
前端 后端|主动 被动|临时 永久|免费 收费|免费 付费|提前 推迟|提前 延迟|提前 逾期|延长 缩短|全部 部分|所有 部分
总是 从不|经常 很少|取消 恢复|取消 申请|关闭 恢复|恢复 删除|拉黑 解除|屏蔽 解除|置顶 取消|怀孕 避孕|变大 变小
变黑 变白|变胖 变瘦|美白 变黑|长胖 减肥|上行 下行
"""


def _english() -> tuple[dict[str, str], dict[str, set[str]]]:
    base_of: dict[str, str] = {}
    against: dict[str, set[str]] = {}
    for pair in ENGLISH.replace("\n", "|").split("|"):
        if pair:
            one, two = pair.split()
            against.setdefault(one, set()).add(two)
            against.setdefault(two, set()).add(one)
    for word in against:
        base_of[word] = word
    for word in against:
        for form in set() if word in _BARE else forms(word):
            base_of.setdefault(form, word)
    for line in _IRREGULAR.strip().replace("\n", "|").split("|"):
        word, *made = line.split()
        if word in against:
            base_of.update((form, word) for form in made if form not in against)
    return base_of, against


BASE, AGAINST = _english()
"""Inflected form to base form; base form to its opposites."""

HAN_PAIRS: dict[str, set[str]] = {}
for _pair in CHINESE.strip().replace("\n", "|").split("|"):
    _one, _two = _pair.split()
    HAN_PAIRS.setdefault(_one, set()).add(_two)
    HAN_PAIRS.setdefault(_two, set()).add(_one)
