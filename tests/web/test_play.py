"""The page of the playground, without a browser: what it may be asked, and what it tells."""

import json
import re
import subprocess
import sys
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Any

import pytest
import torch

from advnets.errors import BadInput
from advnets.studies.playground import CONTROLS, LESSONS, Link
from advnets.web.play.frames import schema
from advnets.web.play.play_page import _Viewers
from advnets.web.play.replay import MOST, replay_html
from advnets.web.play.session import CHUNK, DEEDS, Session
from advnets.web.static_files import STATIC

TEXTS = (STATIC / "play" / "texts.js").read_text()


def ask(session: Session, **message: Any) -> list[Any]:
    return session.answer(json.dumps(message))


@pytest.fixture
def session() -> Session:
    made = Session()
    ask(made, do="open", fragment="")
    return made


def frame_of(answers: list[Any]) -> dict[str, Any]:
    (frame,) = [one for one in answers if one["is"] in ("frame", "phases")]
    return dict(frame)


def test_a_page_opens_with_all_that_it_draws() -> None:
    told = ask(Session(), do="open", fragment="#" + LESSONS["wgan"].fragment)
    assert [one["is"] for one in told] == ["schema", "begin", "state", "frame"]
    assert told[2]["lesson"] == "wgan"
    assert len(told[1]["games"]) == len(told[3]["games"]) == 2
    assert len(b64decode(told[3]["games"][0]["arrays"]["p_g"])) == 800
    json.dumps(told, allow_nan=False)


def test_games_are_played_on_one_thread() -> None:
    """Two of them wait for each other: a step of the plane took 465 ms beside two other programs, and 1.6 on one."""
    viewers = _Viewers()
    try:
        assert viewers.worker.submit(torch.get_num_threads).result(60) == 1
    finally:
        viewers.close()


def test_every_control_lesson_and_number_has_words_in_both_languages() -> None:
    told = schema()
    english, korean = TEXTS.split("  ko: {")
    names = {
        *CONTROLS,
        *(option for one in told["controls"] for option in one["options"]),
        *(one["group"] for one in told["controls"]),
    }
    for text in (english, korean):
        assert [name for name in names if not re.search(rf"\b{name}: \"", text)] == []
    assert [name for name in CONTROLS["objective"].options if f"{name}: [" not in TEXTS] == []


def test_changes_of_a_game_are_in_its_address_and_reach_the_game(session: Session) -> None:
    (state, frame) = ask(session, do="set", which=0, changes={"r1": 2.0, "k": 3})
    assert Link.of(state["fragment"]).first.r1 == 2.0
    assert frame["is"] == "frame"
    begun = ask(session, do="set", which=0, changes={"seed": 5})
    assert begun[0]["is"] == "begin"
    assert session.games[0].settings.values["r1"] == 2.0


def test_the_plane_begins_with_what_suits_it_and_back(session: Session) -> None:
    ask(session, do="set", which=0, changes={"dimension": 2})
    assert session.games[0].settings.latent_size == 2
    ask(session, do="set", which=0, changes={"dimension": 1})
    assert session.link == Link()


def test_two_games_step_together(session: Session) -> None:
    ask(session, do="compare", on=True)
    ask(session, do="set", which=1, changes={"objective": "wasserstein"})
    told = frame_of(ask(session, do="move", player="both"))
    assert [game["numbers"]["step"] for game in told["games"]] == [1, 1]
    assert told["games"][0]["arrays"]["D"] != told["games"][1]["arrays"]["D"]
    ask(session, do="move", player="generator")
    assert [game.made for game in session.games] == 2 * [{"discriminator": 1, "generator": 2}]
    ask(session, do="compare", on=False)
    assert len(session.games) == 1


def test_one_rewinds_and_sees_what_was(session: Session) -> None:
    first = frame_of(ask(session, do="move", player="both"))
    ask(session, do="move", player="both")
    back = frame_of(ask(session, do="rewind", place=1))
    assert back["games"][0]["arrays"] == first["games"][0]["arrays"]


def test_slow_motion_ends_where_the_frame_is(session: Session) -> None:
    told = frame_of(ask(session, do="slow"))
    assert told["phases"][0][-1]["arrays"]["D"] == told["games"][0]["arrays"]["D"]


