"""What a team does with a matrix: sheet, week, explanation, cases, coverage, comparison, formatting."""

import json
from datetime import UTC, datetime
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from hookflash.app import serve
from hookflash.app.adapters import judge_for
from hookflash.app.differed import differed
from hookflash.app.reviewed import junit, tried
from hookflash.errors import InputError
from hookflash.matrix import load_matrix, parse_matrix
from hookflash.model import Conversation, Turn
from hookflash.review.cases import read_cases
from hookflash.review.compare import compare, describe_field
from hookflash.review.coverage import coverage
from hookflash.review.explain import explain, situation_of, time_of
from hookflash.review.sheet import sheet
from hookflash.review.sheet_formats import as_html, as_markdown
from hookflash.review.stretches import describe
from hookflash.review.tidy import formatted
from hookflash.review.timeline import without
from hookflash.review.trial import run_cases
from hookflash.review.week import weeks
from hookflash.review.year import Year
from tests.conftest import CLINIC, ROOT, SHOP

NOW = datetime(2026, 11, 25, 14, tzinfo=UTC)
TEXT = (CLINIC / "matrix.yaml").read_text()


def text_of(html):
    class Reader(HTMLParser):
        said = ""
        outside: set[str] = set()

        def handle_data(self, data):
            self.said += data + " "

        def handle_starttag(self, tag, attrs):
            self.outside |= {value for name, value in attrs if name in ("src", "href")}

    reader = Reader()
    reader.feed(html)
    return reader.said, reader.outside


def test_the_sheet_says_everything_that_is_signed(clinic):
    """Rules, people, hours, context, every word in every language, revision and a place to sign; in plain words."""
    content = sheet(clinic, NOW)
    markdown, (html, outside) = as_markdown(content, weeks(clinic, NOW)), text_of(as_html(content, weeks(clinic, NOW)))
    for shown in (markdown, html):
        for words in (
            clinic.revision,
            "Clinician",
            "is in pain",
            "+13125550111",
            "closed on 2026-12-24",
            "Siento que le duela",
            "Who answers",
        ):
            assert words in shown, words
        assert "distress." not in shown
    assert not outside  # nothing to load from anywhere


def test_a_sheet_cannot_be_broken_by_what_is_written_in_the_matrix():
    """Names with bars, tags and line ends stay inside their cell."""
    odd = parse_matrix(SHOP.replace("name: Lamp Shop", 'name: "Lamp | <script>alert(1)</script> Shop"'))
    assert "<script>" not in as_html(sheet(odd, NOW))
    lines = as_markdown(sheet(odd, NOW)).splitlines()
    assert all(line.count("|") - line.count("\\|") == 7 for line in lines if line.startswith("| 1"))


def test_the_week_shows_who_is_first_half_hour_by_half_hour(clinic):
    """The nurse at all times; the front desk in its hours, not on Thanksgiving."""
    shown = {week.routes: dict(week.days) for week in weeks(clinic, NOW)}
    days = shown["everything_else",]
    assert days["Wed 2026-11-25"][16:24] == "A" * 8
    assert days["Wed 2026-11-25"][24:26] == "··"
    assert set(days["Thu 2026-11-26"]) == {"·"}
    assert set("".join(shown["clinical",].values())) == {"A"}
    short = parse_matrix(SHOP.replace("09:00-13:00 15:00-18:00", "09:10-13:00"))
    (general,) = (week for week in weeks(short, NOW) if week.routes == ("general",))
    assert dict(general.days)["Wed 2026-11-25"][18] == "+"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Fri 21:40", "2026-11-27T21:40:00-06:00"),
        ("tomorrow 3am", "2026-11-26T03:00:00-06:00"),
        ("viernes 21:40", "2026-11-27T21:40:00-06:00"),
        ("2026-12-25 03:00", "2026-12-25T03:00:00-06:00"),
        ("2026-12-25T03:00Z", "2026-12-24T21:00:00-06:00"),
    ],
)
def test_times_are_read_as_people_say_them(clinic, said, meant):
    """In the business' own zone, looking ahead."""
    assert time_of(said, clinic, NOW) == datetime.fromisoformat(meant)


