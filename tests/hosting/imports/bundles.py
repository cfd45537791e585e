"""Small competitions of other platforms, made for the tests in the forms that are met."""

from __future__ import annotations

import io
import textwrap
import zipfile
from collections.abc import Mapping
from pathlib import Path


def laid(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        data = textwrap.dedent(content).encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data)
    return folder


def packed(files: Mapping[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, textwrap.dedent(content) if isinstance(content, str) else content)
    return file.getvalue()


SCORE = """
    import json, sys
    given, output = sys.argv[1:3]
    truth = dict(line.split(",") for line in open(f"{given}/ref/truth.csv").read().split()[1:])
    said = dict(line.split(",") for line in open(f"{given}/res/answers.csv").read().split()[1:])
    right = sum(said.get(id) == label for id, label in truth.items()) / len(truth)
    json.dump({"right": right, "wrong": 1 - right}, open(f"{output}/scores.json", "w"))
"""
TRUTH = "id,label\n" + "".join(f"{row},{'ab'[row % 2]}\n" for row in range(20))
ANSWERS = "id,label\n" + "".join(f"{row},{'ab'[row % 3 == 0]}\n" for row in range(20))

CODABENCH = {
    "competition.yaml": """
        version: 2
        title: Letters
        description: Say which letter it is.
        image: logo.png
        docker_image: codalab/codalab-legacy:py37
        terms: pages/terms.md
        pages:
          - {title: Data, file: pages/data.md}
        tasks:
          - {index: 0, name: Letters, reference_data: reference, scoring_program: scoring}
        phases:
          - index: 0
            name: First round
            start: 2027-01-01
            end: 2027-02-01 12:00:00
            tasks: [0]
            max_submissions: 50
            max_submissions_per_day: 5
            execution_time_limit: 300
            public_data: public
          - {index: 1, name: Last round, start: 2027-02-01 12:00:00, tasks: [0], auto_migrate_to_this_phase: true}
        solutions:
          - {index: 0, path: solution, tasks: [0]}
        leaderboards:
          - title: Results
            key: results
            columns:
              - {title: Right, key: right, index: 0, sorting: desc}
              - {title: Wrong, key: wrong, index: 1, sorting: asc}
              - {title: Mean, key: mean, index: 2, computation: avg, computation_indexes: [0, 1]}
    """,
    "logo.png": b"\x89PNG",
    "pages/terms.md": "# Terms\n\nBe fair.\n",
    "pages/data.md": "# Data\n\nLetters.\n",
    "reference/truth.csv": TRUTH,
    "scoring/metadata.yaml": "command: python3 /app/program/score.py /app/input /app/output\n",
    "scoring/score.py": SCORE,
    "public/letters.csv": "id\n0\n1\n",
    "solution/answers.csv": ANSWERS,
}

EVALAI = {
    "challenge_config.yaml": """
        title: Words
        short_description: Say the word.
        description: templates/description.html
        terms_and_conditions: templates/terms.html
        evaluation_script: evaluation_script.zip
        remote_evaluation: false
        tags: [words]
        start_date: 2027-01-01 00:00:00
        end_date: 2027-06-01 23:59:59
        leaderboard:
          - id: 1
            schema: {"labels": ["Loss", "Right"], "default_order_by": "Right", "metadata": {"Loss": {"sort_ascending": true}}}
        challenge_phases:
          - id: 1
            name: Dev
            codename: dev
            test_annotation_file: annotations/dev.txt
            is_public: true
            leaderboard_public: true
            max_submissions_per_day: 5
            max_submissions_per_month: 50
            max_submissions: 100
          - {id: 2, name: Test, codename: test, test_annotation_file: annotations/test.txt, leaderboard_public: false}
        dataset_splits:
          - {id: 1, name: Dev, codename: dev-split}
          - {id: 2, name: Test, codename: test-split}
        challenge_phase_splits:
          - {challenge_phase_id: 1, leaderboard_id: 1, dataset_split_id: 1, visibility: 3}
          - {challenge_phase_id: 2, leaderboard_id: 1, dataset_split_id: 1, visibility: 3}
          - {challenge_phase_id: 2, leaderboard_id: 1, dataset_split_id: 2, visibility: 1}
    """,
    "templates/description.html": "<h1>Words</h1>",
    "templates/terms.html": "<p>Be fair.</p>",
    "annotations/dev.txt": "one\ntwo\n",
    "annotations/test.txt": "one\ntwo\nthree\nfour\n",
    "evaluation_script.zip": packed(
        {
            "__init__.py": "from .main import evaluate\n",
            "main.py": """
                def evaluate(test_annotation_file, user_submission_file, phase_codename, **kwargs):
                    truth = open(test_annotation_file).read().split()
                    said = open(user_submission_file).read().split()
                    right = sum(a == b for a, b in zip(truth, said)) / len(truth)
                    found = {"Loss": 1 - right, "Right": right}
                    if phase_codename == "dev":
                        return {"result": [{"dev-split": found}]}
                    return {"result": [{"dev-split": found}, {"test-split": found}]}
            """,
        }
    ),
}

METRIC = '''
    """How near numbers are."""
    import pandas as pd
    import pandas.api.types


    class ParticipantVisibleError(Exception):
        pass


    def score(solution: pd.DataFrame, submission: pd.DataFrame, row_id_column_name: str) -> float:
        """The mean absolute error, turned so that more is better."""
        del solution[row_id_column_name]
        del submission[row_id_column_name]
        if not pandas.api.types.is_numeric_dtype(submission["y"]):
            raise ParticipantVisibleError("y must be numbers")
        return -float((solution["y"] - submission["y"]).abs().mean())
'''
KAGGLE = {
    "near.py": METRIC,
    "solution.csv": "row,y,Usage\n"
    + "".join(f"{row},{row / 2},{'Public' if row % 3 else 'Private'}\n" for row in range(12)),
    "train.csv": "row,x,y\n100,1,1\n",
    "sample_submission.csv": "row,y\n" + "".join(f"{row},0\n" for row in range(12)),
}
MLEBENCH = {
    "config.yaml": """
        id: plants
        name: Plants
        competition_type: simple
        dataset: {answers: plants/prepared/private/test.csv, sample_submission: plants/prepared/public/sample_submission.csv}
        grader: {name: mae, grade_fn: "mlebench.competitions.plants.grade:grade"}
    """,
    "grade.py": """
        import pandas as pd
        from mlebench.grade_helpers import InvalidSubmissionError


        def grade(submission: pd.DataFrame, answers: pd.DataFrame) -> float:
            if "y" not in submission.columns:
                raise InvalidSubmissionError("the submission must have a column y")
            return float((submission["y"] - answers["y"]).abs().mean())
    """,
    "leaderboard.csv": "scoreNullable,teamId,score\n0.1,a,0.1\n0.2,b,0.2\n0.9,c,0.9\n",
    "description.md": "# Plants\n\nMeasure them.\n",
    "prepared/private/test.csv": "id,y\n" + "".join(f"{row},{row}\n" for row in range(10)),
    "prepared/public/train.csv": "id,x,y\n1,2,3\n",
}


def _plants(rows: range) -> str:
    return "x,z,y\n" + "".join(f"{row},{row * 7 % 5},{2 * row + row % 3}\n" for row in rows)


RAMP = {
    "problem.py": """
        import os
        import numpy as np
        import pandas as pd
        import rampwf as rw
        from rampwf.score_types.base import BaseScoreType
        from sklearn.model_selection import KFold

        problem_title = "Growth of plants"
        _target_column_name = "y"
        Predictions = rw.prediction_types.make_regression()
        workflow = rw.workflows.Estimator()


        class Worst(BaseScoreType):
            is_lower_the_better = True

            def __init__(self, name="worst", precision=2):
                self.name, self.precision = name, precision

            def __call__(self, y_true, y_pred):
                return np.max(np.abs(y_true - y_pred))


        score_types = [rw.score_types.RMSE(name="rmse", precision=3), Worst(name="worst")]


        def get_cv(X, y):
            return KFold(n_splits=3, shuffle=True, random_state=0).split(X)


        def _read(path, name):
            data = pd.read_csv(os.path.join(path, "data", name))
            return data.drop(columns=_target_column_name), data[_target_column_name].to_numpy()


        def get_train_data(path="."):
            return _read(path, "train.csv")


        def get_test_data(path="."):
            return _read(path, "test.csv")
    """,
    "data/train.csv": _plants(range(40)),
    "data/test.csv": _plants(range(40, 60)),
    "submissions/starting_kit/estimator.py": """
        from sklearn.linear_model import Ridge


        def get_estimator():
            return Ridge()
    """,
}
