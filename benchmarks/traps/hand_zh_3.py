"""Chinese, by hand: the rarer traps (currency, plan, version, identifier, comparison, owner), in any domain."""

CLUSTERS = r"""
# banking
? 美元账户每年收多少管理费？
+ form: 开一个美元账户，年管理费是多少？
+ keywords: 美元账户 年管理费
+ wording: 我打算把钱以美元形式存着，这种账户一年要交多少管理费？
+ telegram: 美元账户，年管理费，多少？
- currency: 港元账户每年收多少管理费？
- unit: 美元账户每月收多少管理费？
- plan: 美元贵宾账户每年收多少管理费？
- scope: 我太太的美元账户每年收多少管理费？

? 一千欧元今天能换多少瑞士法郎？
+ number-format: 1000欧元今天能换多少瑞士法郎？
+ form: 按今天的汇率，一千欧元等于多少瑞士法郎？
+ abbreviation: 一千欧今天能换多少瑞郎？
+ polite: 请问一千欧元今天可以兑换多少瑞士法郎？
- direction: 一千瑞士法郎今天能换多少欧元？
- currency: 一千英镑今天能换多少瑞士法郎？
- number: 一万欧元今天能换多少瑞士法郎？
- tense: 十年前一千欧元能换多少瑞士法郎？

? 金卡包含租车保险吗？
+ voice: 租车保险被包含在金卡里吗？
+ form: 持有金卡的话，租车有没有保险？
+ wording: 我用的是金卡，租来的车要是撞了，卡里的保险管不管？
+ keywords: 金卡 租车保险
- plan: 普卡包含租车保险吗？
- attribute: 金卡包含行李保险吗？
- scope: 金卡包含我家人的租车保险吗？
- question-type: 金卡的租车保险怎么理赔？

# shopping
? 旗舰版比标准版多哪些功能？
+ form: 旗舰版有而标准版没有的功能是哪些？
+ wording: 我现在用标准版，升到旗舰版能多用上什么功能？
+ keywords: 旗舰版 相比标准版 多出的功能
+ telegram: 旗舰版，较标准版，多何功能？
- direction: 标准版比旗舰版多哪些功能？
- plan: 旗舰版比专业版多哪些功能？
- attribute: 旗舰版比标准版贵多少钱？
- polarity: 旗舰版比标准版少哪些功能？

? 优惠码SUN25可以用两次吗？
+ number-format: 优惠码SUN25可以用2次吗？
+ form: SUN25这个优惠码能不能重复用第二次？
+ register: SUN25那个码还能再用一回不，用两次行吗？
+ keywords: 优惠码SUN25 使用两次
- code: 优惠码SUN20可以用两次吗？
- scope: 优惠码SUN25可以给朋友用吗？
- modality: 优惠码SUN25必须在本月用吗？
- question-type: 优惠码SUN25在哪里输入？

? 有没有一千元以下内存至少8G的平板？
+ number-format: 有没有1000元以下内存至少8G的平板？
+ form: 内存8G起、价格不到一千元的平板有吗？
+ reorder: 内存至少8G，一千元以下的平板有没有？
+ polite: 请问店里有没有价格低于一千元、内存不小于8G的平板？
- comparison: 有没有一千元以上内存至多8G的平板？
- currency: 有没有一千欧元以下内存至少8G的平板？
- unit: 有没有一千元以下内存至少8M的平板？
- entity: 有没有一千元以下内存至少8G的手表？

? 滤芯4471-B适合这台净水器吗？
+ form: 这台净水器能用4471-B滤芯吗？
+ synonym: 滤芯4471-B与这台净水器匹配吗？
+ keywords: 净水器 滤芯4471-B 是否适用
+ register: 4471-B的滤芯，这台净水器装得上不？
- code: 滤芯4471-D适合这台净水器吗？
- entity: 滤芯4471-B适合这台咖啡机吗？
- scope: 滤芯4471-B适合我爸妈家那台旧净水器吗？
- question-type: 滤芯4471-B多久换一次？

# software
? 安卓14比安卓13新增了什么？
+ form: 安卓14里有哪些东西是安卓13没有的？
+ wording: 我手机还是安卓13，升到安卓14能多出什么来？
+ keywords: 安卓14 对比 安卓13 新增功能
+ voice: 与安卓13相比，什么被加进了安卓14？
- version: 安卓15比安卓14新增了什么？
- version: 安卓13比安卓12新增了什么？
- polarity: 安卓14比安卓13删掉了什么？
- question-type: 我的手机什么时候能从安卓13升到安卓14？

? 重启以后8080端口为什么还是关闭的？
+ form: 已经重启过了，8080端口仍然不通是什么原因？说的是端口没开。
+ register: 重启完8080端口咋还关着呢？
+ reorder: 8080端口为什么还是关闭的，在重启以后？
+ keywords: 重启后 8080端口 仍关闭 原因
- code: 重启以后8088端口为什么还是关闭的？
- polarity: 重启以后8080端口为什么还是开着的？
- direction: 重启以前8080端口为什么是关闭的？
- question-type: 重启以后怎么关闭8080端口？

? 我的账号可以在两台设备上登录吗？
+ number-format: 我的账号可以在2台设备上登录吗？
+ form: 两台设备能不能登同一个我的账号？
+ polite: 请问我的账号能否在两台设备上登录呢？
+ register: 我这账号俩设备上都能登不？
- scope: 别人可以登录我的账号吗？
- number: 我的账号可以在十台设备上登录吗？
- polarity: 我的账号可以在两台设备上退出吗？
- condition: 我的账号可以在两台设备上同时登录并看视频吗？

# coding
? 复制命令里的-r参数有什么作用？
+ form: 在复制命令中加上-r会怎样？
+ synonym: 复制命令的-r选项是干什么的？
+ keywords: 复制命令 -r 参数作用
+ polite: 请教一下，复制命令里的-r参数起什么作用？
- code: 复制命令里的-p参数有什么作用？
- entity: 删除命令里的-r参数有什么作用？
- negation: 复制命令不加-r参数会怎样？
- question-type: 复制命令里的-r参数为什么不起作用？

? C语言怎么用"a"模式打开文件？
+ form: 要在C语言里以"a"模式打开文件，代码怎么写？
+ reorder: 用"a"模式打开文件，C语言怎么做？
+ keywords: C语言 "a"模式 打开文件
+ synonym: C语言中如何采用"a"模式打开一个文件？
- code: C语言怎么用"w"模式打开文件？
- entity: C#怎么用"a"模式打开文件？
- polarity: C语言怎么关闭用"a"模式打开的文件？
- question-type: C语言为什么不能用"a"模式打开文件？

# travel
? 六岁以下儿童坐火车免票吗？
+ number-format: 6岁以下儿童坐火车免票吗？
+ form: 不满六岁的孩子乘火车要不要买票，能免吗？
+ register: 六岁以下的小孩坐火车不用买票吧？
+ keywords: 六岁以下儿童 火车 免票
- comparison: 六岁以上儿童坐火车免票吗？
- number: 十六岁以下儿童坐火车免票吗？
- entity: 六岁以下儿童坐轮渡免票吗？
- audience: 六十岁以上老人坐火车免票吗？

? 商务舱机票包含休息室吗？
+ form: 买了商务舱机票可以进休息室吗？
+ reorder: 休息室包含在商务舱机票里吗？
+ wording: 我坐商务舱，候机时去休息室还要另外花钱吗？
+ polite: 请问商务舱的机票是否含休息室服务？
- plan: 经济舱机票包含休息室吗？
- attribute: 商务舱机票包含接机吗？
- question-type: 商务舱机票的休息室在哪里？
- scope: 商务舱机票包含同行朋友的休息室吗？

# health
? 我的血压150/95算高吗？
+ form: 血压量出来是150/95，我这属于偏高吗？
+ register: 我血压150/95，高不高啊？
+ keywords: 血压150/95 是否偏高
+ polite: 医生您好，我的血压是150/95，请问算高吗？
- number: 我的血压115/75算高吗？
- comparison: 我的血压150/95比上次高吗？
- scope: 新生儿的血压150/95算高吗？
- question-type: 我的血压150/95怎么降下来？
"""