def test_a_time_or_situation_that_cannot_be_is_said(clinic):
    """What is wrong and what to write."""
    for said in ("garbage", ""):
        with pytest.raises(InputError, match="is not a time"):
            time_of(said, clinic, NOW)
    for pairs, why in (
        (["channel=voice"], "names no trigger"),
        (["trigger=distress.pian"], "did you mean `distress.pain`"),
        (["trigger=stuck", "topic=billing"], "has no topic"),
        (["trigger=distress.anger", "severity=moderate"], "only when it is severe"),
        (["frobnicate"], "KEY=VALUE"),
    ):
        with pytest.raises(InputError, match=why):
            situation_of(pairs, clinic)
    quiet = parse_matrix(TEXT.replace("pain: {at: 0.5}", "pain: off").replace("regulated: hipaa, ", ""))
    with pytest.raises(InputError, match="is off"):
        situation_of(["trigger=distress.pain"], quiet)


def test_an_explanation_is_the_way_through_the_rules_and_up_the_ladder(clinic):
    """Why each earlier rule did not match, who is rung when, and the promise at the end."""
    found = explain(clinic, situation_of(["trigger=distress.pain", "channel=voice"], clinic), time_of("Fri 21:40", clinic, NOW))
    assert [bool(rule.why_not) for rule in found.rules] == [True, False]
    assert found.order == ("nurse",)
    assert "closed until Mon 2026-11-30 08:00" in found.rings[1].passed_over
    assert f"{found.due:%a %H:%M}" == "Mon 09:00"
    assert found.said.startswith("I am sorry you are in pain")
    asked = explain(clinic, situation_of(["trigger=explicit_request"], clinic), time_of("Fri 21:40", clinic, NOW))
    assert asked.order == ("nobody",)


@pytest.mark.parametrize("name", ["clinic", "shop", "bank"])
def test_the_examples_cases_pass(name):
    """Each example ships at least twenty cases that come to all of its routes."""
    folder = ROOT / "examples" / name
    results = run_cases(judge_for(load_matrix(folder / "matrix.yaml")), read_cases(folder / "cases"), NOW)
    assert not [(result.placed.name, result.faults) for result in results if not result.passed]
    assert len(results) >= 20
    covered = coverage(load_matrix(folder / "matrix.yaml"), results)
    assert not covered.missing("routes")
    assert covered.percent > 65


@pytest.fixture
def shop_folder(tmp_path):
    (tmp_path / "cases").mkdir()
    (tmp_path / "matrix.yaml").write_text(SHOP)

    def with_cases(text):
        (tmp_path / "cases" / "some.yaml").write_text(text)
        return tried(tmp_path, cover=True, threshold=None, format_="text", verbose=False)

    return with_cases


def test_a_failing_case_says_what_was_decided_by_which_rule_on_which_words(shop_folder):
    """Enough to mend it without running it again."""
    view = shop_folder(
        '- {note: a slip, at: "2026-11-27 10:00", conversation: [{customer: "I want a human"}], want: {to: lead}, unwanted: {action: escalate}}\n'
    )
    shown = str(view.render())
    for words in ("FAIL", "some.yaml:1", "to: want lead, got team", "unwanted escalate", "explicit_request (always on)", "I want a human"):
        assert words in shown, words
    assert not view.passed
    suite = ET.fromstring(junit(view.results).encode()).find("testsuite")
    assert suite.get("failures") == "1"
    assert json.loads(json.dumps(view.data()))["cases"][0]["faults"]


def test_cases_are_run_on_a_clock_of_their_own(shop_folder):
    """By day somebody is rung; by night the promise is due on the next opening day; draft, speaker and turn are told apart."""
    view = shop_folder(
        """
- {note: day, at: "2026-11-27 10:00", conversation: [{customer: hello}, {customer: a person please}], want: {to: team, order: [team, lead], turn: 2}}
- {note: night, at: 2026-11-27 22:00, conversation: [{customer: a person please}], want: {to: nobody, by: "2026-11-30 11:00", says: ticket}}
- {note: draft, conversation: [{customer: hi}, {draft: I am a real person.}], want: {action: replace, trigger: draft.claims_human}}
"""
    )
    assert view.passed, str(view.render())
    assert "emergency" in view.covered.missing("routes")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {note: x}\n", "`conversation` is missing"),
        ("- {note: x, conversation: [{customer: hi}]}\n", "expects nothing"),
        ("- {note: x, conversation: [{customer: hi}], wnat: {}}\n", "`wnat` is not a key"),
        ("- {note: x, conversation: [{customer: hi, assistant: ho}], want: {action: continue}}\n", "said by one"),
        ("- {note: x, at: soonish, conversation: [{customer: hi}], want: {action: continue}}\n", "is not a time"),
        ("- [\n", "cannot be read"),
        ("just text\n", "cases"),
    ],
)
def test_a_case_that_cannot_be_read_is_said_with_its_place(shop_folder, text, said):
    """File, line and what is wrong."""
    with pytest.raises(InputError, match="some.yaml") as caught:
        shop_folder(text)
    assert said in str(caught.value)


