"""Hosts' scorers give numbers in the box, and nothing that they do wrong, or know, reaches participants."""

from __future__ import annotations

import io

import pytest

from concours.core.archive import zipped
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.engine.runners import RUNNERS
from concours.engine.sandbox.run import available
from concours.engine.submitted.scorers import numbers_of
from concours.engine.work import execute
from concours.stores.memory import MemoryStore

pytestmark = pytest.mark.skipif(bool(available()), reason=available() or "there is a sandbox")

TRUTH = "id,y,Usage\na,1,Public\nb,2,Public\nc,3,Private\nd,4,Private\n"
SENT = "id,y\nb,2\na,1\nc,3\nd,9\n"

OURS = """
def score(truth, predictions):
    both = truth.merge(predictions, on='id')
    return {'right': (both.y_x == both.y_y).mean(), 'rows': len(both)}
"""
OF_PATHS = """
def score(truth, predictions):
    return {'right': float(truth.read_bytes()[0] == predictions.read_bytes()[0])}
"""
KAGGLE = """
import pandas as pd

class ParticipantVisibleError(Exception):
    pass

def score(solution: pd.DataFrame, submission: pd.DataFrame, row_id_column_name: str, digits: int = 3) -> float:
    assert list(solution.columns) == ['id', 'y'], list(solution.columns)
    if (submission.y < 0).any():
        raise ParticipantVisibleError('y must not be negative')
    return round(float((solution.y == submission.y).mean()), digits)
"""
MLE_BENCH = """
import pandas as pd
from mlebench.grade_helpers import InvalidSubmissionError

def grade(submission: pd.DataFrame, answers: pd.DataFrame) -> float:
    if len(submission) != len(answers):
        raise InvalidSubmissionError('four rows were expected')
    return float(submission.merge(answers, on='id').eval('y_x == y_y').mean())
"""
EVALAI = """
def evaluate(test_annotation_file, user_submission_file, phase_codename, **kwargs):
    right = sum(a.split(',')[1].strip() == b.split(',')[1].strip() for a, b in zip(
        sorted(open(test_annotation_file)), sorted(open(user_submission_file))))
    return {'result': [{'train_split': {'right': right / 5}}, {'test_split': {'right': 1.0}}]}
"""
CODABENCH = """
import json, os, sys
ref, res = open('/app/input/ref/truth.csv').read().split(), open(os.path.join(sys.argv[1], 'res', 'mine.csv')).read().split()
right = sum(line.rsplit(',', 1)[0] in res for line in ref[1:])
json.dump({'right': right / 4, 'duration': 1}, open('/app/output/scores.json', 'w'))
"""
LEGACY = CODABENCH.replace("json.dump({'right': right / 4, 'duration': 1}, open('/app/output/scores.json', 'w'))",
                           "open(sys.argv[2] + '/scores.txt', 'w').write(f'right: {right / 4}')")  # fmt: skip
PROGRAM = "python3 score.py /app/input /app/output"


def _program(text):
    return zipped({"score.py": text.encode(), "metadata.yaml": b"command: x"})


SCORERS = {
    "ours": (OURS, {}, {"right": 0.75, "rows": 4.0}),
    "ours of paths": (OF_PATHS, {"truth_called": "truth.bin", "called": "mine.bin"}, {"right": 1.0}),
    "of Kaggle": (KAGGLE, {}, {"score": 0.75}),
    "of mle-bench": (MLE_BENCH, {}, {"score": 0.75}),
    "of EvalAI": (EVALAI, {}, {"right": 0.8}),
    "a split of EvalAI": (EVALAI, {"split": "test_split"}, {"right": 1.0}),
    "of Codabench": (_program(CODABENCH), {"command": PROGRAM}, {"right": 0.75, "duration": 1.0}),
    "of CodaLab": (_program(LEGACY), {"command": "python $program/score.py $input $output"}, {"right": 0.75}),
}


@pytest.fixture
def score():
    """Scores a file by a scorer."""
    store = MemoryStore()

    def go(scorer, sent=SENT, truth=TRUTH, **params):
        contents = {"scorer": scorer, "truth": truth, "file": sent}
        inputs = {
            name: store.put(io.BytesIO(text if isinstance(text, bytes) else text.encode()))
            for name, text in contents.items()
        }
        called = {
            "called": "mine.csv",
            "truth_called": "truth.csv",
            "scorer_called": "score.py" if isinstance(scorer, str) else "score.zip",
            "seconds": 60,
        }
        return execute(Job(runner="run_scorer", inputs=inputs, params={**called, **params}), store, RUNNERS)

    return go


