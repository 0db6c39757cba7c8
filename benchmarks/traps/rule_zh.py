"""Chinese templates: the traps of both English files, in their own sentences."""

TEMPLATES = r"""
# numbers and units
@ n, w = 3, 三 | 5, 五 | 8, 八 | 12, 十二
? 怎么把一个视频平均剪成{n}段？
+ number-format: 怎么把一个视频平均剪成{w}段？
+ synonym: 如何将一段视频等分为{n}个片段？
+ keywords: 视频 平均分割 {n}段
- number: 怎么把一个视频平均剪成{n*}段？
- direction: 怎么把{n}段视频合成一个？
- entity: 怎么把一段录音平均剪成{n}段？

@ n, w = 20, 二十 | 35, 三十五 | 50, 五十 | 65, 六十五
? {n}岁的人每天睡几个小时合适？
+ number-format: {w}岁的人每天睡几个小时合适？
+ form: 到了{n}岁，一天的合理睡眠时间是多少？
+ keywords: {n}岁 每日合适睡眠时长
- number: {n*}岁的人每天睡几个小时合适？
- attribute: {n}岁的人每天喝多少水合适？
- polarity: {n}岁的人每天睡几个小时算太少？

@ n, w, f = 四, 4, 糖 | 三, 3, 盐 | 五, 5, 面粉 | 十, 10, 大米
? {n}斤{f}装满一个罐子，罐子得多大？
+ number-format: {w}斤{f}装满一个罐子，罐子得多大？
+ reorder: 罐子得多大，才能正好装下{n}斤{f}？
+ polite: 请问装{n}斤{f}的话，需要多大的罐子？
- unit: {n}两{f}装满一个罐子，罐子得多大？
- number: {n*}斤{f}装满一个罐子，罐子得多大？
- entity: {n}斤{f*}装满一个罐子，罐子得多大？

@ n, w = 5, 五 | 10, 十 | 30, 三十 | 45, 四十五
? 定时任务每{n}分钟跑一次会拖慢服务器吗？
+ number-format: 定时任务每{w}分钟跑一次会拖慢服务器吗？
+ reorder: 服务器会被拖慢吗，如果定时任务每{n}分钟跑一次？
+ form: 每隔{n}分钟执行一回定时任务，对服务器速度有影响吗？
- unit: 定时任务每{n}天跑一次会拖慢服务器吗？
- number: 定时任务每{n*}分钟跑一次会拖慢服务器吗？
- question-type: 定时任务怎么设置成每{n}分钟跑一次？

# dates and times
@ a, b, c = 下午三点, 15:00, 凌晨三点 | 晚上七点, 19:00, 早上七点 | 晚上九点, 21:00, 上午九点
? 游泳馆{a}还开门吗？
+ number-format: 游泳馆{b}还开门吗？
+ form: {a}去游泳馆还能进去吗？
+ register: {a}了，游泳馆还没关吧？
- date: 游泳馆{c}开门吗？
- entity: 健身房{a}还开门吗？
- polarity: 游泳馆{a}关门了还能退票吗？

@ a, b = 周一, 星期一 | 周二, 星期二 | 周四, 星期四 | 周六, 星期六
? {a}晚上谁值班？
+ synonym: {b}夜里由哪一位值班？
+ form: {a}晚上的班排给了谁？
+ keywords: {a}晚 值班人员
- date: {a*}晚上谁值班？
- date: {a}早上谁值班？
- tense: 上{a}晚上是谁值的班？

@ m, w = 1, 一 | 4, 四 | 8, 八 | 11, 十一
? 昆明{m}月份的天气怎么样？
+ number-format: 昆明{w}月份的天气怎么样？
+ form: 打算{m}月去昆明，那时天气如何？
+ keywords: 昆明 {m}月 天气
- date: 昆明{m*}月份的天气怎么样？
- attribute: 昆明{m}月份的酒店贵不贵？
- entity: 贵阳{m}月份的天气怎么样？

# versions, plans, currencies
@ a, b = 3.11, 3.8 | 3.12, 3.9 | 3.13, 3.10 | 2.7, 2.4
? Python {a}支持哪些操作系统？
+ voice: 哪些操作系统被Python {a}支持？
+ form: Python {a}能在什么操作系统上运行？
+ polite: 请问Python {a}都支持哪些操作系统呢？
- version: Python {b}支持哪些操作系统？
- negation: Python {a}不支持哪些操作系统？
- question-type: Python {a}支持到哪一年？

@ a, b = 10, 11 | 7, 8 | 8.1, 10 | 11, 7
? 扫描软件能在Windows {a}上用吗？
+ form: Windows {a}兼容这个扫描软件吗？说的是能不能用。
+ abbreviation: 扫描软件能在Win{a}上用吗？
+ register: 我这是Windows {a}，扫描软件装上能使不？
- version: 扫描软件能在Windows {b}上用吗？
- entity: 财务软件能在Windows {a}上用吗？
- question-type: 扫描软件在Windows {a}上怎么安装？

@ a, b = 标准版, 专业版 | 个人版, 企业版 | 免费版, 会员版 | 银卡, 金卡
? {a}最多能添加几个成员？
+ form: 用{a}的话，成员人数上限是多少？
+ keywords: {a} 成员数量上限
+ polite: 请问{a}最多可以加几位成员？
- plan: {b}最多能添加几个成员？
- attribute: {a}最多能存多少文件？
- superlative: {a}最少要添加几个成员？

@ a, b = 标准版, 旗舰版 | 月卡, 年卡 | 基础套餐, 尊享套餐 | 学生版, 家庭版
? 怎么从{a}换成{b}？
+ synonym: 如何由{a}变更为{b}？
+ form: 想把{a}改成{b}，在哪里操作、怎么操作？
+ keywords: {a}变更为{b} 方法
- direction: 怎么从{b}换成{a}？
- plan: 怎么从{a}换成{b*}？
- question-type: 从{a}换成{b}要补多少钱？

@ n, w, a, b = 100, 一百, 美元, 日元 | 500, 五百, 欧元, 卢布 | 2000, 两千, 港币, 韩元 | 50, 五十, 英镑, 比索
? 寄一件价值{n}{a}的礼物要报关吗？
+ number-format: 寄一件价值{w}{a}的礼物要报关吗？
+ form: 礼物价值{n}{a}，邮寄时需不需要向海关申报？
+ register: 寄个值{n}{a}的礼物，用不用报关啊？
- currency: 寄一件价值{n}{b}的礼物要报关吗？
- comparison: 寄一件价值低于{n}{a}的礼物要报关吗？
- number: 寄一件价值{n*}{a}的礼物要报关吗？

@ a, b, c = 人民币, 泰铢, 卢比 | 美元, 欧元, 英镑 | 日元, 韩元, 越南盾
? 在哪里把{a}换成{b}最划算？
+ form: 用{a}兑换{b}，哪里的汇率最好？
+ keywords: {a}换{b} 最划算的地方
+ polite: 请问要把{a}兑换成{b}，去哪里最合算？
- direction: 在哪里把{b}换成{a}最划算？
- currency: 在哪里把{a}换成{c}最划算？
- question-type: 什么时候把{a}换成{b}最划算？

# identifiers
@ a, b = E1042, E1024 | E2071, E2017 | F305, F350 | H19, H91
? 热水器显示故障代码{a}是什么意思？
+ form: 故障代码{a}出现在热水器上，表示哪里有问题？
+ keywords: 热水器 故障代码{a} 含义
+ polite: 师傅您好，热水器上显示{a}这个故障码，请问代表什么？
- code: 热水器显示故障代码{b}是什么意思？
- entity: 洗碗机显示故障代码{a}是什么意思？
- question-type: 热水器显示故障代码{a}怎么清除？

@ a, b = parse_date, parse_dates | get_user, set_user | readLine, readLines | to_json, from_json
? 函数{a}有哪些参数？
+ form: 调用{a}这个函数要传哪些参数？
+ keywords: 函数 {a} 参数列表
+ polite: 请教一下，函数{a}都接受什么参数？
- code: 函数{b}有哪些参数？
- attribute: 函数{a}会抛出哪些异常？
- negation: 函数{a}为什么没有参数？

@ a, b, l = <, <=, Java | ==, !=, Kotlin | &&, ||, C
? {l}里的运算符{a}优先级是第几级？
+ reorder: 运算符{a}在{l}里的优先级是第几级？
+ form: {l}把运算符{a}的优先级定在哪一级？
+ polite: 请问在{l}语言里，{a}这个运算符的优先级是多少级？
- code: {l}里的运算符{b}优先级是第几级？
- attribute: {l}里的运算符{a}返回什么类型？
- question-type: {l}里为什么要有运算符{a}？

# direction and roles
@ a, b, c = 成都, 昆明, 重庆 | 广州, 厦门, 福州 | 北京, 青岛, 济南 | 西安, 兰州, 银川
? 从{a}飞{b}的早班机几点起飞？
+ synonym: {a}飞往{b}的早班航班几点出发？
+ keywords: {a}到{b} 早班机 起飞时间
+ polite: 麻烦问一下，{a}去{b}的早班飞机是几点起飞？
- direction: 从{b}飞{a}的早班机几点起飞？
- polarity: 从{a}飞{b}的早班机几点降落？
- entity: 从{a}飞{c}的早班机几点起飞？

@ a, b = 中文, 法文 | 英文, 日文 | 德文, 俄文 | 韩文, 越南文
? 有没有把{a}翻译成{b}的好工具？
+ form: 要将{a}译为{b}，用什么工具比较好？
+ keywords: {a}译{b} 好用的工具
+ polite: 能否请您推荐一个把{a}翻成{b}的好工具？
- direction: 有没有把{b}翻译成{a}的好工具？
- entity: 有没有把{a}翻译成{b*}的好工具？
- attribute: 有没有同时懂{a}和{b}的好老师？

@ a, b = 买家, 卖家 | 员工, 公司 | 病人, 医院 | 作者, 出版社
? {a}违约，{b}可以要求赔偿吗？
+ reorder: {b}可以要求赔偿吗，如果{a}违约？
+ form: {a}没有履行合同时，{b}有权索赔吗？
+ keywords: {a}违约 {b}索赔
- role: {b}违约，{a}可以要求赔偿吗？
- question-type: {a}违约，{b}可以要求赔偿多少？
- modality: {a}违约，{b}必须要求赔偿吗？

@ a, b = 小王, 小李 | 老张, 老刘 | 阿强, 阿珍 | 赵明, 周洋
? {a}借给{b}一笔钱没写借条，怎么要回来？
+ synonym: {b}向{a}借了一笔钱但没立借据，{a}怎么讨回？
+ form: 没有借条，{a}有什么办法让{b}还钱？
+ reorder: 没写借条，{a}借给{b}的一笔钱怎么要回来？
- role: {b}借给{a}一笔钱没写借条，怎么要回来？
- negation: {a}借给{b}一笔钱写了借条，怎么要回来？
- attribute: {a}借给{b}一辆车没写借条，撞坏了谁赔？

@ a, b = 猫, 老鼠 | 猫头鹰, 蝙蝠 | 蜘蛛, 黄蜂 | 水獭, 青蛙
? {a}吃{b}吗？
+ voice: {b}会被{a}吃掉吗？
+ form: {a}的食物里有没有{b}？
+ polite: 老师，请问{a}是不是会吃{b}？
- role: {b}吃{a}吗？
- question-type: {a}怎么捉{b}？
- quantifier: {a}只吃{b}吗？

# quantifiers, superlatives, comparisons
@ o, n = 邮件, 附件 | 照片, 录音 | 联系人, 短信 | 便签, 闹钟
? 怎么一次性删除全部{o}？
+ form: 要把所有的{o}一下子都删掉，该怎么做？
+ register: {o}太多了，咋一口气全删掉？
+ keywords: 一次性删除全部{o} 方法
- quantifier: 怎么只删除其中一条{o}？
- polarity: 怎么一次性恢复全部{o}？
- entity: 怎么一次性删除全部{n}？

@ a, b, t = 最高, 最矮, 树 | 最快, 最慢, 蛇 | 最重, 最轻, 鸟 | 最古老, 最年轻, 火山
? 世界上{a}的{t}是哪一种？
+ form: 要说{a}的{t}，全世界数哪一种？
+ keywords: 世界 {a} {t}
+ polite: 请问全球{a}的{t}是哪一种？
- superlative: 世界上{b}的{t}是哪一种？
- entity: 亚洲{a}的{t}是哪一种？
- question-type: 世界上{a}的{t}分布在哪里？

@ n, w, t = 18, 十八, 租电动车 | 16, 十六, 单独住酒店 | 14, 十四, 独自坐飞机 | 12, 十二, 骑车上路
? 年满{n}岁可以{t}吗？
+ number-format: 年满{w}岁可以{t}吗？
+ form: 到了{n}岁，允不允许{t}？
+ register: 满了{n}岁，{t}让不让？
- comparison: 不满{n}岁可以{t}吗？
- number: 年满{n*}岁可以{t}吗？
- modality: 年满{n}岁必须带证件才能{t}吗？

# owners, modality, tense
@ x, y = 身份证, 驾驶证 | 护照, 居住证 | 工作证, 健康证 | 借书证, 停车证
? 我的{x}什么时候到期？
+ synonym: 我的{x}有效期截止到哪天？
+ form: 我的{x}可以用到哪一天为止？
+ keywords: 本人{x} 到期时间
- scope: 我女儿的{x}什么时候到期？
- attribute: 我的{y}什么时候到期？
- question-type: 我的{x}到期后去哪里换？

@ v, s = 打领带, 系领带 | 带礼物, 带礼品 | 交押金, 付押金 | 穿正装, 着正装
? 参加活动必须{v}吗？
+ synonym: 参加活动一定要{s}吗？
+ register: 去参加活动，不{v}不行吗？
+ form: {v}是不是参加活动的硬性要求？
- modality: 参加活动可以{v}吗？
- tense: 上次参加活动必须{v}吗？
- scope: 家属参加活动必须{v}吗？

@ e, g, h = 大桥, 通车, 开始通行 | 博物馆, 重新开放, 再次开门 | 地铁, 延长, 延伸 | 图书馆, 搬迁, 搬走
? {e}什么时候会{g}？
+ synonym: {e}预计哪天{h}？
+ form: {e}{g}的时间定在什么时候？
+ register: {e}啥时候能{g}啊？
- tense: {e}是什么时候{g}的？
- question-type: {e}为什么要{g}？
- modality: {e}应该{g}吗？

# audience, condition, polarity
@ a, b = 小狗, 小猫 | 老人, 幼儿 | 新手, 高手 | 孕妇, 学生
? 适合{a}的室内运动有哪些？
+ form: 在室内，{a}可以做哪些合适的运动？
+ keywords: {a} 室内运动 推荐
+ polite: 能不能请您介绍几种适合{a}的室内运动？
- audience: 适合{b}的室内运动有哪些？
- negation: 不适合{a}的室内运动有哪些？
- condition: 家里没有器材时，适合{a}的室内运动有哪些？

@ d, c, e = 千层面, 奶酪, 洋葱 | 蛋糕, 糖, 鸡蛋 | 咖喱, 土豆, 牛奶 | 馅饼, 黄油, 坚果
? 不放{c}怎么做{d}？
+ reorder: {d}怎么做，不放{c}？
+ form: 有什么{d}的做法是用不到{c}的？
+ keywords: 无{c}{d} 做法
- negation: 多放{c}怎么做{d}？
- condition: 不放{c}也不放{e}怎么做{d}？
- entity: 不放{e}怎么做{d}？

@ s, t = 花粉过敏, 晒伤 | 偏头痛, 打嗝 | 湿疹, 冻疮 | 贫血, 痛风
? {s}是什么引起的？
+ form: 引起{s}的原因有哪些？
+ register: 为啥会{s}？
+ polite: 医生，请问{s}是由什么原因造成的？
- attribute: {s}怎么治？
- entity: {t}是什么引起的？
- question-type: {s}多久能好？

@ t, u = 锁门, 开锁 | 暂停游戏, 继续游戏 | 关灯, 开灯 | 静音, 取消静音
? 用遥控器可以{t}吗？
+ form: 遥控器有没有{t}的功能？
+ reorder: {t}的话，用遥控器可以吗？
+ register: 拿遥控器能{t}不？
- polarity: 用遥控器可以{u}吗？
- negation: 不用遥控器可以{t}吗？
- quantifier: 只有用遥控器才可以{t}吗？

@ a, b = 沙发, 宽度 | 帐篷, 重量 | 台灯, 高度 | 书包, 容量
? 这款{a}的{b}是多少？
+ keywords: 这款{a} {b}参数
+ polite: 您好，麻烦告知一下这款{a}的{b}是多少。
+ typo: 这款{a}的{b}事多少？
- attribute: 这款{a}的价格是多少？
- entity: 这款{a*}的{b}是多少？
- scope: 我家那款旧{a}的{b}是多少？
"""