def changed(*edits):
    after = TEXT
    for old, new in edits:
        assert old in after
        after = after.replace(old, new)
    return compare(parse_matrix(TEXT), parse_matrix(after), NOW)


def test_nothing_changes_where_only_the_text_does():
    """Comments, spacing, the order of keys, other names for the same days."""
    assert changed(
        ("mon-thu:", '"mon,tue,wed,thu":'), ("# the last two turns together", "# x"), ("{below: 0.4}", "{ below: 0.40 }")
    ).is_same


def test_a_change_of_receiver_is_a_change_of_situations_not_of_lines():
    """Who, which situations, when, from whom to whom; what makes a person come later stands first."""
    found = changed(("ladder: [{to: nurse, warm: 60s}, {to: reception, warm: 60s}]", "ladder: [{to: reception, warm: 60s}]"))
    first = found.changes[0]
    assert first.is_safer_before
    assert {situation.trigger for change in found.changes for situation in change.situations} == {"distress.pain"}
    assert (first.before.receiver, first.after.receiver) == ("nurse", "nobody")
    assert not first.always
    total = sum(change.when.total for change in found.changes)
    assert total == 366 * 24 * 3600


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("warm: 30s}, {to: on_call", "warm: 40s}, {to: on_call", "order"),
        ("+13125550111", "+13125550199", "line"),
        ("    urgency: immediate\n", "", None),
        ("I am sorry you are in pain.", "That hurts.", "wording"),
        ("within: 1h", "within: 2h", "promise"),
        ("when: {trigger: distress.pain}\n", "when: {trigger: distress.pain}\n    urgency: immediate\n", "urgency"),
    ],
)
def test_each_kind_of_change_is_told(old, new, field):
    """Order, line, urgency, wording, promise. Crisis is immediate whatever the route says."""
    fields = {one for change in changed((old, new)).changes for one in change.fields}
    assert fields == ({field} if field else set())


def test_thresholds_that_miss_more_are_marked():
    """Higher scores, lower confidence, off: fires less often."""
    found = changed(("pain: {at: 0.5}", "pain: {at: 0.6}"), ("below: 0.4", "below: 0.5"), ("stuck: {repeats: 2}", "stuck: off"))
    marks = {tuning.name: tuning.misses_more for tuning in found.tunings}
    assert marks["distress.pain.at"]
    assert not marks["confidence.below"]
    assert any(change.after is None and change.situations[0].trigger == "stuck" for change in found.changes)


def test_hours_that_change_are_told_by_what_they_do(tmp_path):
    """A calendar of the same name and other openings is another promise, and other people at other times."""
    found = changed(('fri: "08:00-14:00"', 'fri: "08:00-13:00"'))
    lost = found.changes[0]
    assert lost.after.receiver == "nobody"
    assert {describe_field(side, "promise") for side in (lost.before, lost.after)} != {describe_field(lost.before, "promise")}


