"""Films that people have seen, to be put in the order in which they liked them: a row a film of a person.

    python examples/ranking/prepare.py

Ratings are those of MovieLens 100K (Harper and Konstan 2015, from `CONCOURS_DATA`). A person is a query, and films are
the documents. Half of what a person rated, drawn by chance, is known of them; the other half is to be put in order, by
the stars that they gave, less one. What a row tells of a film and a person is counted here, and never by a rating that
is to be told, nor by one of a person who judges:

- of the film, by what is known of those who are learned from: how many rated it, the mean of their stars, the share of
  five stars, its genre;
- of the person: how many films are known, and their mean;
- of both: what people alike gave it and what the person gave to films alike (cosines of what is known), the mean that
  the person gave to the genre, and a factorisation of ratings, into which the person is folded by what is known.

`data/train.csv` gets 755 people to learn from, `data/test.csv` 188 who judge.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

SOURCE = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "movielens-100k"
OUT = Path(__file__).parent / "data"
NEAREST, FACTORS, RIDGE, SHRUNK = 30, 12, 8.0, 10.0


def likeness(rows: np.ndarray) -> np.ndarray:
    """Cosines of rows (rows, columns) with one another, none with itself, (rows, rows)."""
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    found = unit @ unit.T
    np.fill_diagonal(found, 0.0)
    return found


def weighted(likes: np.ndarray, stars: np.ndarray) -> np.ndarray:
    """(rows, columns) means of deviations (others, columns) by the likeness (rows, others) of the nearest ones."""
    cut = np.sort(likes, axis=1)[:, [-NEAREST]]
    near = np.where(likes >= np.maximum(cut, 1e-9), likes, 0.0)
    return (near @ stars) / (near @ (stars != 0) + 1.0)


def factorised(stars: np.ndarray, known: np.ndarray, learned: np.ndarray) -> np.ndarray:
    """(people, films) by alternating least squares of deviations of those learned from; the others are folded in."""
    rng = np.random.default_rng(0)
    films, people = rng.normal(scale=0.1, size=(stars.shape[1], FACTORS)), np.zeros((len(stars), FACTORS))
    eye = RIDGE * np.eye(FACTORS)
    for _ in range(8):
        for one in range(len(stars)):
            own = films[known[one]]
            people[one] = np.linalg.solve(own.T @ own + eye, own.T @ stars[one, known[one]])
        for one in range(stars.shape[1]):
            who = known[:, one] & learned
            own = people[who]
            films[one] = np.linalg.solve(own.T @ own + eye, own.T @ stars[who, one])
    return people @ films.T


def main() -> None:
    """Writes the two files."""
    rng = np.random.default_rng(0)
    ratings = pd.read_csv(SOURCE / "ratings.csv.gz")
    items = pd.read_csv(SOURCE / "items.csv.gz").set_index("itemId")
    person, who = pd.factorize(ratings["userId"], sort=True)
    film, what = pd.factorize(ratings["itemId"], sort=True)
    is_known = rng.random(len(ratings)) < 0.5
    learned = np.ones(len(who), dtype=bool)
    learned[rng.permutation(len(who))[: len(who) // 5]] = False

    shape = (len(who), len(what))
    stars, known = np.zeros(shape), np.zeros(shape, dtype=bool)
    stars[person[is_known], film[is_known]] = ratings["rating"].to_numpy()[is_known]
    known[person[is_known], film[is_known]] = True
    counts = known.sum(axis=1)
    whole = stars[known & learned[:, None]].mean()
    means = (stars.sum(axis=1) + SHRUNK * whole) / (counts + SHRUNK)
    apart = np.where(known, stars - means[:, None], 0.0)
    taught = apart * learned[:, None]
    rated = (known & learned[:, None]).sum(axis=0)

    likes_people = likeness(apart)
    likes_people[:, ~learned] = 0.0
    by_people = weighted(likes_people, apart)
    by_films = weighted(likeness(taught.T), apart.T).T
    factors = factorised(apart, known, learned)
    genres, names = pd.factorize(items.loc[what, "genre"].fillna("unknown"))
    one_hot = np.eye(len(names))[genres]
    of_genre = (apart @ one_hot) / (known @ one_hot + 3.0)

    p, f = person[~is_known], film[~is_known]
    table = pd.DataFrame(
        {
            "query": who[p],
            "film": items.loc[what[f], "title"].to_numpy(),
            "rated": rated[f],
            "mean": ((taught.sum(axis=0) / (rated + SHRUNK)) + whole)[f].round(4),
            "fives": ((stars * learned[:, None] == 5).sum(axis=0) / np.maximum(rated, 1))[f].round(4),
            "genre": names.to_numpy()[genres[f]],
            "known": counts[p],
            "own_mean": means[p].round(4),
            "people_alike": by_people[p, f].round(4),
            "films_alike": by_films[p, f].round(4),
            "own_genre": of_genre[p, genres[f]].round(4),
            "factors": factors[p, f].round(4),
            "relevance": ratings["rating"].to_numpy()[~is_known] - 1,
        }
    )
    OUT.mkdir(exist_ok=True)
    alone = table["query"].map(table["query"].value_counts()) > 1
    for part, rows in (("train", learned[p]), ("test", ~learned[p])):
        some = table[rows & alone.to_numpy()].sort_values(["query", "film"])
        some.to_csv(OUT / f"{part}.csv", index=False)


if __name__ == "__main__":
    main()
