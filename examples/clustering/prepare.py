"""Customers of a Portuguese bank (Moro, Cortez and Rita 2014), from `CONCOURS_DATA`, without what they were to buy.

    python examples/clustering/prepare.py

8,237 customers who were telephoned between 2008 and 2010. `data/customers.csv` gets who they are (age, job, marital
status, education, loans) and how they were reached (by which telephone, how often, how an earlier campaign went).
What is left out is no part of a customer: the state of the economy on the day of the call, its month and weekday, how
long it lasted, and whether the deposit was bought.
"""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

SOURCE = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "tab-bank-marketing" / "bank_marketing_test.csv.gz"
OUT = Path(__file__).parent / "data" / "customers.csv"
KEPT = ["age", "job", "marital", "education", "housing", "loan", "contact", "campaign", "previous", "poutcome"]


def main() -> None:
    customers = pd.read_csv(SOURCE)[KEPT]
    OUT.parent.mkdir(exist_ok=True)
    customers.to_csv(OUT, index=False)
    print(f"{len(customers):,} customers are in {OUT}")  # noqa: T201


if __name__ == "__main__":
    main()
