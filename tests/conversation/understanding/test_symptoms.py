"""Symptoms with their negation: what is there, what is denied, what must be asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.understanding.characters import plain
from bot.conversation.understanding.symptoms import Symptom, read_symptoms

# text, present, denied, unclear, whether everything is denied
SAID = [
    ("不咳嗽", "", "cough", "", False),
    ("没有发烧", "", "fever", "", False),
    ("无症状", "", "", "", True),
    ("不发烧但是咳嗽", "cough", "fever", "", False),
    ("没有咳嗽和发热", "", "cough fever", "", False),
    ("没什么不舒服", "", "", "", True),
    ("一切正常", "", "", "", True),
    ("不太舒服", "other", "", "", False),
    ("不舒服", "other", "", "", False),
    ("昨天发烧今天好了", "", "fever", "", False),
    ("发烧好了", "", "fever", "", False),
    ("没有发烧咳嗽等症状", "", "fever cough", "", True),
    ("无发热、咳嗽、乏力", "", "fever cough fatigue", "", False),
    ("没有发烧，咳嗽", "", "fever", "cough", False),
    ("没有发烧，有点咳嗽", "cough", "fever", "", False),
    ("没有发烧，咳嗽两天了", "cough", "fever", "", False),
    ("不发烧，咳嗽", "cough", "fever", "", False),
    ("不发烧咳嗽", "", "fever", "cough", False),
    ("不发烧也不咳嗽", "", "fever cough", "", False),
    ("不咳嗽不发烧", "", "cough fever", "", False),
    ("没有症状", "", "", "", True),
    ("没症状", "", "", "", True),
    ("没有任何症状", "", "", "", True),
    ("没有其他症状", "", "", "", True),
    ("发烧，没有其他症状", "fever", "", "", False),
    ("除了咳嗽没有其他症状", "cough", "", "", False),
    ("没有不舒服", "", "", "", True),
    ("无不适", "", "", "", True),
    ("正常", "", "", "", True),
    ("体温正常", "", "", "", False),
    ("体温36.5正常", "", "", "", True),
    ("36.5 正常", "", "", "", True),
    ("不正常", "", "", "", False),
    ("no fever", "", "fever", "", False),
    ("cough and fever", "cough fever", "", "", False),
    ("no symptoms", "", "", "", True),
    ("no fever or cough", "", "fever cough", "", False),
    ("no fever but cough", "cough", "fever", "", False),
    ("i have a cough and no fever", "cough", "fever", "", False),
    ("i feel fine", "", "", "", True),
    ("37.9 咳嗽", "cough", "", "", False),
    ("四肢无力", "fatigue", "", "", False),
    ("没力气", "fatigue", "", "", False),
    ("拉肚子，恶心想吐", "diarrhea nausea", "", "", False),
    ("有没有发烧", "", "", "fever", False),
    ("如果发烧怎么办", "", "", "fever", False),
    ("我发烧了怎么办", "fever", "", "", False),
    ("咳嗽没有了", "", "cough", "", False),
    ("退烧了", "", "fever", "", False),
    ("吃了退烧药", "", "", "fever", False),
    ("无症状感染者", "", "", "", False),
    ("没有接触无症状感染者", "", "", "", False),
    ("头疼，嗓子疼", "headache sore_throat", "", "", False),
    ("没有", "", "", "", False),
    ("没事", "", "", "", True),
    ("都挺好", "", "", "", True),
    ("身体健康", "", "", "", True),
    ("健康码", "", "", "", False),
    ("未出现发热", "", "fever", "", False),
    ("没有出现过发烧", "", "fever", "", False),
    ("并没有感到乏力", "", "fatigue", "", False),
    ("不是发烧，是咳嗽", "cough", "fever", "", False),
    ("我没出门，咳嗽", "cough", "", "", False),
    ("有点累", "fatigue", "", "", False),
    ("不累", "", "", "", False),
    ("胸闷气短", "palpitation dyspnea", "", "", False),
    ("没有胸闷气短", "", "palpitation dyspnea", "", False),
    ("不咳了", "", "cough", "", False),
    ("没咳嗽", "", "cough", "", False),
    ("没发烧没咳嗽", "", "fever cough", "", False),
    ("no cough, no fever", "", "cough fever", "", False),
    ("not tired", "", "fatigue", "", False),
    ("don't have a fever", "", "fever", "", False),
    ("i don't have any symptoms", "", "", "", True),
    ("咳嗽", "cough", "", "", False),
    ("一直没有发烧", "", "fever", "", False),
    ("发烧没有，咳嗽有", "cough", "fever", "", False),
    ("症状：无", "", "", "", True),
    ("全家正常", "", "", "", True),
    ("今天身体很好", "", "", "", True),
    ("没有发热咳嗽", "", "fever cough", "", False),
    ("不咳嗽、没有发烧", "", "cough fever", "", False),
    ("有发烧吗", "", "", "fever", False),
    ("低烧两天，无咳嗽", "fever", "cough", "", False),
    ("喉咙不太舒服", "other", "", "", False),
    ("喉咙痛，没有发烧", "sore_throat", "fever", "", False),
    ("没感冒", "", "other", "", False),
    ("咳嗽和昨天一样", "cough", "", "", False),
    ("没有发烧，没有咳嗽，也没有乏力", "", "fever cough fatigue", "", False),
    ("没有发烧，也没有咳嗽", "", "fever cough", "", False),
    ("体温一切正常", "", "", "", False),
    ("体温正常，没有症状", "", "", "", True),
    ("没有发烧 咳嗽", "", "fever", "cough", False),
    ("去了发热门诊", "", "", "", False),
    ("没有干咳、乏力、发热等症状", "", "cough fatigue fever", "", True),
    ("没问题", "", "", "", True),
    ("没有咳嗽，发烧，乏力等症状", "", "cough fever fatigue", "", True),
    ("家里没人咳嗽", "", "cough", "", False),
    ("接触过发烧的人", "", "", "", False),
    ("照顾发热病人", "", "", "", False),
    ("没烧", "", "fever", "", False),
    ("不烧了", "", "fever", "", False),
    ("头不疼，嗓子不痛", "", "headache sore_throat", "", False),
    ("健康", "", "", "", True),
    ("良好", "", "", "", True),
    ("没变化", "", "", "", False),
]
NAMES = {
    Symptom.FEVER: "发烧",
    Symptom.COUGH: "咳嗽",
    Symptom.FATIGUE: "乏力",
    Symptom.DYSPNEA: "呼吸困难",
    Symptom.SORE_THROAT: "喉咙痛",
    Symptom.DIARRHEA: "腹泻",
    Symptom.MYALGIA: "肌肉酸痛",
    Symptom.HEADACHE: "头痛",
    Symptom.CONJUNCTIVITIS: "结膜炎",
    Symptom.NAUSEA: "恶心",
    Symptom.PALPITATION: "心慌",
    Symptom.OTHER: "鼻塞",
}
PIECE_WORDS = (
    "没有 不 无 发烧 咳嗽 、 ， 。 和 但是 等症状 好了 吗 如果 一切正常 昨天 有点 no fever or symptoms ,"
)
PIECES = st.sampled_from(PIECE_WORDS.split())


@pytest.mark.parametrize(("text", "present", "denied", "unclear", "general"), SAID)
def test_symptoms_are_read_with_their_negation(
    text: str, present: str, denied: str, unclear: str, general: bool
) -> None:
    found = read_symptoms(plain(text))

    assert found.present == tuple(present.split())
    assert set(found.denied) == set(denied.split())
    assert found.unclear == tuple(unclear.split())
    assert found.general is general


@pytest.mark.parametrize("code", list(Symptom))
def test_every_symptom_code_has_a_word_that_can_be_said_and_denied(code: Symptom) -> None:
    assert read_symptoms(NAMES[code]).present == (code.value,)
    assert read_symptoms(f"没有{NAMES[code]}").denied == (code.value,)
    assert read_symptoms(f"没有{NAMES[code]}").present == ()


@given(st.permutations(sorted(NAMES)), st.integers(2, 6), st.sampled_from("、和"))
def test_one_denial_reaches_over_a_joined_list_of_any_order(
    codes: list[Symptom], count: int, joint: str
) -> None:
    text = "没有" + joint.join(NAMES[code] for code in codes[:count])

    assert read_symptoms(text).present == ()
    assert set(read_symptoms(text).denied) == {code.value for code in codes[:count]}


@given(st.lists(PIECES, max_size=10).map("".join))
def test_a_general_denial_never_stands_beside_a_symptom(text: str) -> None:
    found = read_symptoms(plain(text))

    assert not (found.general and (found.present or found.unclear))
    assert not set(found.present) & (set(found.denied) | set(found.unclear))


@given(st.text())
def test_any_text_can_be_read_for_symptoms(text: str) -> None:
    assert set(read_symptoms(plain(text)).present) <= {code.value for code in Symptom}
