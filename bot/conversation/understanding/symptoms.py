"""Reads symptoms with their negation; what can be read both ways is unclear, and asked.

A missed symptom endangers others, an invented one shuts somebody in: neither is guessed.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple


class Symptom(StrEnum):
    """The symptom codes that rule books know."""

    FEVER = "fever"
    COUGH = "cough"
    FATIGUE = "fatigue"
    DYSPNEA = "dyspnea"
    SORE_THROAT = "sore_throat"
    DIARRHEA = "diarrhea"
    MYALGIA = "myalgia"
    HEADACHE = "headache"
    CONJUNCTIVITIS = "conjunctivitis"
    NAUSEA = "nausea"
    PALPITATION = "palpitation"
    OTHER = "other"


_WORDS: dict[Symptom, str] = {
    Symptom.FEVER: "发烧 发热 低烧 高烧 低热 高热 烧到 烧起来 发高烧 发低烧 发了烧 有点烧 还在烧 体温高 体温偏高 feverish fevers fever",
    Symptom.COUGH: "咳嗽 干咳 咳痰 咳血 咳得 咳个不停 老咳 有点咳 咳了 咳咳 咳 coughing coughs cough",
    Symptom.FATIGUE: "乏力 无力 疲劳 疲倦 疲惫 没力气 没有力气 没劲 没有劲 浑身没劲 浑身无力 四肢无力 很累 好累 累得 有点累 没精神 虚弱 fatigued "
    "fatigue tired exhausted weakness",
    Symptom.DYSPNEA: "呼吸困难 呼吸不畅 呼吸急促 气促 气短 气喘 气急 喘不上气 喘不过气 喘 憋气 shortness_of_breath short_of_breath "
    "breathless difficulty_breathing trouble_breathing dyspnea dyspnoea",
    Symptom.SORE_THROAT: "咽痛 咽喉痛 咽喉疼 咽喉肿痛 喉咙痛 喉咙疼 喉咙不舒服 喉咙干 嗓子痛 嗓子疼 嗓子不舒服 嗓子干 咽干 咽部不适 喉痛 sore_throat "
    "throat_hurts throat_pain",
    Symptom.DIARRHEA: "腹泻 拉肚子 拉稀 闹肚子 泻肚 水样便 diarrhoea diarrhea",
    Symptom.MYALGIA: "肌肉酸痛 肌肉痛 肌肉疼 肌痛 全身酸痛 浑身酸痛 全身疼 全身痛 浑身疼 浑身痛 身体酸痛 酸痛 关节痛 关节疼 腰酸背痛 muscle_aches "
    "muscle_ache muscle_pain body_aches body_ache aching myalgia",
    Symptom.HEADACHE: "头痛 头疼 偏头痛 headaches headache head_hurts",
    Symptom.CONJUNCTIVITIS: "结膜炎 结膜充血 眼睛红 红眼病 红眼 眼红 眼结膜充血 pink_eye red_eyes conjunctivitis",
    Symptom.NAUSEA: "恶心 呕吐 想吐 干呕 反胃 吐了 nauseous nausea vomiting vomited vomit throwing_up",
    Symptom.PALPITATION: "心慌 心悸 胸闷 胸痛 胸口闷 胸口疼 palpitations palpitation chest_tightness tight_chest chest_pain",
    Symptom.OTHER: "不舒服 不适 难受 不太舒服 不大舒服 不怎么舒服 身体不适 鼻塞 流鼻涕 流涕 流清涕 打喷嚏 喷嚏 寒战 发冷 畏寒 怕冷 打寒颤 感冒 "
    "嗅觉丧失 失去嗅觉 闻不到味道 闻不到 嗅觉减退 味觉减退 失去味觉 尝不出味道 皮疹 腹痛 肚子疼 肚子痛 胃痛 胃疼 头晕 食欲不振 没胃口 没有胃口 "
    "unwell not_feeling_well don't_feel_well feel_sick feeling_sick runny_nose stuffy_nose sneezing chills dizzy loss_of_smell "
    "loss_of_taste stomachache",
}
_CODES = {word.replace("_", " "): code for code, words in _WORDS.items() for word in words.split()}


def _either(words: list[str]) -> str:
    ordered = sorted(words, key=len, reverse=True)
    return "|".join(rf"\b{re.escape(word)}\b" if word.isascii() else re.escape(word) for word in ordered)


# What is left after a first person's denial of everything; "其他" makes it a denial of the rest only.
_GENERAL = (
    r"(?:没有|没|无|未|不存在|并无|未出现|未见|没出现|没有出现)(?:出现|发现|感觉|感到|任何|什么|啥|明显|有|其他|其它|别的|相关|以上|上述|这些|过|到|身体|新冠"
    r"|异常|不适|的)*(?:症状(?!感染|患者|者|病例)|不良反应|不适(?!合|应)|不舒服|异常|毛病|问题)(?:症状)?"
    r"|症状(?:都|均|全)?[\s:]*(?:没有|无(?!力))|什么(?:症状|事|毛病)都没有?|啥(?:事|症状|毛病)?[都也]没有?|没什么(?:事|大碍)?(?=$|[\s,，。!])"
    r"|(?:一切|都|全部|全都|均|全家|身体|大家|感觉|状态|状况|健康|目前|今天|也|很|全|各项)*(?<!体温)(?<!温度)(?<!不)(?<!不太)(?<!血压)(?<!心率)"
    r"(?<!颜色)(?<!体温都)(?<!体温也)(?<!体温很)(?<!体温一切)正常(?![吗么?]|上班|工作|上学|营业|情况下|人|化|颜色|范围|体温|生活|的?话)"
    r"|(?:一切|都|身体|感觉|状态|大家|全家|人|我)(?:很|挺|还|都|也|蛮)?(?:好|良好|不错|ok)(?=$|[\s,，。!的着])|(?:身体|很|都|非常|全家|一切)健康(?!码)"
    r"|^(?:健康|良好)(?=$|[\s,，。!])|没事(?=$|[\s,，。!])|平安(?=$|[\s,，。!])|安然?无恙|安好"
    r"|\b(?:no|without(?: any)?|don't have(?: any)?|do not have(?: any)?|not any)(?: other)? symptoms?\b|\bsymptom[- ]?free\b|\basymptomatic\b"
    r"|\b(?:feel(?:ing)?|i'm|i am|am|all|everything(?: is|'s)?|everyone(?: is|'s)?)(?: all| very| perfectly| just| totally)? "
    r"(?:fine|good|well|ok|okay|normal|healthy|great)\b|\bno (?:problems?|issues?|complaints?)\b"
)
_TOKEN = re.compile(
    rf"(?P<wrong>退[烧热](?=药)|退[烧热]贴|(?:发热|发烧)门诊|无症状感染者?|止咳|感冒药)"
    rf"|(?P<ask>有没有|有无|是否|是不是|会不会|算不算|如果|要是|假如|万一|\bif\b|\bdo you\b|什么是|怎么算|何为)"
    rf"|(?P<over>退[烧热]了?|烧退了?|不咳了|[不没]烧了?(?!到)|没有烧(?![到起])|(?:头|嗓子|喉咙|肚子|胸口?)[不没](?:疼|痛))"
    rf"|(?P<general>{_GENERAL})"
    rf"|(?P<symptom>{_either(list(_CODES))})"
    rf"|(?P<wide>没有人?|没人|无人|并无|未见|未出现|未有|无|未|毫无|否认|\bno\b|\bwithout\b|\bnot\b|n't\b|\bnever\b|\bneither\b|\bnor\b|\bdenies\b|\bfree of\b)"
    rf"|(?P<tight>不是|不|没|非)"
    rf"|(?P<but>但是?|可是|不过|就是|只是|只有|而是|却|除了|除|还有|还是|有点儿?|有些|有一点|稍微|轻微|一直|仍然?|突然|开始|出现(?!过)|依然|\bbut\b|\bonly\b"
    rf"|\bexcept\b|\bhowever\b|\bstill\b|\bi have\b|\bhave\b|\bhas\b|\bhad\b)"
)
_HINT = re.compile(
    r"[一-鿿]|\b(?:no|not|sym|asym|feel|fever|cough|fatig|tired|exhaust|weak|short|breath|difficult|trouble|dysp|sore|throat|diarr|muscle|body"
    r"|ach|myal|head|pink|red|conj|naus|vom|throw|palp|chest|tight|unwell|runny|stuffy|sneez|chill|dizz|loss|stomach|fine|good|well|ok|normal|all"
    r"|every|i'm|i am|don't)"
)
_FILLER = (
    r"(?:\s|过|什么|任何|出现|发生|感觉|感到|觉得|再|明显|太|很|怎么|有|到|大|能|会|在|其他|其它|别的|啥|a|an|any|the|of|had|have|been|feel|feeling"
    r"|really|further|like)*"
)
_JOIN = r"(?:、|和|与|或者?|及|以及|还有|也|并且?|/|and|or|nor)"
_FILLED = re.compile(_FILLER)
_JOINED = re.compile(rf"{_FILLER}(?:{_JOIN}{_FILLER})+")
_LISTED = re.compile(rf"\s*[,，、]?{_FILLER}")
_IS_OVER = re.compile(
    r"(?:症状|已经|都|也|全|现在|今天|早就|早|基本|彻底|完全|差不多|,|，|\s)*(?:好了|没有了|没了|消失|退了|不见了|停了|痊愈|没有(?=$|[\s,，。;；!])|is gone|are gone"
    r"|has gone|gone)"
)
_ET_CETERA = re.compile(r"\s*(?:等|这些|之类)(?:的|任何|相关|其他)*(?:症状|不适|情况|异常|现象|表现)?")
_OF_OTHERS = re.compile(r"(?:症状)?的?(?:病人|患者|病例|人员|同事|邻居|朋友|(?<=的)人)")
_OVER = {"头": Symptom.HEADACHE, "嗓": Symptom.SORE_THROAT, "喉": Symptom.SORE_THROAT}
_OVER |= {"肚": Symptom.OTHER, "胸": Symptom.PALPITATION}
_IS_ASKED = re.compile(r"(?:了|的|症状)?\s*(?:吗|么(?!多)|\?|算)")
_CLAUSE_GOES_ON = re.compile(r"[^\s,，、。;；.!！?？和或及与]")


class Symptoms(NamedTuple):
    """Codes in the order of the text; `general` = everything was denied and nothing is present or unclear."""

    present: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    general: bool = False


class _Scope(StrEnum):
    """How far a negation reaches: 不 to its own word, 没有 over a list; ASKED makes nothing certain."""

    NONE = "none"
    TIGHT = "tight"
    WIDE = "wide"
    ASKED = "asked"


class _Verdict(StrEnum):
    PRESENT = "present"
    DENIED = "denied"
    UNCLEAR = "unclear"


_NOTHING = Symptoms()


def read_symptoms(text: str) -> Symptoms:
    """The symptoms that a plain text states, denies or leaves open."""
    if not _HINT.search(text):
        return _NOTHING
    reader = _Reader(text)
    for token in _TOKEN.finditer(text):
        reader.take(token)
    return reader.result()


def symptom_spans(text: str) -> list[tuple[int, int]]:
    """Where a plain text names symptoms, denies them, or says that there is none; not where it only asks."""
    said = ("symptom", "over", "general", "wide", "tight", "wrong")
    return [token.span() for token in _TOKEN.finditer(text) if token.lastgroup in said]


class _Reader:
    """Walks over the tokens of one text with the negation that is in force."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.scope = _Scope.NONE
        self.after_symptom = False
        self.end = 0
        self.general = False
        self.listed: list[Symptom] = []
        self.verdicts: dict[Symptom, _Verdict] = {}

    def take(self, token: re.Match[str]) -> None:
        kind = token.lastgroup
        if kind == "symptom":
            self._symptom(token)
        elif kind == "ask":
            self._enter(_Scope.ASKED, token)
        elif kind in ("wide", "tight"):
            if not (self.scope is _Scope.ASKED and self._gap(token).strip() == ""):
                self._enter(_Scope(kind), token)
        elif kind == "but":
            if self.scope is not _Scope.ASKED and not self._denies_this(token):
                self._enter(_Scope.NONE, token)
        elif kind == "general":
            self.general = self.general or self.scope is not _Scope.ASKED
            self._enter(_Scope.NONE, token)
        elif kind == "over":
            over = Symptom.COUGH if "咳" in token[0] else _OVER.get(token[0][0], Symptom.FEVER)
            self._note(over, _Verdict.DENIED)
            self._enter(_Scope.NONE, token)
        else:
            if token[0].startswith("退"):
                self._note(Symptom.FEVER, _Verdict.UNCLEAR)
            self._enter(_Scope.NONE, token)

    def result(self) -> Symptoms:
        """What was found; a present or unclear symptom outweighs a general denial."""
        by_verdict: dict[_Verdict, list[str]] = {verdict: [] for verdict in _Verdict}
        for code, verdict in self.verdicts.items():
            by_verdict[verdict].append(code.value)
        present, unclear = by_verdict[_Verdict.PRESENT], by_verdict[_Verdict.UNCLEAR]
        return Symptoms(
            tuple(present),
            tuple(by_verdict[_Verdict.DENIED]),
            tuple(unclear),
            self.general and not present and not unclear,
        )

    def _gap(self, token: re.Match[str]) -> str:
        return self.text[self.end : token.start()]

    def _enter(self, scope: _Scope, token: re.Match[str]) -> None:
        self.scope = scope
        self.after_symptom = False
        self.listed = []
        self.end = token.end()

    def _denies_this(self, token: re.Match[str]) -> bool:
        """ "没有出现", "没有一直", "don't have": the verb belongs to the denial before it."""
        return (
            self.scope in (_Scope.WIDE, _Scope.TIGHT)
            and bool(_FILLED.fullmatch(self._gap(token)))
            and (
                token[0] in ("出现", "一直", "有点", "有些", "have", "had", "has", "还有", "突然", "开始")
                and not self.after_symptom
            )
        )

    def _symptom(self, token: re.Match[str]) -> None:
        if _OF_OTHERS.match(self.text, token.end()):
            self._enter(_Scope.NONE, token)
            return
        code = _CODES[token[0]]
        verdict = self._verdict(token)
        if verdict is not _Verdict.PRESENT and self.scope is _Scope.WIDE:
            self.listed.append(code)
            if _ET_CETERA.match(self.text, token.end()):
                # "没有发烧，咳嗽等症状": the whole list is denied, and with it everything like it
                self.general = True
                self.verdicts |= dict.fromkeys(self.listed, _Verdict.DENIED)
                verdict = _Verdict.DENIED
        if _IS_OVER.match(self.text, token.end()):
            verdict = _Verdict.DENIED
        elif _IS_ASKED.match(self.text, token.end()):
            verdict = _Verdict.UNCLEAR
        self._note(code, verdict)
        self.after_symptom = True
        self.end = token.end()

    def _verdict(self, token: re.Match[str]) -> _Verdict:
        gap = self._gap(token)
        if self.scope is _Scope.NONE:
            return _Verdict.PRESENT
        if self.scope is _Scope.ASKED:
            if any(mark in gap for mark in ",，。;；!！"):
                self.scope = _Scope.NONE
                return _Verdict.PRESENT
            return _Verdict.UNCLEAR
        if not self.after_symptom:
            if _FILLED.fullmatch(gap):
                return _Verdict.DENIED
            self.scope = _Scope.NONE
            return _Verdict.PRESENT
        return self._continued(token, gap)

    def _continued(self, token: re.Match[str], gap: str) -> _Verdict:
        """A second symptom under one negation: joined it is denied too; after a bare comma nobody can tell."""
        if _JOINED.fullmatch(gap) and (self.scope is _Scope.WIDE or "、" not in gap):
            return _Verdict.DENIED
        wide = self.scope is _Scope.WIDE
        if wide and gap == "":
            return _Verdict.DENIED
        if _LISTED.fullmatch(gap):
            comma = gap.strip() in (",", "，")
            goes_on = _CLAUSE_GOES_ON.match(self.text, token.end()) and not _ET_CETERA.match(
                self.text, token.end()
            )
            if comma and (not wide or goes_on):
                self.scope = _Scope.NONE
                return _Verdict.PRESENT
            return _Verdict.UNCLEAR
        self.scope = _Scope.NONE
        return _Verdict.PRESENT

    def _note(self, code: Symptom, verdict: _Verdict) -> None:
        """A symptom said to be there stays there, whatever else is said of it; unclear beats denied."""
        known = self.verdicts.get(code)
        order = (_Verdict.PRESENT, _Verdict.UNCLEAR, _Verdict.DENIED)
        if known is None or order.index(verdict) < order.index(known):
            self.verdicts[code] = verdict
