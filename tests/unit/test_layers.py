"""The layers under the detectors: parts, encoder, heads, who is asked for, the model's second opinion, and the figures."""

import json
import time
from pathlib import Path

import httpx2
import numpy as np
import pytest

from hookflash.app.config import model_settings
from hookflash.app.evaluated import run_evaluation
from hookflash.detectors import ModelDetector
from hookflash.errors import ConfigError, InputError
from hookflash.lab.figures import calibration_error, precision_at, ranking, reliability, share
from hookflash.model import Action, Conversation, Decision, Kind, Turn, TurnRecord
from hookflash.signals import encoder as encoders
from hookflash.signals import heads as learned
from hookflash.signals import meaning, parts
from hookflash.signals.asked import asked_for
from hookflash.signals.distress import DistressDetector
from hookflash.signals.draft import DraftDetector, whole_sentences
from hookflash.signals.normalise import words_of
from hookflash.signals.request import RequestDetector
from hookflash.signals.softmax import fit
from hookflash.signals.text import phrases_in
from hookflash.signals.wish import states_a_wish

NEW = Conversation(id="c")
CACHES = (encoders.encoder, parts.rows_of, parts.meaning_of, meaning.logits_of, learned.likely, learned.models)
MATRIX = Path(__file__).parents[2] / "corpora" / "matrix.yaml"


def customer(text, **rest):
    return Turn(speaker="customer", text=text, **rest)


def asks(text):
    return bool(RequestDetector().detect(customer(text), NEW))


def score(kind, text, conversation=NEW):
    return next(one.score for one in DistressDetector().detect(customer(text), conversation) if one.kind == kind)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("h u m a n please", "human please"),
        ("A HUM4N AG3NT", "a human agent"),
        ("转人工", "转 人 工"),
        ("मुझे किसी इंसान से", "मुझे किसी इंसान से"),
        ("polici\u0301a łódka", "policia lodka"),
        ("su\u200bi\u200bcide", "suicide"),
        ("😡😡", "😡 😡"),
    ],
)
def test_words_of_every_script_are_found_again_in_the_original(text, words):
    """Spelled out, disguised, unspaced, combined: one plain form, and the characters it stands for."""
    found = words_of(text)
    assert " ".join(one.plain for one in found).split() == [plain for one in words.split() for plain in [words_of(one)[0].plain]]
    assert all(text[one.start : one.end].strip() for one in found)


@pytest.mark.parametrize(
    "text",
    ["转人工客服", "担当者と話したいです", "상담원 연결해 주세요", "أريد التحدث إلى شخص", "मुझे किसी इंसान से बात करनी है", "Хочу поговорить с оператором",
     "Chcę rozmawiać z człowiekiem", "Bir insanla konuşmak istiyorum", "Ik wil een medewerker spreken", "Jag vill prata med en människa"],
)  # fmt: skip
def test_a_person_can_be_asked_for_in_many_languages(text):
    """Whatever script they write in."""
    assert asks(text)


@pytest.mark.parametrize("text", ["Je veux mourir", "Ich will nicht mehr leben", "Voglio morire", "死にたい", "Nie chcę już żyć"])
def test_a_crisis_is_heard_in_many_languages(text):
    """Plain words of despair."""
    assert score(Kind.CRISIS, text) >= 0.5


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.ANGER, "Das ist eine Frechheit, ich bin stinksauer"),
        (Kind.CONFUSION, "Ich verstehe das überhaupt nicht"),
        (Kind.URGENCY, "Es ist dringend, mein Zug fährt in zehn Minuten"),
        (Kind.PAIN, "Ich habe furchtbare Zahnschmerzen"),
    ],
)
def test_distress_in_other_languages_is_heard_by_their_phrases(kind, text):
    """Where the heads know too little, a certain phrase is enough at the default thresholds."""
    assert score(kind, text) >= 0.8


