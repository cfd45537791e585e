"""AlpacaEval's leaderboard from its preferences: win rates as published, with what it lacks, and beside length.

    CONCOURS_DATA=… python benchmarks/alpaca.py

Each preference is two battles against the reference, which weigh what it says. Published figures are those of the data
set `llm-alpaca` (Li et al. 2023, Dubois et al. 2024).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pandas as pd
from scipy.special import expit
from scipy.stats import kendalltau

from concours import rate
from concours.kernels.rating.ratings import ELO

REFERENCE = "the reference"


def battles(folder: Path) -> pd.DataFrame:
    """Two a preference, with the lengths of both texts."""
    told = pd.read_csv(folder / "preferences.csv.gz").assign(model_b=REFERENCE)
    outputs = pd.read_json(folder / "outputs.jsonl.gz", lines=True).assign(length_a=lambda x: x.output.str.len())
    reference = pd.read_json(folder / "instructions.jsonl.gz", lines=True)
    reference = reference.assign(length_b=reference.reference_output.str.len())
    told = told.merge(outputs[["id", "model", "length_a"]], on=["id", "model"])
    told = told.merge(reference[["id", "length_b"]], on="id").rename(columns={"model": "model_a"})
    won, lost = (
        told.assign(winner="model_a", weight=told.preference),
        told.assign(winner="model_b", weight=1 - told.preference),
    )
    return pd.concat([won, lost]).query("weight > 0")


def main() -> None:
    folder = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "llm-alpaca"
    if not folder.exists():
        sys.exit(f"{folder} is not there: set CONCOURS_DATA")
    published, rows = pd.read_csv(folder / "golden-leaderboard.csv", index_col=0), battles(folder)
    plain = rate(rows, weight="weight", cluster=["id"])
    beside = {line.name: line for line in rate(rows, weight="weight", cluster=["id"], control=["length"]).ratings}
    base, base_beside = next(line.rating for line in plain.ratings if line.name == REFERENCE), beside[REFERENCE].rating
    print("| model | win rate | published | difference | ranks | tier | at equal length | published |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    ours, theirs, worst = [], [], 0.0
    for line in plain.ratings:
        if line.name == REFERENCE:
            print(f"| {REFERENCE} | | | | {line.rank_best}–{line.rank_worst} | {line.tier} | | |")
            continue
        share, known = 100 * expit((line.rating - base) / ELO), published.loc[line.name]
        equal = 100 * expit((beside[line.name].rating - base_beside) / ELO)
        ours.append(equal)
        theirs.append(known.length_controlled_winrate)
        worst = max(worst, abs(share - known.win_rate))
        ranks, published_equal = f"{line.rank_best}–{line.rank_worst}", known.length_controlled_winrate
        print(
            f"| {line.name} | {share:.4f}% | {known.win_rate:.4f}% | {share - known.win_rate:+.1e} | "
            f"{ranks} | {line.tier} | {equal:.1f}% | {published_equal:.1f}% |"
        )
    print(
        f"\nGreatest difference of a win rate: {worst / 100:.1e}. At equal length Kendall's tau with the published is ",
        end="",
    )
    print(f"{kendalltau(ours, theirs).statistic:.2f}.")


if __name__ == "__main__":
    main()
