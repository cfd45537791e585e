"""Free light chains and how long people live (Dispenzieri et al. 2012), as scikit-survival brings them.

    python examples/survival/prepare.py

7,874 people of 50 years and more in one county, followed for up to 14 years; 28% died. `data/flchain.csv` gets their
age, sex, the year of the blood sample, its light chains, creatinine, whether a monoclonal gammopathy was known,
`futime`, the days of follow-up, and `death`. `chapter`, the cause of death, is left out: it is known of the dead alone.
"""

from __future__ import annotations

from pathlib import Path

from sksurv.datasets import load_flchain

OUT = Path(__file__).parent / "data" / "flchain.csv"


def main() -> None:
    people, followed = load_flchain()
    table = people.drop(columns="chapter").assign(
        futime=followed["futime"].astype(int), death=followed["death"].astype(int)
    )
    OUT.parent.mkdir(exist_ok=True)
    table.to_csv(OUT, index=False)
    print(f"{len(table):,} people are in {OUT}")  # noqa: T201


if __name__ == "__main__":
    main()