def test_recorded_conversations_are_decided_by_both(tmp_path):
    """Counts and examples, missed ones first, and no word of a customer."""
    (tmp_path / "old.yaml").write_text(TEXT)
    (tmp_path / "new.yaml").write_text(TEXT.replace("pain: {at: 0.5}", "pain: {at: 1.0}").replace("stuck: {repeats: 2}", "stuck: off"))
    for format_ in ("text", "markdown"):
        view = differed(str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml"), CLINIC / "transcripts", format_)
        shown = str(view.render())
        assert "8 conversations: 7 went to a person before" in shown
        assert "missed now" in shown or "later now" in shown
        assert "MetLife" not in shown
    turns = tmp_path / "turns.jsonl"
    turns.write_text('{"conversation":"a","speaker":"customer","text":"ow ow ow that hurts"}\nnot json\n')
    replayed = differed(str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml"), turns, "text").replayed
    assert (replayed.conversations, replayed.unread, replayed.escalated) == (1, 1, (1, 0))
    assert replayed.otherwise[0][:2] == ("missed now", "a")


@pytest.mark.parametrize("name", ["clinic", "shop", "bank"])
def test_formatting_keeps_comments_and_meaning_and_is_done_once(name):
    """Twice is once."""
    text = (ROOT / "examples" / name / "matrix.yaml").read_text()
    once = formatted(text, "m.yaml")
    assert formatted(once, "m.yaml") == once
    assert parse_matrix(once).revision == parse_matrix(text).revision
    assert [line.split("#", 1)[1].strip() for line in text.splitlines() if "#" in line] == [
        line.split("#", 1)[1].strip() for line in once.splitlines() if "#" in line
    ]


def test_formatting_mends_what_is_only_untidy():
    """Windows line ends, spaces at the ends of lines, heaps of empty lines, odd indentation."""
    untidy = SHOP.replace("\n", "  \r\n").replace("routes:", "\r\n\r\n\r\nroutes:").replace("  - {name", "      - {name")
    tidy = formatted(untidy, "m.yaml")
    assert "\r" not in tidy
    assert "\n\n\n" not in tidy
    assert " \n" not in tidy
    assert parse_matrix(tidy).revision == parse_matrix(SHOP).revision


async def test_routes_by_hours_severity_and_segment_are_taken_by_the_engine_too():
    """What the proof and the explanation say is what a decision does."""
    text = SHOP.replace(
        "  - {name: general",
        "  - {name: trade, when: {segment: trade, outside: office}, ladder: [{to: night, warm: 30s}]}\n"
        "  - {name: loud, when: {trigger: distress.pain, severity: severe}, ladder: [{to: night, warm: 30s}]}\n  - {name: general",
    ).replace("languages: [en, es]", "languages: [en, es], segments: [trade]")
    judge = judge_for(parse_matrix(text))

    async def route(said, at, **customer):
        turn = Turn(speaker="customer", text=said, customer=customer or None)
        return (await judge.judge(turn, Conversation(id="c"), at)).decision.route

    day, night = datetime(2026, 11, 25, 9, tzinfo=UTC), datetime(2026, 11, 25, 22, tzinfo=UTC)
    assert await route("I want a human", day, segment="trade") == "general"
    assert await route("I want a human", night, segment="trade") == "trade"
    assert await route("I want a human", night) == "general"
    assert await route("my tooth hurts terribly, unbearable pain", day) == "loud"


def test_times_are_told_by_week_and_what_falls_out_of_it_by_date():
    """What is the same on days that follow each other is told once."""
    matrix = parse_matrix(SHOP.replace("{to: night, warm: 30s}", "{to: lead, warm: 30s}"))
    year = Year(matrix, NOW)
    told = describe(year.uncovered(matrix.routes[0], year.window), "Europe/Madrid")
    assert told.startswith("Mon to Fri 13:00 to 15:00; Mon to Thu 18:00 to the next day 09:00; Fri 18:00 to Mon 09:00")
    holidays = describe(without(year.openings["always_on"], year.openings["office"]), "Europe/Madrid")
    assert "Mon to Thu" in holidays


async def test_serve_says_what_the_proof_finds_and_starts_all_the_same(tmp_path, capsys):
    """Hours move on by themselves; a server that does not start helps nobody."""
    (tmp_path / "m.yaml").write_text(SHOP.replace("within: 2h", "within: 2h, cap: 3h"))
    assert serve._proved(tmp_path / "m.yaml").business.name == "Lamp Shop"
    assert "promise-beyond-cap" in "".join(capsys.readouterr())


def test_a_comment_that_formatting_would_lose_stops_it():
    """Told with its line; the file stays as it is."""
    text = SHOP.replace("{name: emergency,", "{ # agreed with Dr. Lee\n    name: emergency,")
    with pytest.raises(InputError, match="the comment here would be lost"):
        formatted(text, "m.yaml")


def test_the_sheet_says_what_a_decision_would_say():
    """In the language in which a route is taken; in an emergency the words of an emergency, be it on the last route."""
    text = SHOP.replace(
        "  - {name: general", "  - {name: spanish, when: {language: es}, ladder: [{to: team, warm: 60s}]}\n  - {name: general"
    )
    rows = {row[0]: row for row in sheet(parse_matrix(text), NOW).tables[0].rows}
    assert "Voy a buscar" in rows["2. spanish"][4]
    one_route = SHOP.replace("{trigger: [distress.crisis, distress.red_flag]}", "{channel: voice}")
    last = sheet(parse_matrix(one_route), NOW).tables[0].rows[-1][4]
    assert "emergency number" in last
    assert "otherwise: I will get a person" in last
