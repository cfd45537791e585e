"""Servers, machines and a city's taxis, watched: 24 series of the Numenta Anomaly Benchmark, and when each was strange.

    python examples/anomaly-detection/prepare.py [NAB]

`data/series/<group>/<series>.csv` gets the series as they were published (Ahmad et al. 2017, groups `realAWSCloudwatch`
and `realKnownCause`), with the columns `timestamp` and `value`; `data/windows.json` the windows in which people said
that something was wrong. `data/mammography.csv` gets the features of 11,183 candidates of microcalcifications (Woods et
al. 1993), of which 260 are such, with names of columns and a last one of 0 and 1. All comes from `CONCOURS_DATA`.

With the folder of a copy of github.com/numenta/NAB, `data/others` gets its other series that have anomalies,
by which detectors can be chosen without a look at those above.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import shutil
import sys
import tarfile
from pathlib import Path

SOURCE = Path(os.environ.get("CONCOURS_DATA", "../shared/data"))
OUT = Path(__file__).parent / "data"
OTHERS = ("artificialWithAnomaly", "realAdExchange", "realTraffic", "realTweets")
FEATURES = ("attr1", "attr2", "attr3", "attr4", "attr5", "attr6")


def main() -> None:
    OUT.mkdir(exist_ok=True)
    with tarfile.open(SOURCE / "nab-subset-a" / "series.tar.gz") as archive:
        archive.extractall(OUT / "series", filter="data")
    shutil.copy(SOURCE / "nab-subset-a" / "combined_windows-subset.json", OUT / "windows.json")
    with gzip.open(SOURCE / "tab-mammography" / "mammography.csv.gz", "rt", newline="") as file:
        rows = [[*row[:-1], int(row[-1].strip("'") == "1")] for row in csv.reader(file)]
    with (OUT / "mammography.csv").open("w", newline="") as file:
        csv.writer(file).writerows([[*FEATURES, "calcification"], *rows])
    print(f"24 series and {len(rows):,} rows are in {OUT}")  # noqa: T201
    for nab in map(Path, sys.argv[1:]):
        for group in OTHERS:
            shutil.copytree(nab / "data" / group, OUT / "others" / "series" / group, dirs_exist_ok=True)
        windows = json.loads((nab / "labels" / "combined_windows.json").read_text())
        known = {name: found for name, found in windows.items() if name.partition("/")[0] in OTHERS}
        (OUT / "others" / "windows.json").write_text(json.dumps(known))
        print(f"{len(known)} other series are in {OUT / 'others'}")  # noqa: T201


if __name__ == "__main__":
    main()
