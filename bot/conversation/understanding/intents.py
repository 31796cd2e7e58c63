"""What the writer wants: whole answers first, then a table of patterns in order, the first match wins."""

from __future__ import annotations

import re

from bot.conversation.understanding.understood import Intent

_ANSWERS: dict[Intent, str] = {
    Intent.YES: "是|是的|对|对的|好|好的|好呀|好吧|可以|行|行的|嗯|嗯嗯|恩|确认|确定|同意|我同意|没错|没问题的|有|有的|要|需要|愿意|正确|ok|okay|yes|yeah|yep|y|sure|agree|"
    "i agree|confirm|correct|right|提交|确认提交",
    Intent.NO: "否|不|不是|没有|没|无|不要|不用|不用了|不需要|不同意|我不同意|不可以|不行|不对|不愿意|没有过|都没有|都没|一个都没有|从来没有|没有没有|no|n|nope|not|disagree|no thanks|none",
    Intent.CANCEL: "取消|退出|算了|不填了|不弄了|不报了|不做了|结束|停止|停|放弃|取消吧|取消申报|取消打卡|退出申报|退出打卡|不申报了|不打了|先不填了|cancel|quit|exit|stop|never mind|nevermind|abort",
    Intent.BACK: "返回|返回上一步|上一步|上一题|上一页|上一个|后退|回退|退回|退一步|回上一步|回去|back|go back|previous|previous question",
    Intent.HELP: "帮助|帮帮我|帮忙|帮我|?|??|???|help|菜单|menu|说明|使用说明|指南|功能|客服|人工|人工客服|怎么用|怎么使用|如何使用|怎么玩|怎么弄|你能做什么|你会什么|你能干什么|"
    "有什么功能|可以做什么|能做什么|help me|how|how does this work|what can you do|how to use|h|主菜单|操作指南|不会用|我不会用",
    Intent.LANGUAGE: "语言|切换语言|更改语言|language|languages|中文|英文|英语|汉语|普通话|english|chinese|change language|换英文|换中文|切换英文|切换中文|说中文|说英文|in english",
    Intent.CODES: "码|我的码|查码|看码|看看码|绿码|红码|黄码|健康码|我的健康码|我的颜色|颜色|code|codes|my code|my codes|状态|我的状态|查一下我的码",
    Intent.WHY: "为什么|为啥|为何|原因|凭什么|why|why?|怎么回事|咋回事|什么原因|为什么呢|how come|什么情况",
    Intent.PASS: "亮码|出示|扫码|二维码|通行码|show code|show my code|pass|qr|qr code|show pass",
    Intent.PUNCH_IN: "打卡|健康打卡|每日打卡|我要打卡|签到|今日打卡|上报|体温|报平安|大卡|打咔|达卡|打开卡|报体温|check in|check-in|checkin|punch in|punch-in|punchin|report|daily report",
    Intent.DECLARE: "申报|健康申报|我要申报|登记|申领|填表|重新申报|申领健康码|注册|declare|declaration|register|sign up|申豹|申抱|信息登记|填报",
    Intent.APPEAL: "申诉|我要申诉|复核|申请复核|申述|审诉|appeal|异议|纠错",
    Intent.APPEAL_STATUS: "进度|申诉进度|查进度|复核进度|处理进度|申诉结果|appeal status|status of appeal|progress",
    Intent.HOUSEHOLD: "家人|家庭|家属|我的家庭|我的家人|家庭成员|绑定|解绑|family|household|my family",
    Intent.REMINDERS: "提醒|提醒我|不要提醒|不要提醒我|别提醒|别提醒我|关闭提醒|打开提醒|取消提醒|reminder|reminders|remind me|no reminders",
    Intent.PRIVACY: "隐私|我的数据|我的信息|个人信息|privacy|my data|数据|注销|删除我|谁看过|谁看过我",
    Intent.WHICH_CODE: "哪个码|用哪个码|用什么码|哪个健康码|which code|what code|该用哪个码|需要哪个码",
}
_WHOLE = {phrase: intent for intent, phrases in _ANSWERS.items() for phrase in phrases.split("|")}

