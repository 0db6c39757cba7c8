"""Chinese, by hand: health, cooking, law, geography, history, sport, science, cars and coding."""

CLUSTERS = r"""
# health
? 感冒药可以空腹吃吗？
+ form: 没吃饭的时候能不能吃感冒药？
+ synonym: 空着肚子服用感冒药可以吗？
+ register: 啥也没吃，感冒药能直接吃不？
+ keywords: 感冒药 空腹服用
- polarity: 感冒药可以饭后吃吗？
- entity: 降压药可以空腹吃吗？
- modality: 感冒药必须空腹吃吗？
- audience: 猫可以空腹吃感冒药吗？

? 缺铁有什么症状？
+ form: 身体缺铁会有哪些表现？
+ keywords: 缺铁 症状
+ register: 人要是缺铁，会有啥感觉？
+ polite: 医生您好，请问缺铁会出现什么症状？
- attribute: 缺铁是什么原因？
- attribute: 缺铁怎么治疗？
- entity: 缺钙有什么症状？
- polarity: 铁过量有什么症状？

? 孕妇不能吃哪些水果？
+ form: 有哪些水果是孕妇禁食的？
+ synonym: 怀孕期间要忌口的水果有哪些？
+ keywords: 孕妇 忌吃水果
+ voice: 哪些水果不能被孕妇吃？
- negation: 孕妇能吃哪些水果？
- audience: 糖尿病人不能吃哪些水果？
- entity: 孕妇不能吃哪些海鲜？
- question-type: 孕妇为什么不能吃某些水果？

? 成人一天最多能吃几片这种止痛药？
+ form: 这种止痛药成年人每日的最大用量是几片？
+ number-format: 成人1天最多能吃几片这种止痛药？
+ keywords: 这种止痛药 成人 每日最大片数
+ polite: 请问这种止痛药，成人一天内最多可以服几片？
- audience: 儿童一天最多能吃几片这种止痛药？
- unit: 成人一周最多能吃几片这种止痛药？
- superlative: 成人一天最少要吃几片这种止痛药才有效？
- entity: 成人一天最多能吃几片这种安眠药？

? 打完疫苗两天后能喝酒吗？
+ number-format: 打完疫苗48小时后能喝酒吗？
+ reorder: 能喝酒吗？我两天前打的疫苗。
+ synonym: 接种疫苗满两天后可以饮酒吗？
+ keywords: 打疫苗两天后 饮酒
- direction: 打疫苗两天前能喝酒吗？
- number: 打完疫苗二十天后能喝酒吗？
- unit: 打完疫苗两小时后能喝酒吗？
- entity: 打完疫苗两天后能游泳吗？

? 发烧三十九度要去医院吗？
+ number-format: 发烧39度要去医院吗？
+ form: 体温到了三十九度，有必要上医院吗？
+ register: 烧到三十九度了，用不用去医院啊？
+ keywords: 发烧三十九度 是否就医
- number: 体温三十七度要去医院吗？
- audience: 新生儿发烧三十九度要去医院吗？
- condition: 发烧三十九度并且持续一周要去医院吗？
- question-type: 发烧三十九度多久能退？

? 高血压患者能喝咖啡吗？
+ form: 有高血压的人可不可以喝咖啡？
+ reorder: 咖啡，高血压患者能喝吗？
+ register: 血压高还能喝咖啡不？
+ keywords: 高血压 喝咖啡
- polarity: 低血压患者能喝咖啡吗？
- entity: 高血压患者能喝浓茶吗？
- attribute: 高血脂患者能喝咖啡吗？
- quantifier: 高血压患者只能喝咖啡吗？

# cooking
? 煮溏心蛋要几分钟？
+ form: 想让蛋黄不凝固，鸡蛋要煮多长时间？
+ keywords: 溏心蛋 煮制时间
+ synonym: 溏心鸡蛋需要煮多久？
+ polite: 请教一下，溏心蛋一般煮几分钟？
- polarity: 煮全熟蛋要几分钟？
- entity: 蒸鸡蛋羹要几分钟？
- attribute: 煮溏心蛋要几个鸡蛋？
- condition: 在高原上煮溏心蛋要几分钟？

? 做蛋糕没有黄油可以用什么代替？
+ form: 做蛋糕时黄油的替代品有哪些？
+ keywords: 做蛋糕 黄油替代品
+ voice: 做蛋糕时黄油可以被什么替换？
+ register: 想烤蛋糕可家里没黄油，拿啥顶上？
- entity: 做蛋糕没有牛奶可以用什么代替？
- direction: 做蛋糕时黄油可以用来代替什么？
- question-type: 做蛋糕为什么要用黄油？
- entity: 做饼干没有模具可以用什么代替？

? 剩米饭可以冷冻保存吗？
+ form: 没吃完的米饭能放冷冻室存着吗？
+ voice: 剩下的米饭可以被冷冻起来保存吗？
+ register: 剩饭搁冷冻里行不行？我说的是米饭。
+ keywords: 剩米饭 冷冻保存
- entity: 剩鸡蛋可以冷冻保存吗？
- question-type: 剩米饭冷冻可以保存几天？
- negation: 没煮过的米可以冷冻保存吗？
- polarity: 冷冻的米饭怎么解冻？

? 红烧肉为什么会发柴？
+ form: 红烧肉口感发柴是什么原因？
+ keywords: 红烧肉 发柴 原因
+ register: 红烧肉做出来咋就柴了呢？
+ polite: 想请教一下大家，红烧肉吃起来柴是为什么呢？
- polarity: 红烧肉为什么会太烂？
- question-type: 红烧肉炖多久不会发柴？
- entity: 烤鸡胸为什么会发柴？
- attribute: 红烧肉为什么会发苦？

# law
? 房东可以在合同期内涨房租吗？
+ voice: 合同期内房租可以被房东上调吗？
+ form: 租约还没到期，房东有权提高租金吗？
+ keywords: 合同期内 房东涨租
+ register: 合同都没到期呢，房东能涨房租不？
- polarity: 房东可以在合同期内降房租吗？
- condition: 房东可以在合同到期后涨房租吗？
- role: 租客可以在合同期内把房子转租吗？
- question-type: 房东在合同期内为什么要涨房租？

? 无证驾驶会怎么处罚？
+ form: 没有驾照开车要受什么处罚？
+ synonym: 无照开车会受到怎样的惩处？
+ keywords: 无证驾驶 处罚标准
+ voice: 无证驾驶的人会被怎么处罚？
- entity: 酒后驾驶会怎么处罚？
- negation: 有证但没带驾驶会怎么处罚？
- question-type: 为什么要处罚无证驾驶？
- tense: 十年前无证驾驶是怎么处罚的？

? 口头合同有法律效力吗？
+ form: 只是嘴上约定的合同，法律承认吗？
+ keywords: 口头合同 法律效力
+ synonym: 口头协议在法律上有效吗？
+ polite: 律师您好，请问口头合同是否具有法律效力？
- entity: 电子合同有法律效力吗？
- condition: 和未成年人订的口头合同有法律效力吗？
- question-type: 口头合同怎么取证？
- polarity: 口头合同什么情况下作废？

? 租客可以起诉房东吗？
+ form: 作为租客，能把房东告上法庭吗？
+ voice: 房东可以被租客起诉吗？
+ keywords: 租客起诉房东 是否可行
+ register: 租房子的能告房东不？
- role: 房东可以起诉租客吗？
- question-type: 租客起诉房东要多久？
- entity: 租客可以起诉物业吗？
- modality: 租客应该起诉房东吗？

# geography
? 南美洲最长的河是哪条？
+ form: 哪条河是南美洲长度第一的河？
+ synonym: 南美洲最长的河流叫什么？
+ keywords: 南美洲 最长河流
+ polite: 请问在南美洲，哪条河最长？
- superlative: 南美洲最短的河是哪条？
- entity: 北美洲最长的河是哪条？
- attribute: 南美洲最长的山脉是哪条？
- question-type: 南美洲最长的河有多长？

? 老挝和哪些国家接壤？
+ synonym: 老挝的邻国有哪些？
+ form: 与老挝有共同边界的国家是哪几个？
+ keywords: 老挝 接壤国家
+ polite: 请列出与老挝接壤的国家。
- entity: 尼泊尔和哪些国家接壤？
- question-type: 老挝的边界有多长？
- quantifier: 哪个国家和老挝的边界最长？
- negation: 东南亚哪些国家不和老挝接壤？

? 青海湖比鄱阳湖大吗？
+ form: 青海湖的面积是不是超过鄱阳湖？
+ reorder: 跟鄱阳湖相比，青海湖更大吗？
+ keywords: 青海湖 鄱阳湖 面积 前者更大吗
+ register: 青海湖有没有鄱阳湖大，是比它还大吗？
- role: 鄱阳湖比青海湖大吗？
- entity: 青海湖比洞庭湖大吗？
- attribute: 青海湖比鄱阳湖深吗？
- superlative: 中国最大的湖是哪个？

? 冰岛有多少人口？
+ form: 住在冰岛的一共多少人？
+ keywords: 冰岛 人口数量
+ synonym: 冰岛的居民总数是多少？
+ polite: 请告诉我冰岛的人口是多少。
- entity: 爱尔兰有多少人口？
- tense: 一百年前冰岛有多少人口？
- question-type: 冰岛的人口主要住在哪里？
- attribute: 冰岛有多少火山？

# history
? 谁在滑铁卢打败了拿破仑？
+ voice: 拿破仑在滑铁卢被谁打败了？
+ form: 滑铁卢之战中战胜拿破仑的是哪些将领？
+ synonym: 在滑铁卢是谁击败了拿破仑？
+ keywords: 滑铁卢 打败拿破仑的人
- role: 拿破仑在奥斯特里茨打败了谁？
- question-type: 拿破仑是哪一年在滑铁卢战败的？
- entity: 谁在莱比锡打败了拿破仑？
- polarity: 谁在滑铁卢帮助了拿破仑？

? 秦始皇是哪一年统一六国的？
+ form: 六国在哪一年被秦始皇统一？
+ synonym: 秦灭六国、完成统一是在哪年？
+ keywords: 秦始皇统一六国 年份
+ polite: 请问秦始皇统一六国发生在哪一年？
- question-type: 秦始皇为什么能统一六国？
- attribute: 秦始皇是哪一年去世的？
- entity: 隋文帝是哪一年统一南北的？
- quantifier: 秦始皇最后灭掉的是六国中的哪一国？

? 柏林墙是哪年倒塌的？
+ synonym: 柏林墙在哪一年被推倒？
+ form: 柏林墙倒塌发生在什么年份？
+ keywords: 柏林墙倒塌 年份
+ register: 柏林墙啥时候倒的，哪一年？
- polarity: 柏林墙是哪年建起来的？
- question-type: 柏林墙为什么倒塌？
- entity: 雷峰塔是哪年倒塌的？
- attribute: 柏林墙有多长？

? 第一位获得诺贝尔奖的女性是谁？
+ form: 哪位女性最早拿到诺贝尔奖？
+ number-format: 第1位获得诺贝尔奖的女性是谁？
+ keywords: 首位 诺贝尔奖 女性得主
+ abbreviation: 首位拿诺奖的女性是谁？
- number: 第二位获得诺贝尔奖的女性是谁？
- audience: 第一位获得诺贝尔奖的亚洲人是谁？
- condition: 第一位获得诺贝尔文学奖的女性是谁？
- quantifier: 最近一位获得诺贝尔奖的女性是谁？

# sport
? 手球比赛每队上场几个人？
+ form: 打手球的时候，一支队伍在场上有多少名球员？
+ keywords: 手球 每队上场人数
+ synonym: 手球赛一方可派几名球员上场？
+ register: 手球一边上几个人啊？
- entity: 排球比赛每队上场几个人？
- attribute: 手球比赛每队可以换几个人？
- question-type: 手球比赛打多长时间？
- scope: 手球比赛两队一共上场几个人？

? 二零一二年女单冠军是谁？
+ number-format: 2012年女单冠军是谁？
+ form: 女子单打在二零一二年由谁夺冠？
+ abbreviation: 12年的女单冠军是谁？
+ keywords: 二零一二年 女单 冠军
- audience: 二零一二年男单冠军是谁？
- date: 二零二一年女单冠军是谁？
- polarity: 二零一二年女单第一轮出局的是谁？
- entity: 二零一二年女双冠军是谁？

? 三级跳远比跳远跳得更远吗？
+ form: 三级跳远的距离是否超过跳远？
+ reorder: 和跳远相比，三级跳远跳得更远吗？
+ keywords: 三级跳远 对比 跳远 前者更远吗
+ polite: 请问三级跳远是不是比跳远跳得远？
- role: 跳远比三级跳远跳得更远吗？
- attribute: 三级跳远比跳远更难吗？
- question-type: 三级跳远为什么比跳远跳得更远？
- entity: 三级跳远比撑杆跳的助跑更远吗？

# science
? 光在水里比在玻璃里传播得快吗？
+ form: 光在水中的速度是否高于在玻璃中的速度？
+ reorder: 与玻璃相比，光在水里传播得更快吗？
+ keywords: 光速 水中 是否快于 玻璃中
+ register: 光在水里是不是跑得比在玻璃里快？
- role: 光在玻璃里比在水里传播得快吗？
- entity: 声音在水里比在玻璃里传播得快吗？
- superlative: 光在什么介质里传播得最快？
- attribute: 光在水里比在玻璃里折射得多吗？

? 海拔两千米的地方水多少度烧开？
+ number-format: 海拔2000米的地方水多少度烧开？
+ form: 两千米高处水的沸点是多少？
+ keywords: 海拔两千米 水的沸点
+ polite: 请问在海拔两千米处，水要多少度才会开？
- number: 海拔两百米的地方水多少度烧开？
- unit: 海拔两千英尺的地方水多少度烧开？
- polarity: 海拔两千米的地方水多少度结冰？
- entity: 海拔两千米的地方酒精多少度烧开？

? 离太阳最近的行星是哪颗？
+ form: 太阳系最靠内的行星叫什么？
+ synonym: 哪颗行星距离太阳最近？
+ keywords: 距太阳最近 行星
+ typo: 离太阳最进的行星是哪颗？
- superlative: 离太阳最远的行星是哪颗？
- entity: 离地球最近的行星是哪颗？
- number: 离太阳第二近的行星是哪颗？
- attribute: 太阳系最热的行星是哪颗？

? 光合作用吸收什么气体？
+ voice: 什么气体在光合作用中被吸收？
+ form: 植物进行光合作用时，吸进去的是哪种气体？
+ keywords: 光合作用 吸收气体
+ polite: 老师，请问光合作用会吸收什么气体？
- polarity: 光合作用释放什么气体？
- entity: 呼吸作用吸收什么气体？
- question-type: 光合作用在哪里进行？
- attribute: 光合作用吸收什么颜色的光？

# cars
? 电瓶没电了怎么搭电启动？
+ form: 车子亏电，搭电启动的步骤是什么？
+ keywords: 电瓶没电 搭电启动 步骤
+ synonym: 蓄电池没电了，如何搭线把车打着？
+ polite: 请教一下各位，电瓶没电时怎样搭电启动？
- question-type: 电瓶为什么总是没电？
- polarity: 电瓶怎么断电？
- entity: 摩托车没油了怎么启动？
- attribute: 电瓶没电了换新的要多少钱？

? 冬天电动版充一次电能跑多远？
+ form: 电动版在冬季的单次充电续航是多少？
+ reorder: 充一次电，电动版冬天能跑多远？
+ keywords: 电动版 冬季续航 单次充电
+ number-format: 冬天电动版充1次电能跑多远？
- date: 夏天电动版充一次电能跑多远？
- plan: 冬天混动版充一次电能跑多远？
- number: 冬天电动版充两次电能跑多远？
- question-type: 冬天电动版充一次电要多久？

? 刹车警示灯亮了还能继续开吗？
+ form: 刹车报警灯亮着，继续行驶安全吗？
+ register: 刹车报警灯亮了，车接着开没事吧？
+ keywords: 刹车警示灯亮 能否继续行驶
+ typo: 刹车警示灯亮了还能继续开马？
- entity: 机油警示灯亮了还能继续开吗？
- question-type: 刹车警示灯为什么亮了？
- negation: 启动时刹车警示灯没亮，是坏了吗？
- polarity: 刹车警示灯怎么消除？

# coding
? Python里怎么把列表按降序排列？
+ form: 想让Python列表从大到小排，怎么写？
+ synonym: 在Python中如何对列表做降序排序？
+ keywords: Python 列表 降序排序
+ reorder: 怎么把列表按降序排列，用Python？
- polarity: Python里怎么把列表按升序排列？
- entity: Java里怎么把列表按降序排列？
- attribute: Python里怎么给列表去重？
- condition: Python里怎么把列表按第二个字段降序排列？

? git怎么重命名分支？
+ form: 用什么git命令可以给分支改名？
+ synonym: 在git里如何修改分支的名字？
+ keywords: git 分支 重命名
+ voice: git里的分支怎样被重命名？
- polarity: git怎么删除分支？
- entity: git怎么重命名标签？
- condition: git怎么重命名远程分支？
- question-type: git分支为什么重命名失败？

? 怎么撤销最近一次提交但保留改动？
+ form: 撤回最后一次提交、同时留下改动，要怎么做？
+ keywords: 撤销最近一次提交 保留改动
+ number-format: 怎么撤销最近1次提交但保留改动？
+ register: 刚提交完想反悔，改动还想留着，咋弄？
- negation: 怎么撤销最近一次提交并且不保留改动？
- number: 怎么撤销最近五次提交但保留改动？
- quantifier: 怎么撤销所有提交但保留改动？
- polarity: 怎么重做最近一次提交？

? 用Go怎么读取config.yaml文件？
+ form: Go程序读取config.yaml文件该怎么写？
+ reorder: 怎么读取config.yaml文件，用Go的话？
+ keywords: Go 读取 config.yaml
+ polite: 请问在Go语言里如何读取config.yaml这个文件？
- code: 用Go怎么读取config.toml文件？
- polarity: 用Go怎么写入config.yaml文件？
- entity: 用Rust怎么读取config.yaml文件？
- question-type: 用Go时config.yaml文件应该放在哪里？

? 240的百分之十五是多少？
+ number-format: 240的15%是多少？
+ form: 取240的百分之十五，得到多少？
+ keywords: 计算 240 的 百分之十五
+ polite: 请帮我算一下240的百分之十五。
- direction: 15是240的百分之几？
- number: 240的百分之五十是多少？
- polarity: 240增加百分之十五是多少？
- unit: 240的千分之十五是多少？
"""