def test_a_cognate_of_another_language_is_judged_by_the_english_word():
    """`suicide` stands in many lexicons as a certain sign; in English a training on it is none."""
    assert not any(one.score >= 0.95 for one in phrases_in("Do you offer suicide prevention training?").get(Kind.CRISIS, ()))


def test_parts_cover_a_long_turn():
    """The whole first, then sentences; speech without full stops in windows that overlap."""
    assert parts.parts_of("I need help") == ((0, 11),)
    first = "I want to book a cleaning for some time in the second week of next month"
    two = f"{first}. Also my chest hurts a lot."
    assert [two[start:end].strip() for start, end in parts.parts_of(two)[1:]] == [first, "Also my chest hurts a lot"]
    spoken = " ".join(f"word{number}" for number in range(60))
    covered = parts.parts_of(spoken)[1:]
    assert covered[0][0] == 0
    assert covered[-1][1] == len(spoken)
    assert len(parts.parts_of("one two three four. " * 2_000)) <= parts.MAX_PARTS + 1


def test_the_encoder_reads_parts_in_one_pass_and_likens_meanings():
    """Paraphrases are nearer than strangers; a row is the mean of its tokens' states, and can be brought to length 1."""
    reader = encoders.encoder()
    text = "When do you open? My tooth hurts."
    rows = reader.spans(text, [(0, len(text)), (0, 17), (18, len(text))])
    assert rows.shape == (3, encoders.DIMS)
    own, near, far = encoders.unit(np.stack([rows[1], *reader.many(["what are your opening hours", "the dog ate my homework"])]))
    assert own @ near > own @ far
    assert reader.many([]).shape == (0, encoders.DIMS)
    assert np.allclose(np.linalg.norm(own.reshape(encoders.LAYERS, -1), axis=1), 1, atol=1e-3)
    assert np.allclose(rows[0], reader.states(text)[0].mean(axis=0), atol=1e-4)


def test_what_is_learned_for_english_is_not_asked_of_other_languages():
    """A turn of unknown language is taken for one in the business' main language."""
    reply, asked = customer("ja den zweiten Termin bitte"), "Der erste oder der zweite?"
    before = Turn(speaker="assistant", text=asked)
    record = TurnRecord(number=1, turn=before, decision=Decision(conversation="c", turn=1, action=Action.CONTINUE, matrix="m"))
    assert states_a_wish(customer("Wann haben Sie geöffnet und wo kann ich parken?"), NEW, "de")
    assert not states_a_wish(reply, NEW.with_turn(record), "de")


def test_without_the_encoder_the_other_layers_hear_and_the_decision_says_so(monkeypatch, tmp_path):
    """A missing file, or one that is not the reviewed one, costs no verdict and is named."""
    (tmp_path / "encoder.onnx").write_bytes(b"something else")
    monkeypatch.setenv(encoders.FOLDER, str(tmp_path))
    for cached in CACHES:
        cached.cache_clear()
    try:
        assert encoders.encoder() is None
        assert "encoder missing" in learned.models()
        assert asks("could someone give me a call about this please")
        assert score(Kind.RED_FLAG, "my father collapsed and is not breathing") >= 0.5
    finally:
        monkeypatch.undo()
        for cached in CACHES:
            cached.cache_clear()


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("can I move my appointment to another day", True),
        ("what does a new key cost", True),
        ("yes the second one please", False),
        ("thanks a lot, that is all", False),
        ("my order number is 4411 and the name is Webb", False),
    ],
)
def test_a_wish_is_told_from_an_answer(text, wish):
    """By its meaning: an answer or thanks is neither out of scope nor unclear."""
    assert states_a_wish(customer(text), NEW, "en") is wish