# What a report may contain by chance, such as 家人 in "家人都正常", stands in _LATER; the rest wins over a report.
_PATTERNS: list[tuple[Intent, str]] = [
    (
        Intent.REMINDERS,
        r"提醒|闹钟|别再?(?:给我)?发(?:消息|通知|了|我)|不要(?:再)?(?:给我)?发(?:消息|通知)|\bremind|\bnotif",
    ),
    (
        Intent.PRIVACY,
        r"隐私|我的(?:个人)?(?:数据|信息|资料)|个人(?:数据|信息)|谁(?:能|可以)?(?:看|查|访问|读)(?:过|到|了)|(?:删除|清除|导出|下载)(?:我|掉|所有|全部|账号|数据|信息)|注销"
        r"|撤回同意|不同意.{0,4}(?:收集|使用)|\bprivacy\b|\bmy (?:personal )?(?:data|information)\b|\bdelete (?:me|my|all|account)|\bwho (?:has |can |have )?(?:seen|saw|see|viewed|read)",
    ),
    (
        Intent.APPEAL_STATUS,
        r"(?:申诉|申述|复核|复查|异议).{0,8}(?:进度|结果|状态|怎么样|怎样了|到哪|多久|处理|多长时间|好了吗|通过|有消息|几天|受理了)|(?:查|看|问).{0,6}(?:申诉|复核)|进度"
        r"|appeal.{0,12}(?:status|progress|result|going|decided)|(?:status|progress|result).{0,10}appeal",
    ),
    (
        Intent.WHICH_CODE,
        r"(?:哪|什么)[一种个张]{0,2}(?:健康)?码(?!的?颜色)|哪[一个]{1,2}(?:才)?(?:能用|管用|有用)|(?:需要|要|用|办|认)(?:几|多少)个码|\bwhich (?:health )?codes?\b|\bwhat (?:health )?code (?:do|should|is needed)|哪.{0,3}码.{0,6}(?:认|通用)|互认",
    ),
    (
        Intent.APPEAL,
        r"申诉|申述|复核|复议|异议|投诉|(?:颜色|码|依据|信息|记录|定位|评定)(?:是|都|也|弄|搞|被|判|颜色)*(?:错|不对|有误|不准)|(?:弄|搞|判|认|定位)错(?!了?密)|误判|冤枉"
        r"|不(?:应该|该)是?(?:红|黄)|(?:没|没有|从没|从来没|未)(?:有)?(?:去|到)过.{0,14}(?:红|黄|码)|\bappeal|\bwrong (?:colou?r|code|place|location)|(?:colou?r|code) is wrong|\bmistaken?\b|\bdispute\b",
    ),
    (
        Intent.WHY,
        r"为什么|为啥|为何|为嘛|凭什么|凭啥|什么原因|啥原因|怎么(?:会|就|又|突然|一下子?)*(?:变|转|成)|怎么(?:会|又|就|还)?是?(?:红|黄|灰)|怎么(?:还|又|就)?不(?:是)?(?:变|转)?绿"
        r"|(?:变|转|成)(?:成|为)?(?:了)?(?:红|黄|灰)|(?:红|黄|灰)(?:码)?了|码.{0,2}(?:红|黄|灰)了|什么时候.{0,6}(?:变|转|恢复)绿?|怎么.{0,4}(?:变|转|恢复)(?:回)?绿|问这个(?:干|做)|\bwhy\b|\bhow come\b|\bturn(?:ed)? (?:red|yellow|gr[ae]y)",
    ),
    (
        Intent.PASS,
        r"亮码|亮一下码|出示|二维码|扫码|通行(?:证|码)|\bshow (?:my |the )?(?:health )?(?:code|pass|qr)|\bqr\b",
    ),
    (
        Intent.LANGUAGE,
        r"\blanguage\b|(?:切换|换成?|改成?|用|说|讲|设置?).{0,3}(?:英[文语]|中文|汉语|语言)|\b(?:speak|switch to|change to|in) (?:english|chinese)\b",
    ),
    (
        Intent.HOUSEHOLD,
        r"绑定|解绑|(?:添加|增加|加上?|删除|移除|管理|登记).{0,5}(?:家人|家属|家庭|成员|爸|妈|孩子|老人|父母|儿子|女儿|爷爷|奶奶|老公|老婆|老伴)|\b(?:add|bind|link|remove|unbind) (?:a |my |an? )?(?:family|member|mother|father|mom|mum|dad|child|kid|son|daughter|wife|husband|parents?)|\bwho (?:bound|added|linked) me",
    ),
    (
        Intent.DECLARE,
        r"申报|登记|申领|填表|填写|填报|注册|(?:领|办理?|申请|弄)(?:一?个|张|取)?(?:健康)?码|修改(?:信息|地址|电话|资料)|(?:换|改)(?:地址|电话|手机)|搬家|\bdeclar|\bregist|\bapply for\b|\bsign up\b",
    ),
    (
        Intent.PUNCH_IN,
        r"打\s?卡|打咔|签到|上报|报(?:一?下)?(?:体温|平安|健康)|(?:每日|今日|健康)报告|\bpunch(?:ing|ed)?[ -]?in\b|\bcheck(?:ing)?[ -]?in\b|\bclock in\b|\bdaily report\b|\breport\b",
    ),
]
_LATER: list[tuple[Intent, str]] = [
    (
        Intent.HOUSEHOLD,
        r"家人|家庭|家属|(?:帮|替|给|代)(?:我)?(?:妈|爸|爷|奶|孩子|老人|父母|家里)|\bfamily\b|\bhousehold\b",
    ),
    (
        Intent.CODES,
        r"(?:查|看|查询|查看|显示|我的|我有|所有|几个|哪些).{0,6}码|健康码|(?:绿|红|黄|灰)码|什么颜色|啥颜色|码.{0,4}颜色|颜色|码呢|码.{0,4}有效|有效期|\b(?:my|health|all) codes?\b|\bcolou?rs?\b|\bstatus\b",
    ),
    (
        Intent.CANCEL,
        r"^(?:取消|退出|算了|放弃|停止)|(?:不想|不要)(?:填|弄|申报|打卡|继续)|\bcancel\b|\bquit\b",
    ),
    (Intent.BACK, r"(?:返回|回到|退回).{0,3}(?:上|前)|上一[步题个]|\bgo back\b|\bprevious\b"),
    (Intent.PUNCH_IN, r"体温|量了?温|\btemperature\b"),
    (
        Intent.HELP,
        r"帮助|怎么(?:用|办|操作|弄|使用)|如何(?:使用|操作)|使用(?:方法|说明)|人工|客服|不会用|能做什么|\bhelp\b|\bhow (?:do|to|can)\b|\bwhat can you\b",
    ),
]
_TRIM = " \t\r\n,，。.!！~～;；、…呢啊呀吧哦噢喔哈啦嘛谢请"
_CONTEXT = re.compile(r"^(?:请问|请|麻烦|你好|您好|我想要?|我要|想要|给我|帮我|我想|hi|hello|please)[,，\s]*")


_FIRST = [(intent, re.compile(pattern)) for intent, pattern in _PATTERNS]
_SECOND = [(intent, re.compile(pattern)) for intent, pattern in _LATER]
_ANY_FIRST = re.compile("|".join(pattern for _, pattern in _PATTERNS))
_ANY_SECOND = re.compile("|".join(pattern for _, pattern in _LATER))


def read_intent(text: str, *, reports: bool) -> Intent:
    """The intent of a plain text; `reports` says that it states a temperature, symptoms, none, or no change."""
    trimmed = text.strip(_TRIM)
    whole = _WHOLE.get(trimmed) or _WHOLE.get(text)
    if whole is None and trimmed:
        shorter = _CONTEXT.sub("", trimmed)
        whole = _WHOLE.get(shorter) if shorter != trimmed else None
    if whole is not None and not (reports and whole is Intent.NO):
        return whole
    if _ANY_FIRST.search(text):
        return next(intent for intent, pattern in _FIRST if pattern.search(text))
    if reports:
        return Intent.PUNCH_IN
    if _ANY_SECOND.search(text):
        return next(intent for intent, pattern in _SECOND if pattern.search(text))
    return Intent.UNKNOWN