@pytest.mark.parametrize("name", SCORERS)
def test_each_form_of_scorer_gives_the_numbers_that_it_gives_at_home(name, score):
    scorer, params, numbers = SCORERS[name]
    event = score(scorer, **params)
    assert isinstance(event, Done), event
    assert dict(event.values) == pytest.approx(numbers)


TOLD = {
    "of Kaggle": (KAGGLE, SENT.replace("b,2", "b,-2"), "y must not be negative"),
    "rows that are lacking": (KAGGLE, SENT.replace("b,2\n", ""), "not those that were asked for"),
    "a column that is lacking": (KAGGLE, SENT.replace("id", "key"), "there is no column 'id'"),
    "of mle-bench": (MLE_BENCH, SENT.replace("b,2\n", ""), "four rows were expected"),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_a_scorer_tells_participants_they_are_told(name, score):
    scorer, sent, said = TOLD[name]
    event = score(scorer, sent)
    assert isinstance(event, Failed)
    assert said in event.reason


SECRET = "the-truth-is-4711"
LIARS = {
    "no file": "import sys; sys.exit(0)",
    "a file and a bad code": "import json, sys; json.dump({'right': 1.0}, open('scores.json', 'w')); sys.exit(1)",
    "a signal": "import os; os.kill(os.getpid(), 9)",
    "no JSON": "open('scores.json', 'w').write('{')",
    "not a number": "open('scores.json', 'w').write('{\"right\": NaN}')",
    "no end": "open('scores.json', 'w').write('{\"right\": Infinity}')",
    "a large number": "open('scores.json', 'w').write('{\"right\": 1' + '0' * 400 + '}')",
    "a text": "open('scores.json', 'w').write('{\"right\": \"1.0\"}')",
    "a truth": "open('scores.json', 'w').write('{\"right\": true}')",
    "a list": "open('scores.json', 'w').write('[1.0]')",
    "nothing": "open('scores.json', 'w').write('{}')",
    "too much": "open('scores.json', 'w').write('{' + ','.join(f'\"{n}\": 1' for n in range(999)) + '}')",
    "brackets": "open('scores.json', 'w').write('[' * 100000)",
    "a link": "import os; os.symlink('/truth/truth.csv', 'scores.json')",
    "the truth in a name": "open('scores.json', 'w').write('{\"' + open('/truth/truth.csv').read().strip() + '\\\\n\": 1}')",
    "an error with the truth in it": "raise ValueError(open('/truth/truth.csv').read())",
    "the truth in print": "print(open('/truth/truth.csv').read()); raise SystemExit(open('/truth/truth.csv').read())",
}


@pytest.mark.parametrize("name", LIARS)
def test_a_scorer_that_lies_or_fails_gives_nothing_and_tells_nothing(name, score, capfd):
    """Its failure is the host's, who finds why in the log; participants read that it is not theirs."""
    program = zipped({"score.py": b"import os; os.chdir('/app/output')\n" + LIARS[name].replace("/truth/truth", "/app/input/ref/truth").encode()})  # fmt: skip
    event = score(program, truth=f"{SECRET}\n", command="python3 -S score.py")
    assert isinstance(event, Failed), event
    assert SECRET not in event.reason
    assert "hosts find why in the log" in event.reason
    assert "the scorer failed: " in capfd.readouterr().out


def test_a_scorer_that_takes_too_long_is_ended(score):
    event = score(zipped({"score.py": b"import time; time.sleep(60)"}), command="python3 -S score.py", seconds=0.5)
    assert (event.cause, event.limit) == ("out_of_time", 0.5)


def test_a_scorer_of_no_known_form_is_said_to_be_none(score, capfd):
    assert isinstance(score("x = 1"), Failed)
    assert "has no score(), evaluate(), grade()" in capfd.readouterr().out


def test_a_submission_is_not_run_by_its_scorer(score):
    """A pickle, or Python, that is called a table stays bytes."""
    event = score(OURS, sent=b"\x80\x04cos\nsystem\n(S'touch /tmp/owned'\ntR.")
    assert isinstance(event, Failed)


@pytest.mark.parametrize("content", [b"right: 0.5\nleft: 2", b"right:0.5\n\nleft: 2.0\n"])
def test_scores_of_older_programs_are_lines(content):
    assert numbers_of({"scores.txt": content}).numbers == {"right": 0.5, "left": 2.0}


@pytest.mark.parametrize("content", [b"right: nan", b"right", b"right: x", b""])
def test_lines_that_are_no_numbers_are_wrong(content):
    assert "scores.txt" in numbers_of({"scores.txt": content}).wrong