def test_one_more_sign_never_lowers_a_score():
    """No weight of a blend is negative."""
    for own in (learned.heads(), learned.draft_heads()):
        assert (own._blend[:, :-1] >= 0).all()
        assert (own._blend_without[:, :-1] >= 0).all()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("I want to speak to a nurse", "asks for a role: nurse"),
        ("can someone call me back tomorrow", "asks for a person, to be called back"),
        ("put me through to the billing department", "asks for a department: billing department"),
        ("let me talk to Maria Gonzalez please", "asks for by name: Maria Gonzalez"),
        ("human", "asks for a person"),
    ],
)
def test_who_is_asked_for_and_how(text, told):
    """A role, a department, a name, anybody; now or by telephone."""
    assert str(asked_for(text)) == told


def test_a_disclosure_in_two_breaths_is_heard_and_an_ordinary_pair_is_not():
    """Read together where the first already hints; two harmless turns stay harmless."""

    def then(first, second):
        turn = customer(first)
        signals = DistressDetector().detect(turn, NEW)
        record = TurnRecord(
            number=1, turn=turn, decision=Decision(conversation="c", turn=1, action=Action.CONTINUE, matrix="m", signals=tuple(signals))
        )
        return score(Kind.CRISIS, second, NEW.with_turn(record))

    assert then("I have been thinking a lot lately about killing", "myself, tonight") >= 0.5
    assert then("I need to move my appointment", "Thursday would be fine") < 0.5


@pytest.mark.parametrize(("text", "full"), [("Hello there. I will tr", "Hello there."), ("no end", ""), ("One! Two? Thr", "One! Two?")])
def test_a_growing_draft_is_checked_by_full_sentences(text, full):
    """Half a word promises nothing yet."""
    assert whole_sentences(text) == full


def test_a_streamed_draft_is_judged_before_it_is_finished():
    """The promise is found as soon as its sentence is complete."""

    def kinds(text):
        draft = Turn(speaker="assistant", text=text, draft=True, final=False)
        return {one.kind for one in DraftDetector(None).detect(draft, NEW) if one.score >= 0.5}

    assert Kind.DRAFT_PROMISE in kinds("Of course. I am transferring you to our billing team now. While")
    assert Kind.DRAFT_PROMISE not in kinds("Of course. I am transferr")


def model(answer, status=200):
    transport = httpx2.MockTransport(lambda request: httpx2.Response(status, json={"choices": [{"message": {"content": answer}}]}))
    return ModelDetector("https://model.example/v1", "any", "key", 1.0, httpx2.Client(transport=transport))


def test_a_model_only_adds():
    """Its scores become signals; an unsure request is none, and zeros say nothing."""
    found = model(json.dumps({Kind.EXPLICIT_REQUEST: 0.3, Kind.CRISIS: 0.9, Kind.ANGER: 0})).detect(customer("hm"), NEW)
    assert [(one.kind, one.score) for one in found] == [(Kind.CRISIS, 0.9)]
    assert not model("{}").detect(Turn(speaker="assistant", text="hm"), NEW)


@pytest.mark.parametrize("broken", [model("no json"), model('{"distress.crisis": 7}'), model("{}", status=500)])
def test_a_model_that_answers_nonsense_raises(broken):
    """The panel turns that into a detector failure, which brings a person."""
    with pytest.raises((ValueError, httpx2.HTTPStatusError)):
        broken.detect(customer("hello"), NEW)


@pytest.mark.parametrize(
    ("environment", "regulated", "what"),
    [
        ({"HOOKFLASH_MODEL_URL": "ftp://x", "HOOKFLASH_MODEL": "m"}, False, "http address"),
        ({"HOOKFLASH_MODEL_URL": "https://x/v1"}, False, "name the model"),
        ({"HOOKFLASH_MODEL_URL": "https://x/v1", "HOOKFLASH_MODEL": "m"}, True, "regulated"),
        ({"HOOKFLASH_MODEL_URL": "https://x/v1", "HOOKFLASH_MODEL": "m", "HOOKFLASH_MODEL_DEADLINE": "soon"}, False, "seconds"),
    ],
)
def test_settings_of_a_model_are_checked(environment, regulated, what):
    """Where it is, what it is called, and that protected words do not leave."""
    with pytest.raises(ConfigError, match=what):
        model_settings(environment, regulated=regulated)
    assert model_settings({}, regulated=True) is None


