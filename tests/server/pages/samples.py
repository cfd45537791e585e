"""Sample values of every page: what services give, with long names, many rows, and nothing at all.

`pages(text)` gives each template with values in which every text that people write is `text(what)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace as Value
from typing import Any

from markupsafe import Markup

from concours.report.axis import linear
from concours.report.figures import Curve, Plane
from concours.server.web.pages.forms import EMPTY, Form
from concours.server.web.pages.lists import Pages
from concours.server.web.pages.rendering import Head, rendered
from concours.server.web.pages.shown_board import History, Line, Shown, Together

AT = "2026-11-28T09:30:00.000000+00:00"
LATER = "2027-02-28T23:59:00.000000+00:00"
SAID = {
    "title": "Heart disease from a blood test",
    "subtitle": "Say from eleven numbers of a blood test whether a heart is ill, as surely as a cardiologist does.",
    "team": "The left ventricles",
    "display": "Ada Larsen",
    "message": "more trees, and the age as it is",
    "reason": "row 17: 'maybe' is no number; expected a probability in column ill",
}


def said(what: str) -> str:
    """A text as people write it."""
    return SAID.get(what, f"a {what} of somebody")


def phase(text: Callable[[str], str], key: str, state: str, number: int) -> Value:
    return Value(
        id=number, key=key, title=text("phase"), state=state, begins=AT, ends=LATER if state != "waiting" else "",
        board="visible", takes=("predictions", "code"), limits={"per_day": 5, "total": 50, "seconds": 3600.0, "memory_gb": 4.0, "disk_gb": 2.0},
        hand_over=number == 1, rows=10_000, public_rows=3_000, id_column="patient", columns=("patient", text("column")), inputs="data/test.csv",
    )  # fmt: skip


def competition(text: Callable[[str], str], **more: Any) -> Value:
    """A `services.competitions.Full`."""
    base: dict[str, Any] = {
        "slug": "heart", "title": text("title"), "subtitle": text("subtitle"), "kind": "board", "state": "published", "stage": "open",
        "visibility": "all", "licence": text("licence"), "contact": text("contact"), "guard": "ladder", "alliance": True, "task": "tabular-classification",
        "target": text("target"), "hosts": (Value(name="grace", display=text("display")),),
        "pages": (Value(key="about", title=text("page"), text=""), Value(key="faq", title=text("page 2"), text=""), Value(key="rules", title="Rules", text="")),
        "rules": True, "phases": (phase(text, "warm-up", "closed", 1), phase(text, "main", "open", 2), phase(text, "final", "waiting", 3)), "phase": "main",
        "boards": (Value(key="main", title=text("board"), metrics=("roc_auc", "log_loss"), rank="first metric", hidden=False),),
        "metrics": (Value(name=text("metric"), greater_is_better=True),),
        "files": (Value(path="data/train.csv", digest="sha256:" + "ef" * 32, bytes=18_400_000, rows=40_000, columns=12), Value(path="data/" + text("file"), digest="sha256:" + "ef" * 32, bytes=312, rows=None, columns=None)),
        "team_size": 4, "merge_until": "", "people": 231, "teams": 118, "hosting": True, "member": True, "created": AT, "published": AT, "closed": "",
    }  # fmt: skip
    return Value(**{**base, **more})


def board(text: Callable[[str], str], lines: int = 12, **more: Any) -> Shown:
    """A board as its page shows it."""

    def line(n: int) -> Line:
        score = 0.94 - 0.012 * n
        base = n == 7
        return Line(
            team=None if base else n + 1, name=text("team") if n % 3 else f"Team {n}", people=text("people") if n % 2 else "", baseline=base,
            place=None if base else n + 1 - (n > 7), move=(2, 0, -1)[n % 3], possible=f"{max(1, n - 1)}–{n + 3}", score=f"{score:.4f}",
            ends=f"[{score - 0.01:.4f}, {score + 0.01:.4f}]", said=f"{score:.4f}", at=90 - 6.5 * n, low=84 - 6.5 * n, high=96 - 6.5 * n,
            others=(f"{0.2 + 0.01 * n:.4f}",), entries=str(40 - n), last=AT,
        )  # fmt: skip

    axis = linear("d", [0, 10], fit=True)
    scores = linear("roc_auc", [0.8, 0.95])
    curves = tuple(
        Curve(
            name=f"Team {n}",
            points=((0.0, 10.0 + 5 * n), (40.0, 10.0 + 5 * n), (40.0, 60.0 + 5 * n), (100.0, 60.0 + 5 * n)),
            hue=n,
        )
        for n in range(5)
    )
    values: dict[str, Any] = {
        "root": "/c/heart", "part": "private", "metric": "roc_auc", "better": True, "by_ranks": False, "others": ("log_loss",),
        "lines": tuple(line(n) for n in range(lines)),
        "joint": Together(team=None, name="", members=5, gain="+0.0104", score="0.9512", ends="[0.9421, 0.9603]", said="0.9512", at=96.0, low=91.0, high=100.0, others=("0.1804",)),
        "missing": (Line(team=99, name=text("team"), people=text("people"), reason=text("reason")),),
        "moves": True, "voted": False, "guarded": True, "found_by": "", "pages": Pages(page=1, pages=3, before="/c/heart/board?page="),
        "rescores": (Value(at=AT, why=text("why"), phase="main", problem="sha256:1", moves=(Value(team=3, name=text("team"), before=3, after=1),)), Value(at=AT, why=text("why"), phase="main", problem="sha256:1", moves=None)),
        "history": History(plane=Plane(x=axis, y=scores, curves=curves), keys=tuple((n, text("team")) for n in range(5))),
    }  # fmt: skip
    return Shown(**{**values, **more})


def submission(text: Callable[[str], str], state: str = "scored", id: int = 41, **more: Any) -> Value:
    """A `services.submissions.Submission`."""
    scored = state == "scored"
    base: dict[str, Any] = {
        "id": id, "competition": "heart", "phase": "main", "team": 1, "team_name": text("team"), "by": "ada", "name": text("entry"), "brings": "predictions", "at": AT,
        "state": state, "final": id % 2 == 1 and scored, "charged": True, "called": text("file"), "size": 240_000, "digest": "sha256:" + "ab" * 32, "message": text("message"),
        "reason": text("reason") if state == "failed" else "", "metrics": {"roc_auc": 0.9312, "log_loss": 0.2113} if scored else {}, "intervals": {"roc_auc": (0.9201, 0.9423)},
        "private": {"roc_auc": 0.9254, "log_loss": None} if scored else {}, "private_intervals": {"roc_auc": (0.91, 0.94)},
    }  # fmt: skip
    return Value(**{**base, **more})


def left(**more: Any) -> Value:
    """A `services.limits.Left`."""
    return Value(
        **{
            "phase": "main",
            "used_today": 2,
            "used": 12,
            "per_day": 5,
            "total": 50,
            "left": 3,
            "next_at": None,
            "why": "",
            **more,
        }
    )


def form(text: Callable[[str], str], *names: str) -> Form:
    """A form that was refused, with what was typed."""
    return Form(
        typed={name: text(name) for name in names},
        faults={names[0]: text("fault")} if names else {},
        fault=text("refusal"),
    )


def settings_form(text: Callable[[str], str]) -> Form:
    typed = {
        "title": text("title"),
        "slug": "heart",
        "phases.0.title": text("phase"),
        "phases.0.key": "main",
        "phases.0.begins": AT,
        "phases.1.title": text("phase"),
        "phases.1.key": "final",
        "boards.0.title": text("board"),
        "boards.0.key": "main",
        "boards.0.metrics": "roc_auc, log_loss",
        "baselines.0.name": text("baseline"),
        "scorer": text("scorer"),
        "task.more": text("more"),
        "alliance.shown": "yes",
    }
    return Form(typed=typed, faults={"phases.0.begins": text("fault")}, fault=text("refusal"))


def pages(text: Callable[[str], str] = said) -> Mapping[str, tuple[str, dict[str, Any]]]:
    """Every page: its template and values, by a name."""
    c = competition(text)
    listed = Value(
        slug="heart",
        title=text("title"),
        subtitle=text("subtitle"),
        kind="board",
        state="published",
        stage="open",
        visibility="all",
        begins=AT,
        ends=LATER,
        teams=118,
        hosting=False,
        member=True,
    )
    others = [
        Value(
            **{
                **vars(listed),
                "stage": s,
                "member": False,
                "hosting": s == "draft",
                "kind": k,
                "slug": f"{s}-{n}",
                "state": "draft" if s == "draft" else "published",
            }
        )
        for n, (s, k) in enumerate((("coming", "board"), ("finished", "arena"), ("open", "board"), ("draft", "board")))
    ]
    profile = Value(id=1, name="ada", display=text("display"), about=text("about"), administrator=True, created=AT)
    account = Value(**vars(profile), email=text("email"), password=True, openid=True, disabled=None)
    kept = Value(**{**vars(account), "name": "bob", "disabled": AT, "administrator": False})
    member = Value(name="ada", display=text("display"), leader=True)
    asked = Value(id=3, team=4, team_name=text("team"), user="ada", other="", by="bob", at=AT)
    merge = Value(**{**vars(asked), "id": 4, "user": "", "other": text("team")})
    team = Value(
        id=1,
        name=text("team"),
        members=(member, Value(name="bob", display=text("display"), leader=False)),
        alliance=True,
        created=AT,
        entries=9,
        most=4,
        merge_until=None,
        asks=(asked,),
        asked=(merge,),
    )
    token = Value(id=1, name=text("token"), scopes=("read", "submit"), created=AT, ends=None, used=AT)
    post = Value(
        id=1,
        title=text("topic"),
        text=text("post"),
        by="ada",
        display=text("display"),
        at=AT,
        edited=AT,
        deleted=False,
        host=True,
        mine=True,
    )
    topic = Value(id=1, title=text("topic"), by="ada", display=text("display"), at=AT, last=AT, replies=3)
    declared = Value(
        slug="heart",
        settings={},
        version=3,
        state="draft",
        checked={"reading": (text("reading"),), "warnings": (text("warning"),)},
        complaint=text("complaint"),
    )
    file = Value(path="truth/" + text("file"), digest="sha256:" + "cd" * 32, size=10_000, public=False, at=AT)
    pager = Pages(page=2, pages=5, before="?page=")
    desk = {"c": c, "form": EMPTY}
    alliance = Value(
        lead=text("lead"), score="0.9512", best="0.9400", gain="+0.0104 ± 0.0021", unsure=True, zero=10.0,
        members=tuple(Value(team=n or None, name=text("team"), weight=f"{0.4 - 0.05 * n:.2f}", credit=f"0.00{4 - n}1 ± 0.0008", at=10.0, length=70 - 15 * n, low=60 - 15 * n, high=90 - 15 * n, share=f"{40 - 10 * n}%", without="0.0020") for n in range(4)),
        grid=[Value(name=text("team"), cells=[Value(text=f"{0.8 - abs(a - b) * 0.4:.2f}" if a != b else "", depth=8 - abs(a - b) * 4) for b in range(4)]) for a in range(4)],
    )  # fmt: skip
    ways = (
        Value(title=text("phase"), address="?phase=main", here=True),
        Value(title=text("phase"), address="?phase=final", here=False),
    )
    on_board = {
        "c": c,
        "phases": ways,
        "boards": ways[:1],
        "parts_of": (),
        "hidden": "",
        "phase": c.phases[1],
        "board_key": "main",
        "part": "public",
        "find": text("find"),
        "links": Value(csv="/b.csv", json="/b.json", embed="http://127.0.0.1/embed/heart"),
        "mine": Value(address="#team-2", place=2, score="0.9280"),
        "version": "1.2.3",
        "team": 2,
    }
    battle = Value(id=9, prompt=text("prompt"), left=text("answer"), right=text("answer"), left_today=20)
    operation = Value(
        method="POST",
        path="/api/competitions/{competition}/submissions",
        summary="Submit.",
        description="Takes a file.",
        parameters=(Value(name="competition", place="path", type="string", required=True, description=""),),
        body="multipart/form-data",
        answers=(("201", "made"),),
    )
    return {
        "home": ("home", {"search": "", "shown": [Value(key="mine", title="Yours", competitions=[listed, others[3]], total=2), Value(key="open", title="Open", competitions=[listed, others[2]], total=40), Value(key="coming", title="Coming", competitions=others[:1], total=1), Value(key="finished", title="Finished", competitions=others[1:2], total=1)]}),
        "home, empty": ("home", {"search": text("search"), "shown": []}),
        "overview": ("overview", {"c": c, "page": Value(key="about", title=text("page"), text=text("markdown"))}),
        "overview, visitor": ("overview", {"c": competition(text, hosting=False, member=False), "page": None}),
        "data": ("data", {"c": c, "page": Value(key="data", title=text("page"), text=text("markdown")), "files": c.files, "address": "http://127.0.0.1:8000"}),
        "rules": ("rules", {"c": competition(text, member=False, hosting=False), "text": text("rules"), "accepted": "", "version": "", "holds": False, "form": form(text, "accept")}),
        "rules, member": ("rules", {"c": c, "text": "", "accepted": AT, "version": "", "holds": True, "form": EMPTY}),
        "board": ("board", {**on_board, "body": ""}),
        "board, hidden": ("board", {**on_board, "hidden": text("hidden"), "body": ""}),
        "alliance": ("alliance", {"c": c, "phase": c.phases[1], "a": alliance, "team": team, "why": ""}),
        "alliance, none": ("alliance", {"c": c, "phase": c.phases[1], "a": None, "team": None, "why": text("why")}),
        "submit": ("submit", {"c": c, "phase": c.phases[1], "refused": "", "limits": left(), "open_phases": c.phases[1:], "sample": f"patient,ill\n1,0.5\n{text('sample')}", "most": 2 << 30, "form": form(text, "file", "message")}),
        "submit, closed": ("submit", {"c": c, "phase": None, "refused": text("refusal"), "limits": None, "open_phases": (), "sample": "", "most": 1, "form": EMPTY}),
        "submissions": ("submissions", {"c": c, "phase": c.phases[1], "lines": [submission(text, s, n) for n, s in enumerate(("running", "waiting", "scored", "scored", "failed", "stopped"), 41)], "over": True, "may_choose": True, "finals": 2, "picked": {43}, "metric": "roc_auc", "limits": left(), "topics": "submission 41,submission 42", "form": EMPTY}),
        "submissions, none": ("submissions", {"c": c, "phase": c.phases[1], "lines": [], "over": False, "may_choose": False, "finals": 2, "picked": (), "metric": "roc_auc", "limits": left(left=0, why=text("why"), next_at=LATER), "topics": "", "form": form(text)}),
        "submission": ("submission", {"c": c, "s": submission(text), "own": True, "place": 3, "progress": None, "told": {}, "log": text("log") * 40, "cut": True, "older": (Value(problem="sha256:" + "12" * 32, metrics={text("metric"): 0.91}),), "receipt": (("task", "sha256:" + "34" * 32), ("predictions", "sha256:" + "ab" * 32))}),
        "submission, running": ("submission", {"c": c, "s": submission(text, "running"), "own": True, "place": None, "progress": 0.4, "told": {"epoch": 3.0}, "log": "epoch 1\nepoch 2", "cut": False, "older": (), "receipt": ()}),
        "submission, failed": ("submission", {"c": c, "s": submission(text, "failed"), "own": True, "place": None, "progress": None, "told": {}, "log": None, "cut": False, "older": (), "receipt": ()}),
        "discussion": ("discussion", {"c": c, "topics": [topic] * 5, "pages": pager, "may_post": True, "form": form(text, "title", "text")}),
        "discussion, visitor": ("discussion", {"c": competition(text, hosting=False, member=False), "topics": [], "pages": pager, "may_post": False, "form": EMPTY}),
        "topic": ("topic", {"c": c, "posts": [post, Value(**{**vars(post), "id": 2}), Value(**{**vars(post), "id": 3, "deleted": True, "mine": False})], "may_post": True, "form": EMPTY}),
        "team": ("team", {"c": c, "t": team, "own": True, "leading": True, "mail": True, "invitations": (merge, asked), "form": form(text, "name", "user", "team")}),
        "team, other": ("team", {"c": c, "t": team, "own": False, "leading": False, "mail": False, "invitations": (), "form": EMPTY}),
        "profile": ("profile", {"p": profile, "finished": [Value(competition="heart", title=text("title"), team=text("team"), rank=3, teams=118)]}),
        "account": ("account", {"a": account, "made": "cc_" + "x" * 43, "profile": form(text, "display", "email", "about"), "password": EMPTY, "token": form(text, "name"), "tokens": [token], "scopes": ("read", "submit", "write", "host", "work")}),
        "login": ("sign_in", {"next": "/", "form": form(text, "name"), "openid": text("provider"), "registration": True}),
        **{f"register, {why}": ("register", {"why": why, "refused": "", "next": "/", "action": "/register", "form": form(text, "name", "display", "email")}) for why in ("register", "first", "recovery", "invitation")},
        "register, closed": ("register", {"why": "register", "refused": text("refusal"), "next": "/", "action": "/register", "form": EMPTY}),
        "hosting": ("hosting", {"listed": [listed, others[3]], "form": form(text, "title", "slug"), "folder": form(text)}),
        "host": ("host_overview", {**desk, "d": declared}),
        "host, published": ("host_overview", {**desk, "d": Value(**{**vars(declared), "state": "published", "complaint": ""})}),
        "host settings": ("host_settings", {**desk, "form": settings_form(text), "kinds": [("tabular-classification", "tabular-classification"), (text("kind"), text("kind"))], "version": 3, "arena": False, "counts": {"phases": 2, "boards": 1, "baselines": 1}}),
        "host settings, arena": ("host_settings", {**desk, "form": settings_form(text), "kinds": [("tabular-classification", "tabular-classification"), (text("kind"), text("kind"))], "version": 3, "arena": True, "counts": {"phases": 1, "boards": 0, "baselines": 0}}),
        "host pages": ("host_pages", {**desk, "pages": c.pages, "page": c.pages[0], "look": True, "form": Form(typed={"title": text("title"), "text": text("markdown")})}),
        "host files": ("host_files", {**desk, "files": [file, Value(**{**vars(file), "path": "data/train.csv", "public": True})]}),
        "host people": ("host_people", {**desk, "form": form(text, "user", "why"), "search": text("search"), "people": [Value(user="ada", display=text("display"), team=text("team"), submissions=12, joined=AT, latest=AT, mail=text("mail"))] * 3, "removed": [Value(user="bob", by="grace", at=AT, why=text("why"))], "pages": pager}),
        "host queue": ("host_queue", {**desk, "lines": [submission(text, s) for s in ("running", "failed", "scored")], "metric": "roc_auc", "more": True}),
        "host rescore": ("host_rescore", {**desk, "truths": [("truth/test.csv", "truth/test.csv")], "corrections": [Value(at=AT, by="ada", why=text("why"), state="refused", complaint=text("complaint"))], "rescores": [Value(phase="main", at=AT, why=text("why"), moves=(Value(team=3, name=text("team"), before=3, after=1),)), Value(phase="main", at=AT, why=text("why"), moves=None)]}),
        "host suspicions": ("host_suspicions", {**desk, "found": [Value(phase=text("phase"), kind=kind, teams=(text("team"), text("team")), submissions=(3, 4), value=0.97, detail={"agree": 0.9, "reason": text("reason")}) for kind in ("file", "address", "alike", "gap", "failed")]}),
        "host voters": ("host_voters", {**desk, "c": competition(text, kind="arena"), "form": form(text, "voter"), "arena": Value(phase="main", votes=1200, voters=tuple(Value(id=n, name=text("display"), votes=40 * n, as_if=as_if, log10_evidence=3.2) for n, as_if in ((7, "at random"), (8, "against the crowd"))))}),
        "host voters, none": ("host_voters", {**desk, "c": competition(text, kind="arena"), "arena": Value(phase="", votes=0, voters=())}),
        "admin": ("admin_health", {"form": EMPTY, "numbers": [("waiting", "3"), ("free", "2.1 GB")], "checks": [Value(name="database", state="well", words="sqlite"), Value(name="workers", state="look", words=text("failure")), Value(name="disk", state="bad", words=text("failure"))], "kept": [Value(competition="heart", files=10**9, submissions=10**6)]}),
        "admin users": ("admin_users", {"form": EMPTY, "link": "http://127.0.0.1/links/x", "like": text("like"), "people": [account, kept], "more": True}),
        "admin workers": ("admin_workers", {"form": EMPTY, "address": "http://127.0.0.1", "workers": [Value(name=text("worker"), of=text("token"), version="0.1.0", seen=AT, there=False, sandbox=text("reason"), does=(text("job"),))], "tokens": [Value(id=1, name=text("token"), of="ada", created=AT, used="")]}),
        "admin queue": ("admin_queue", {"form": EMPTY, "jobs": [Value(slug="heart", id=4, title=text("title"), team=text("team"), state="running", at=AT)]}),
        "admin settings": ("admin_settings", {"form": EMPTY, "choices": [Value(name="registration", value="open", allowed=("open", "invitation", "closed")), Value(name="name", value=text("name"), allowed=())], "told": [("data", text("folder"))]}),
        "admin audit": ("admin_audit", {"form": EMPTY, "whole": True, "lines": [Value(number=2, at=AT, actor=text("actor"), action="team.rename", subject=text("subject"), detail=text("detail"))], "more": True}),
        "vote": ("vote", {"c": competition(text, kind="arena"), "battle": battle, "last": Value(outcome="left", left=text("entry"), right=text("entry")), "refused": ""}),
        "vote, none": ("vote", {"c": competition(text, kind="arena"), "battle": None, "last": None, "refused": text("refusal")}),
        "error": ("error", {"status": 404, "title": "Not found", "reason": text("reason"), "request_id": "0123456789abcdef"}),
        "api": ("api", {"groups": [("competitions", (operation,) * 3)]}),
        "embed": ("embed", {"title": text("title"), "address": "http://127.0.0.1/c/heart/board", "body": ""}),
    }  # fmt: skip


def drawn(name: str, head: Head, text: Callable[[str], str] = said) -> str:
    """A page as HTML."""
    template, values = pages(text)[name]
    if "body" in values:
        values = {**values, "body": Markup(rendered("board_body", head, b=board(text)))}
    return rendered(template, head, **values)
