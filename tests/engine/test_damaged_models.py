"""Models that somebody has changed, under a right digest: each is used or refused in one line, and none ends a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = '''
import io, json, random, sys, warnings, zipfile
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier
from concours.stores.blobs import put_bundle
from concours.stores.disk import DiskStore
from concours.core.archive import unzipped
from concours.core.digests import canonical_json, digest_json
from concours.core.entrant import Candidate, Entrant
from concours.core.errors import ConcoursError
from concours.core.job import Job
from concours.engine.prediction import Predictor
from concours.entrants.fitting import fit
from concours.tasks.outputs.classes import Classes
from concours.entrants.models import dump_model

MODELS = [DecisionTreeClassifier(random_state=0), RandomForestClassifier(2, random_state=0), GaussianNB(),
          HistGradientBoostingClassifier(max_iter=2, random_state=0), KNeighborsClassifier(algorithm="kd_tree")]
ODD = [None, [], {}, "", "sha256:", "/etc/passwd", -1, 1e300, True, [[]], {"a": None}]
warnings.simplefilter("ignore")
rng, x = random.Random(int(sys.argv[2])), np.random.default_rng(0).normal(size=(60, 3))
y, store = (x[:, 0] > 0).astype(np.int64), DiskStore(sys.argv[1])


def flipped(content):
    content = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        content[rng.randrange(len(content))] ^= rng.randint(1, 255)
    return bytes(content)


def inside(content):
    """The archive in the bundle, with one of its files damaged."""
    files, buffer = unzipped(content), io.BytesIO()
    name = rng.choice(sorted(files))
    files[name] = flipped(files[name]) if rng.random() < 0.7 else odd(files[name])
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def odd(content):
    """JSON with one value of it replaced."""
    try:
        value = json.loads(content)
    except ValueError:
        return flipped(content)
    at, places = value, []
    while isinstance(at, (dict, list)) and at:
        places.append((at, key := rng.choice(list(at) if isinstance(at, dict) else range(len(at)))))
        at = at[key]
    holder, key = rng.choice(places)
    holder[key] = rng.choice(ODD)
    return json.dumps(value).encode()


def damaged(files):
    name = rng.choice(sorted(files))
    way = rng.choice([flipped, odd, lambda content: content[: len(content) // 2], None])
    way = inside if name == "model.skops" and rng.random() < 0.8 else way
    return {**files, name: way(files[name])} if way else {n: c for n, c in files.items() if n != name}


used = refused = 0
for model in MODELS:
    format, files, _ = dump_model(fit(model, x, y, 2, calibrate=False))
    job = Job(runner="fit", inputs={"x": digest_json("x")}, params={"recipe": "tree", "params": {}, "output": {"name": "classes", "classes": 2}})
    files = {**files, "manifest.json": canonical_json({"format": format, "why_refit": "", "job": job.to_json()})}
    for _ in range(int(sys.argv[3])):
        digest = put_bundle(store, damaged(files))
        try:
            Predictor(store, Classes(classes=2), {}, x).predict(Candidate(entrant=Entrant(name="it", recipe="tree"), models=(digest,)))
            used += 1
        except ConcoursError as error:
            assert "\\n" not in str(error), error
            refused += 1
print(used, refused)
'''


@pytest.mark.parametrize("seed", range(3))
def test_a_changed_model_is_used_or_refused(seed: int, tmp_path: Path) -> None:
    """Bytes flipped in any of its files, files cut or missing, odd values in their JSON: nothing but our own errors."""
    words = [sys.executable, "-c", SCRIPT, str(tmp_path), str(seed), "30"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    used, refused = map(int, ended.stdout.split())
    assert used + refused == 150
    assert refused > 50