def test_a_speed_is_kept_and_the_fastest_is_bounded_by_time(session: Session) -> None:
    frame = session.advance()
    assert isinstance(frame, dict)
    assert frame["games"][0]["numbers"]["step"] >= 2
    ask(session, do="dress", speed=1)
    step = session.games[0].step
    ask(session, do="go", on=True)
    session.advance()
    assert session.games[0].step - step <= 1


def test_an_answer_comes_before_the_next_picture(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advnets.web.play.session.FRAME_SECONDS", 1000)  # on a slow machine too
    waiting = iter([False, False, True, True])
    assert session.advance(lambda: next(waiting)) is None
    assert session.games[0].step == 2 * CHUNK


def change(changes: dict[str, Any]) -> dict[str, Any]:
    return {"do": "set", "which": 0, "changes": changes}


BAD: list[Any] = [
    "", "[]", "{", "null", *map(json.dumps, (
        {"do": 1}, {"do": []}, {"do": {}}, {"do": "eval"}, {"do": "set"}, {"do": "set", "which": 5, "changes": {}},
        {"do": "set", "which": True, "changes": {}}, change({"d_width": 10**6}), change({"dimension": 99}),
        change({"dimension": [2]}), change({"objective": []}), change({"pack": 3}), {"do": "open", "fragment": 3},
        {"do": "open", "fragment": "seed=x"}, {"do": "rewind", "place": 99}, {"do": "rewind"},
        {"do": "move", "player": "nobody"}, {"do": "move", "player": []}, {"do": "dress", "hidden": "k"},
        {"do": "dress", "speed": 7}, {"do": "dress", "language": 5}, {"do": "dress", "hidden": ["<script>"]},
    )),
]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_what_cannot_be_done_is_refused_and_changes_nothing(session: Session, text: str) -> None:
    before = session.link, session.games[0].picture(), len(session.games)
    with pytest.raises(BadInput):
        session.answer(text)
    assert (session.link, session.games[0].picture(), len(session.games)) == before


def test_nothing_is_done_before_a_page_is_open() -> None:
    for deed in set(DEEDS) - {"open"}:
        with pytest.raises(BadInput, match="before open"):
            ask(Session(), do=deed)


def test_a_replay_holds_its_frames_and_lets_nothing_else_run(session: Session) -> None:
    ask(session, do="dress", lesson="cycling")
    for _ in range(4):
        ask(session, do="move", player="both")
    html = replay_html(session.games, session.link)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy.startswith("default-src 'none'")
    (script,) = re.findall(r'<script type="module">(.*?)</script>', html, re.DOTALL)
    assert f"sha256-{b64encode(sha256(script.encode()).digest()).decode()}" in policy
    assert not re.search(r"^(import|export) ", script, re.MULTILINE)
    assert re.findall(r"(?:src|href)=", html) == []
    (text,) = re.findall(r'<script type="application/json" id="recorded">(.*?)</script>', html, re.DOTALL)
    recorded = json.loads(text)
    assert [frame["numbers"]["step"] for frame in recorded["games"][0]["frames"]] == [0, 1, 2, 3, 4]
    assert recorded["lesson"]["title"] == LESSONS["cycling"].title


def test_a_replay_of_a_long_game_is_thinned(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advnets.web.play.replay.MOST", 4)
    for _ in range(9):
        ask(session, do="move", player="discriminator")
    text = re.findall(r'id="recorded">(.*?)</script>', replay_html(session.games, session.link), re.DOTALL)[0]
    moves = [frame["numbers"]["d_moves"] for frame in json.loads(text)["games"][0]["frames"]]
    assert moves == [0, 3, 6, 9]
    assert MOST <= 400


SLOW_END = """
import asyncio, os, signal, threading, uvicorn
from advnets.web import Page, serve

end = uvicorn.Server.shutdown

async def end_slowly(server, sockets=None):
    await asyncio.sleep(1)
    await end(server, sockets)
    print("the server has ended", flush=True)

def press_ctrl_c(address):
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()

uvicorn.Server.shutdown = end_slowly
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background are started with SIGINT ignored
try:
    serve(Page(index="play.html"), show=press_ctrl_c)
except KeyboardInterrupt:
    print("the program ends", flush=True)
"""


def test_ctrl_c_ends_the_server_before_the_program() -> None:
    """A server that still runs when the program ends would abort it, or print a traceback."""
    ended = subprocess.run([sys.executable, "-c", SLOW_END], capture_output=True, text=True, timeout=120)
    assert ended.stdout.splitlines() == ["the server has ended", "the program ends"]
    assert ended.stderr == ""
