import json
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import IntegrityViolation, InvalidInput
from engine.history import chain, replay
from engine.model import codec, events, inputs
from engine.model.actors import SYSTEM, Actor
from engine.model.records import Call
from engine.model.values import canonical, parse, purify

NOW = datetime(2026, 11, 23, 6, 5, tzinfo=UTC)


def records(count=3):
    out, previous = [], ""
    for seq in range(1, count + 1):
        one = chain.seal(
            instance_id="i1",
            seq=seq,
            at=NOW,
            actor=Actor("li", on_behalf_of="wang"),
            definition_hash="d" * 64,
            engine_version="0",
            request_id=None,
            input=inputs.StartInstance("p") if seq == 1 else inputs.AddComment(f"第 {seq} 条"),
            calls=(Call("f", 1),),
            events=(events.ElementEntered(seq, "a"), events.VariableSet(0, "x", seq), events.ElementCompleted(seq, "a")),
            previous=previous,
        )
        out.append(one)
        previous = one.hash
    return out


def test_a_record_survives_its_bytes():
    for one in records():
        assert chain.read(one.body, one.hash) == one


def test_the_outcome_of_stored_bytes_is_what_was_sealed_and_made_only_when_looked_at(monkeypatch):
    [one] = records(1)
    decoded = []
    decode = codec.decode
    monkeypatch.setattr(codec, "decode", lambda data: decoded.append(data["type"]) or decode(data))
    again = chain.read(one.body, one.hash)
    assert len(again.events) == 3 and sorted(decoded) == ["Call", "StartInstance"]
    assert (again.events[1], list(again.events), again.events[-2:]) == (one.events[1], list(one.events), one.events[-2:])
    assert len(decoded) == 5 and hash(again.events) == hash(one.events) and again.events != one.events[:2] and again.events != 3


@pytest.mark.parametrize("events", [b'[{"type":"NoSuchEvent"}]', b'[{"type":"ElementEntered","colour":1}]', b'["x"]', b"[{}]"])
def test_bytes_that_hold_no_events_are_noticed(events):
    [one] = records(1)
    before, after = one.body.split(b'"events":[', 1)[0], one.body.rsplit(b'}],"input"', 1)[1]
    body = before + b'"events":' + events + b',"input"' + after
    forged = chain.read(body, chain.digest(body))
    with pytest.raises(IntegrityViolation, match="stored bytes are not a record"):
        chain.check("i1", [forged])
    with pytest.raises(InvalidInput, match="stored bytes are not a record"):
        replay.frame_at([forged], 1)


@pytest.mark.parametrize("damaged", [lambda body: body.replace(b"\xe7\xac\xac", b"\xff"), lambda body: b"\xff\xfe" + body, lambda body: body[:-9]])
def test_damaged_bytes_are_noticed_without_being_repeated(damaged):
    """What people wrote must not come into logs and terminals."""
    one = records(2)[1]
    with pytest.raises(InvalidInput) as refusal:
        chain.read(damaged(one.body), one.hash)
    assert "AddComment" not in str(refusal.value) and len(str(refusal.value)) < 200


def test_an_untouched_chain_verifies():
    chained = records()
    assert chain.check("i1", chained, (3, chained[-1].hash)) == 3


def edited(chained):
    body = chained[1].body.replace("第 2 条".encode(), "第 9 条".encode())
    return [chained[0], chain.read(body, chained[1].hash), chained[2]]


def recomputed(chained):
    body = chained[1].body.replace("第 2 条".encode(), "第 9 条".encode())
    return [chained[0], chain.read(body, chain.digest(body)), chained[2]]


@pytest.mark.parametrize(
    "damage",
    [
        edited,
        recomputed,
        lambda c: [c[0], c[2]],
        lambda c: [c[1], c[0], c[2]],
        lambda c: c[:2],
        lambda c: [],
        lambda c: [*c, c[2]],
    ],
    ids=["edited", "edited with a new hash", "one deleted", "swapped", "tail cut", "all deleted", "one doubled"],
)
def test_every_damage_is_noticed(damage):
    chained = records()
    with pytest.raises(IntegrityViolation):
        chain.check("i1", damage(chained), (3, chained[-1].hash))


def test_a_chain_of_another_instance_is_noticed():
    with pytest.raises(IntegrityViolation, match="belongs to instance i1"):
        chain.check("i2", records())


def test_folding_gives_state_counts_and_variables():
    frame = replay.frame_at(records(), 2)
    assert (frame.seq, frame.active, frame.completed, frame.variables) == (2, {}, {"a": 2}, {"x": 2})


def test_a_list_that_grows_is_folded_from_its_new_items_only():
    fold = replay.Fold()
    one = records(1)[0]
    fold.add(codec_with(one, events.VariableSet(0, "l", [1]), events.VariableExtended(0, "l", (2, 3))))
    assert fold.frame().variables == {"l": [1, 2, 3]}


def codec_with(record, *happened):
    return chain.seal(
        instance_id=record.instance_id,
        seq=1,
        at=record.at,
        actor=SYSTEM,
        definition_hash="",
        engine_version="",
        request_id=None,
        input=record.input,
        calls=(),
        events=happened,
        previous="",
    )


def test_explanations_show_values_before_and_after():
    last = list(replay.explain(records()))[-1]
    assert last.changes == [{"scope": 0, "name": "x", "before": 2, "after": 3}]
    assert (last.kind, last.actor, last.on_behalf_of) == ("AddComment", "li", "wang")


@pytest.mark.parametrize("value", [False, None, 0, [], {}, [{"type": "ElementEntered"}], {"type": "x"}])
def test_values_that_look_empty_or_like_events_are_kept(value):
    event = events.VariableSet(0, "x", value)
    assert codec.decode(parse(canonical(codec.encode(event)))) == event


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', "NaN", "[Infinity]", "[" * 100_000, "{", '"\\ud800"'])
def test_json_that_cannot_be_hashed_alike_everywhere_is_refused(text):
    with pytest.raises(InvalidInput):
        canonical(parse(text))


def test_canonical_bytes_do_not_depend_on_order_or_unicode_form():
    assert canonical({"b": 1, "a": "e\u0301"}) == canonical({"a": "\u00e9", "b": 1}) == '{"a":"é","b":1}'.encode()
    assert purify({"t": (1, 2)}) == {"t": [1, 2]}


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8"))


@given(st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner)))
def test_canonical_bytes_are_those_of_the_standard_library(value):
    """Hashes of records hang on them, so no shortcut may write otherwise."""
    try:
        text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        with pytest.raises(InvalidInput):
            canonical(value)
    else:
        assert canonical(value) == unicodedata.normalize("NFC", text).encode()


def test_what_holds_itself_is_refused():
    value = []
    value.append({"again": value})
    with pytest.raises(InvalidInput):
        canonical(value)


def test_an_outcome_is_told_from_every_other_by_its_bytes():
    happened = (events.VariableSet(0, "x", 1), events.VariableSet(0, "y", {"events": [], "input": {}}))
    record = codec_with(records(1)[0], *happened)
    again = [codec.encode(e) for e in happened]
    assert chain.holds_events(record, canonical(again))
    for other in (1.0, True, "1", None):
        assert not chain.holds_events(record, canonical([again[0] | {"value": other}, again[1]]))
    for other in (again[:1], [], again[1]["value"]["events"], [*again, again[0]], again[::-1]):
        assert not chain.holds_events(record, canonical(other))
