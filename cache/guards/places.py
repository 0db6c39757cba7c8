"""Names that need no capital letter to be known: countries, cities, languages, makers. One entry, one thing.

Each line has a kind; within it ``|`` parts the things, and the spellings of one thing stand side by side
("_" is a space). English and Chinese.
"""

from __future__ import annotations

KINDS = {
    "country": """
usa us u.s. u.s america american americans united_states united_states_of_america 美国
uk u.k. britain british great_britain united_kingdom england english_people 英国|china chinese_people prc 中国
india indian indians 印度|japan japanese_people 日本|germany german_people germans 德国|france frenchman 法国
russia russian russians 俄罗斯|canada canadian canadians 加拿大|australia australian australians 澳大利亚 澳洲
brazil brazilian 巴西|mexico mexican mexicans 墨西哥|italy italian italians 意大利|spain spaniards 西班牙
pakistan pakistani pakistanis 巴基斯坦|bangladesh bangladeshi 孟加拉国|nepal nepali nepalese 尼泊尔
sri_lanka 斯里兰卡|indonesia indonesian 印尼 印度尼西亚|malaysia malaysian 马来西亚|singapore singaporean 新加坡
thailand thai_people 泰国|vietnam 越南|philippines filipino filipinos 菲律宾|south_korea 韩国|north_korea 朝鲜
taiwan taiwanese 台湾|hong_kong 香港|macau 澳门|turkey_country turkish_people 土耳其|iran iranian 伊朗
iraq iraqi 伊拉克|israel israeli israelis 以色列|saudi_arabia 沙特 沙特阿拉伯|uae united_arab_emirates 阿联酋
egypt egyptian 埃及|south_africa 南非|nigeria nigerian 尼日利亚|kenya kenyan 肯尼亚|ethiopia 埃塞俄比亚|ghana 加纳
morocco 摩洛哥|poland polish_people 波兰|ukraine ukrainian 乌克兰|sweden swedish_people 瑞典
norway norwegian_people 挪威|denmark 丹麦|finland finnish_people 芬兰|netherlands holland 荷兰
belgium belgian 比利时|switzerland swiss 瑞士|austria austrian 奥地利|greece 希腊|portugal 葡萄牙|ireland 爱尔兰
scotland 苏格兰|wales 威尔士|argentina 阿根廷|chile 智利|colombia 哥伦比亚|peru 秘鲁|venezuela 委内瑞拉|cuba 古巴
new_zealand 新西兰|syria 叙利亚|afghanistan 阿富汗|hungary 匈牙利|romania 罗马尼亚|bulgaria 保加利亚
czech_republic 捷克|croatia 克罗地亚|serbia 塞尔维亚|qatar 卡塔尔|kuwait 科威特|myanmar burma 缅甸|cambodia 柬埔寨
laos 老挝|mongolia 蒙古
""",
    "city": """
new_york nyc new_york_city 纽约|los_angeles 洛杉矶|san_francisco 旧金山|chicago 芝加哥|boston 波士顿|seattle 西雅图
houston 休斯顿|dallas|miami|atlanta|denver|philadelphia|las_vegas|london 伦敦|manchester 曼彻斯特|paris 巴黎
berlin 柏林|munich 慕尼黑|hamburg|frankfurt 法兰克福|rome 罗马|milan 米兰|madrid 马德里|barcelona 巴塞罗那
vienna 维也纳|oslo 奥斯陆|stockholm 斯德哥尔摩|amsterdam 阿姆斯特丹|brussels 布鲁塞尔|zurich 苏黎世|geneva 日内瓦
dublin 都柏林|lisbon 里斯本|athens 雅典|moscow 莫斯科|istanbul 伊斯坦布尔|dubai 迪拜|abu_dhabi|cairo 开罗|nairobi
lagos|tokyo 东京|osaka 大阪|kyoto 京都|seoul 首尔|bangkok 曼谷|jakarta|kuala_lumpur|manila|hanoi 河内|sydney 悉尼
melbourne 墨尔本|brisbane|perth|auckland|toronto 多伦多|vancouver 温哥华|montreal 蒙特利尔|mumbai bombay 孟买
delhi new_delhi 德里 新德里|bangalore bengaluru|chennai madras|kolkata calcutta|hyderabad|pune|ahmedabad|jaipur
lucknow|chandigarh|kochi|goa|kerala|gurgaon gurugram|noida|karachi|lahore|islamabad|dhaka|beijing peking 北京
shanghai 上海|guangzhou canton 广州|shenzhen 深圳|天津|重庆|成都|武汉|杭州|南京|西安|苏州|长沙|郑州|青岛|大连|沈阳
哈尔滨|长春|济南|厦门|福州|昆明|合肥|南昌|宁波|无锡|石家庄|太原|贵阳|南宁|兰州|海口|三亚|乌鲁木齐|呼和浩特|银川|拉萨
西宁|东莞|佛山|珠海|温州|徐州|洛阳|桂林|烟台|台北
""",
    "province": """
广东|广西|浙江|江苏|山东|山西|河南|河北|湖南|湖北|四川|云南|贵州|陕西|甘肃|福建|江西|安徽|海南|辽宁|吉林|黑龙江
内蒙古|新疆|西藏|青海|宁夏|california|texas|florida|ohio|virginia|arizona|nevada|oregon|illinois|michigan|colorado
alaska|hawaii
""",
    "tongue": """
english_language english 英语 英文|spanish 西班牙语|french 法语|german 德语|italian_language 意大利语
portuguese 葡萄牙语|russian_language 俄语|chinese mandarin 汉语 中文 普通话|cantonese 粤语 广东话|japanese 日语 日文
korean 韩语 韩文|arabic 阿拉伯语|hindi 印地语|urdu|bengali|tamil|telugu|punjabi|gujarati|marathi|kannada|malayalam
turkish|dutch|swedish|norwegian|danish|finnish|polish_language|greek|hebrew|latin|sanskrit|thai 泰语
vietnamese 越南语|persian farsi
""",
    "code": """
python python3|java|javascript js|typescript|c++ cpp|c# csharp|golang|rust_language|ruby|php|swift_language|kotlin
scala|haskell|perl|matlab|fortran|cobol|erlang|elixir|mysql|postgresql postgres|mongodb|sqlite|oracle|mariadb|redis
react reactjs|angular angularjs|vue vuejs|django|flask|laravel|node.js nodejs|jquery|tensorflow|pytorch|keras|linux
windows|macos osx|ubuntu|debian|fedora|android 安卓|ios
""",
    "maker": """
google 谷歌|apple_inc|microsoft 微软|amazon 亚马逊|facebook fb 脸书|twitter 推特|instagram|whatsapp|snapchat
linkedin|youtube|netflix|uber|lyft|airbnb|tesla 特斯拉|toyota 丰田|honda 本田|nissan 日产|bmw 宝马
mercedes mercedes-benz 奔驰|audi 奥迪|volkswagen vw 大众汽车|hyundai 现代汽车|kia 起亚|ferrari 法拉利
lamborghini 兰博基尼|samsung 三星|huawei 华为|xiaomi 小米|oppo|vivo|nokia 诺基亚|motorola|lenovo 联想|dell 戴尔
asus 华硕|hp_inc 惠普|acer 宏碁|iphone 苹果手机|ipad|intel 英特尔|amd|nvidia 英伟达|alibaba 阿里巴巴|taobao 淘宝
jd.com 京东|tencent 腾讯|baidu 百度|wechat 微信|qq|alipay 支付宝|weibo 微博|paypal|visa_card|mastercard|infosys|tcs
wipro|accenture|cognizant|flipkart|paytm|花呗|借呗|余额宝|微粒贷|美团|滴滴|抖音|快手|优酷|爱奇艺|adidas 阿迪达斯
nike 耐克|pepsi 百事可乐|coca-cola coke 可口可乐|starbucks 星巴克|mcdonald's mcdonalds 麦当劳|kfc 肯德基
""",
}
"""Kind of thing to the things of that kind."""


def _named() -> tuple[dict[str, str], dict[str, str], dict[str, list[str]]]:
    thing_of: dict[str, str] = {}
    kind_of: dict[str, str] = {}
    longer: dict[str, list[str]] = {}
    for kind, lines in KINDS.items():
        for things in lines.strip().replace("\n", "|").split("|"):
            names = [name.replace("_", " ") for name in things.split()]
            kind_of[names[0]] = kind
            for name in names:
                thing_of[name] = names[0]
                if " " in name:
                    longer.setdefault(name.split()[0], []).append(name)
    return thing_of, kind_of, longer


THING, KIND, LONGER = _named()
"""Spelling to thing; thing to kind; first word to the spellings of several words."""