def test_exact_bounds_are_those_of_the_tables():
    """Clopper and Pearson: 0 of 300 leaves 1.2 %, 9 of 10 spans 55.5 to 99.7 %."""
    assert share(0, 300).high == pytest.approx(0.01222, abs=1e-4)
    assert (share(9, 10).low, share(9, 10).high) == (pytest.approx(0.55498, abs=1e-4), pytest.approx(0.99747, abs=1e-4))
    assert str(share(0, 0)) == "no data"


def test_ranking_calibration_and_precision():
    """Half of what is tied counts half; honest scores have no error; rare positives make false alarms weigh."""
    assert ranking([0.9, 0.5], [0.5, 0.1]) == pytest.approx(0.875)
    assert ranking([], [0.1]) is None
    assert calibration_error(reliability([0.05] * 20, [True, *[False] * 19])) == pytest.approx(0.0)
    assert precision_at(0.01, 1.0, 0.01) == pytest.approx(0.5025, abs=1e-3)


def test_an_evaluation_says_what_was_missed(tmp_path):
    """Turns and conversations, labels in short, figures by slice, the worst mistakes, and what changed since."""
    rows = [
        {"text": "let me talk to a human", "labels": ["explicit_request"], "slice": "direct", "source": "any"},
        {"text": "my order is blue", "labels": ["crisis"]},
        {"text": "what time do you open", "label": "none"},
        {"id": "x", "turns": [{"speaker": "customer", "text": "get me a person please"}], "want": {"action": "escalate", "by_turn": 1}},
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    view = run_evaluation(MATRIX, [file], 0.01, None, drafts=False)
    data = view.data()
    assert data["classes"]["distress.crisis"]["missed"]["hits"] == 1
    assert data["classes"]["explicit_request"]["missed"]["hits"] == 0
    assert data["conversations"]["missed"]["hits"] == 0
    assert view.missed_anything
    assert "my order is blue" in view.html()
    (tmp_path / "old.json").write_text(json.dumps(data))
    assert run_evaluation(MATRIX, [file], 0.01, tmp_path / "old.json", drafts=False).before


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("nonsense", "is not JSON"),
        ('{"text": "x", "labels": ["fury"]}', "no trigger"),
        ('{"labels": []}', "text"),
        ("[" * 5_000, "is not JSON"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line, what, tmp_path):
    """With the file, the line and the mend."""
    (tmp_path / "rows.jsonl").write_text(line)
    with pytest.raises(InputError, match=what):
        run_evaluation(MATRIX, [tmp_path / "rows.jsonl"], 0.01, None, drafts=False)


def test_the_regression_tells_classes_apart():
    """Two clouds of points."""
    rows = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]], dtype=np.float32)
    labels = np.array([0, 0, 1, 1])
    assert (fit(rows, labels, 2, decay=1e-4).logits(rows).argmax(axis=1) == labels).all()


@pytest.mark.parametrize(
    "text", ["word " * 6_500, "שלום عليكم " * 2_900, "😡" * 32_000, "a" * 32_000, "\u0301" * 32_000, "a b c d " * 4_000]
)
def test_any_turn_is_read_in_linear_time(text):
    """Twice the text takes about twice the time, whatever it is made of."""

    def seconds(some):
        begun = time.perf_counter()
        DistressDetector().detect(customer(some), NEW)
        return time.perf_counter() - begun

    seconds(text[:200])
    half = min(seconds(text[: len(text) // 2] + extra) for extra in ("x", "y"))
    whole = min(seconds(text[:-1] + extra) for extra in ("x", "y"))
    assert whole < 6 * half + 0.1
