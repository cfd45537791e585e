"""Boxes: what they hit, how precise they are, and how they are joined, each beside a naive twin."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.joining.boxes import fused
from concours.kernels.rows.boxes import MOST, Boxes, areas, overlaps, suppressed
from concours.kernels.scoring.boxes import OVERLAPS, best_overlaps, f1s, hits, mean_precisions, precisions

CLASSES = 3
steady = settings(max_examples=60)


def drawn(seed: int, *, rows: int = 4, most: int = 12, near: Boxes | None = None) -> Boxes:
    """Boxes of some pictures, on a coarse grid so that overlaps tie, or close to others; some scores tie."""
    rng = np.random.default_rng(seed)
    if near is None:
        counts = rng.integers(0, most + 1, rows)
        low = rng.integers(0, 8, (counts.sum(), 2)) / 10
        corners = np.concatenate([low, np.minimum(low + rng.integers(1, 6, low.shape) / 10, 1.0)], axis=1)
        place, labels = np.repeat(np.arange(rows), counts), rng.integers(0, CLASSES, counts.sum())
    else:
        again = rng.permutation(np.repeat(np.arange(len(near.labels)), 2))[: max(1, int(1.3 * len(near.labels)))]
        corners = np.clip(near.corners[again] + rng.normal(0, 0.03, (len(again), 4)), 0, 1)
        place, labels = near.rows[again], np.where(rng.random(len(again)) < 0.9, near.labels[again], 0)
        kept = (corners[:, :2] < corners[:, 2:]).all(axis=1)
        place, labels, corners, rows = place[kept], labels[kept], corners[kept], len(near)
    scores = np.where(rng.random(len(labels)) < 0.5, rng.integers(1, 10, len(labels)) / 10, rng.random(len(labels)))
    return Boxes.sorted(place, labels, scores, corners, among=rows)


seeds = st.integers(0, 2**31)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    both = max(width, 0.0) * max(height, 0.0)
    whole = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - both
    return both / whole if whole > 0 else 0.0


def of_row(boxes: Boxes, row: int) -> Iterator[int]:
    return iter(range(boxes.offsets[row], boxes.offsets[row + 1]))


def naive_hits(truth: Boxes, said: Boxes, least: float) -> np.ndarray:
    """Box by box and target by target."""
    found = np.zeros(len(said.labels), dtype=bool)
    for row in range(len(truth)):
        left = set(of_row(truth, row))
        for box in sorted(of_row(said, row), key=lambda box: -said.scores[box]):
            best, most = None, min(least, 1 - 1e-10)
            for target in sorted(left):
                share = float(overlaps(said.corners[box], truth.corners[target]))
                if truth.labels[target] == said.labels[box] and share >= most:
                    best, most = target, share
            if best is not None:
                left.remove(best)
                found[box] = True
    return found


def naive_precision(truth: Boxes, said: Boxes, label: int, least: float) -> float:
    """The area under the curve of one class, recall by recall."""
    wanted = int((truth.labels == label).sum())
    if not wanted:
        return np.nan
    hit = naive_hits(truth, said, least)
    mine = sorted(
        (box for box in range(len(said.labels)) if said.labels[box] == label), key=lambda box: -said.scores[box]
    )
    right, curve = 0, []
    for seen, box in enumerate(mine, 1):
        right += int(hit[box])
        curve.append((right / wanted, right / seen))
    asked = np.linspace(0, 1, 101)
    return float(np.mean([max((p for r, p in curve if r >= recall), default=0.0) for recall in asked]))


def naive_fusion(members: list[Boxes], weights: list[float], least: float) -> list[tuple]:
    """Picture by picture and box by box, as the paper says it."""
    told = []
    for row in range(len(members[0])):
        for label in range(CLASSES):
            boxes = [
                (member.scores[box] * weight, member.corners[box], weight)
                for member, weight in zip(members, weights, strict=True)
                for box in of_row(member, row)
                if member.labels[box] == label and weight > 0
            ]
            clusters: list[list] = []
            means: list[np.ndarray] = []
            for score, corners, weight in sorted(boxes, key=lambda box: -box[0]):
                shares = [overlap(mean, corners) for mean in means]
                best = int(np.argmax(shares)) if shares else -1
                if shares and shares[best] > least:
                    clusters[best].append((score, corners, weight))
                else:
                    best = len(clusters)
                    clusters.append([(score, corners, weight)])
                    means.append(corners)
                sums = sum(s for s, _, _ in clusters[best])
                means[best] = sum(s * c for s, c, _ in clusters[best]) / sums
            for cluster, mean in zip(clusters, means, strict=True):
                score = sum(s for s, _, _ in cluster) / max(sum(weights), sum(w for _, _, w in cluster))
                told.append((row, label, score, *mean))
    return sorted(told)


@steady
@given(seeds)
def test_hits_are_those_of_the_loop_over_boxes(seed):
    """Protects the matching of all pictures at once, at every overlap, ties of overlaps and scores included."""
    truth = drawn(seed)
    for said in (drawn(seed + 1), drawn(seed + 2, near=truth)):
        found = hits(truth, said, classes=CLASSES, least=OVERLAPS)
        for level, least in enumerate(OVERLAPS):
            assert (found.hits[:, level] == naive_hits(truth, said, least)).all()


@steady
@given(seeds)
def test_precision_is_that_of_the_loop_over_recalls(seed):
    """Protects the average precision of each class and overlap, and that classes without a target do not count."""
    truth = drawn(seed)
    said = drawn(seed + 2, near=truth)
    found = hits(truth, said, classes=CLASSES, least=[0.5, 0.75])
    told = precisions(found, np.ones((1, len(truth))))[0]
    naive = [[naive_precision(truth, said, label, least) for least in (0.5, 0.75)] for label in range(CLASSES)]
    np.testing.assert_allclose(told, naive, atol=1e-12)
    known = np.isfinite(naive).any()
    mean = mean_precisions(found, np.ones((1, len(truth))))[0]
    assert (np.isnan(mean) and not known) or np.isclose(mean, np.nanmean(naive))


@steady
@given(seeds)
def test_a_picture_of_weight_two_counts_as_two_and_of_weight_nothing_as_none(seed):
    """Protects the bootstrap and credit, which tell precisions by weights instead of by pictures drawn again."""
    truth = drawn(seed, rows=5)
    said = drawn(seed + 2, near=truth)
    rng = np.random.default_rng(seed)
    scores = rng.permutation(len(said.scores)) / len(said.scores)  # none alike, so that copies stand side by side
    said = Boxes.sorted(said.rows, said.labels, scores, said.corners, among=len(said))
    found = hits(truth, said, classes=CLASSES, least=OVERLAPS)
    counts = rng.integers(0, 3, len(truth))
    rows = np.repeat(np.arange(len(truth)), counts)
    again = mean_precisions(found.take(rows), np.ones((1, len(rows))))
    np.testing.assert_allclose(mean_precisions(found, counts[None].astype(float)), again, atol=1e-12)


def test_precision_has_the_values_of_an_example_done_by_hand():
    """Protects the definition: two targets, the first box right, the second wrong, the third right."""
    truth = Boxes.sorted(*_flat([(0, 0, 1.0, 0.0, 0.0, 0.4, 0.4), (0, 0, 1.0, 0.5, 0.5, 0.9, 0.9)]), among=1)
    said = Boxes.sorted(
        *_flat([(0, 0, 0.9, 0.0, 0.0, 0.4, 0.4), (0, 0, 0.8, 0.0, 0.0, 0.1, 0.1), (0, 0, 0.7, 0.5, 0.5, 0.9, 0.9)]),
        among=1,
    )
    found = hits(truth, said, classes=1, least=[0.5])
    assert found.hits[:, 0].tolist() == [True, False, True]
    told = precisions(found, np.ones((1, 1)))[0, 0, 0]
    assert told == pytest.approx((51 * 1.0 + 50 * 2 / 3) / 101)
    assert f1s(truth, said, classes=1, least=0.5, sure=0.75).tolist() == [pytest.approx(2 * 1 / (2 + 2))]


def test_perfect_boxes_score_one_and_none_score_nothing():
    """Protects the ends of the scale, and the F1 of a picture in which there is nothing and nothing is said."""
    truth = drawn(3)
    none = Boxes.sorted(*_flat([]), among=len(truth))
    every = np.ones((1, len(truth)))
    assert mean_precisions(hits(truth, truth, classes=CLASSES, least=OVERLAPS), every) == [1.0]
    assert mean_precisions(hits(truth, none, classes=CLASSES, least=OVERLAPS), every) == [0.0]
    assert np.isnan(mean_precisions(hits(none, truth, classes=CLASSES, least=OVERLAPS), every)).all()
    assert f1s(none, none, classes=CLASSES, least=0.5, sure=0.5).tolist() == [1.0] * len(none)


@steady
@given(seeds, st.floats(1e-6, 1e6))
def test_weights_of_rows_round_no_recall_away(seed, weight):
    """Protects weights that are no whole numbers: who finds every target scores one whatever pictures weigh, and pictures
    of one weight score what they do without.
    """
    truth = drawn(seed, rows=20)
    weights = weight * np.random.default_rng(seed).random((10, len(truth)))
    told = precisions(hits(truth, truth, classes=CLASSES, least=OVERLAPS), weights)
    assert set(np.unique(told[np.isfinite(told)])) <= {1.0}
    found = hits(truth, drawn(seed + 2, near=truth), classes=CLASSES, least=OVERLAPS)
    alike = (precisions(found, np.full((1, len(truth)), value)) for value in (weight, 1.0))
    np.testing.assert_array_equal(*alike)


def test_targets_and_boxes_of_other_pictures_are_refused():
    """Protects against scores of rows that do not belong together."""
    with pytest.raises(ValueError, match="do not go together"):
        hits(drawn(1, rows=3), drawn(1, rows=4), classes=CLASSES, least=[0.5])


@pytest.mark.parametrize("seed", range(4))
def test_precision_is_that_of_the_fields_library(seed):
    """Protects the agreement with COCO's own evaluation, where its library is installed."""
    coco = pytest.importorskip("faster_coco_eval", reason="needs the extra detection")
    truth = drawn(seed, rows=12)
    said = drawn(seed + 2, near=truth)
    pictures = [{"id": row, "width": 1000, "height": 1000} for row in range(len(truth))]
    categories = [{"id": label, "name": str(label)} for label in range(CLASSES)]
    told = [
        {"id": n, "image_id": int(r), "category_id": int(c), "bbox": _sides(b), "area": 1e4, "iscrowd": 0}
        for n, (r, c, b) in enumerate(zip(truth.rows, truth.labels, truth.corners, strict=True), 1)
    ]
    wanted = coco.COCO({"images": pictures, "categories": categories, "annotations": told})
    found = wanted.loadRes(
        [
            {"image_id": int(r), "category_id": int(c), "bbox": _sides(b), "score": float(s)}
            for r, c, s, b in zip(said.rows, said.labels, said.scores, said.corners, strict=True)
        ]
    )
    evaluation = coco.COCOeval_faster(wanted, found, iouType="bbox")
    evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
    evaluation.run() if hasattr(evaluation, "run") else (evaluation.evaluate(), evaluation.accumulate())
    precision = np.asarray(evaluation.eval["precision"])[..., 0, -1]  # overlaps, recalls, classes
    theirs = np.where(precision > -1, precision, np.nan).mean(axis=1).T
    ours = precisions(hits(truth, said, classes=CLASSES, least=OVERLAPS), np.ones((1, len(truth))))[0]
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@steady
@given(seeds, st.lists(st.sampled_from([0.0, 0.2, 0.5, 1.0, 2.0]), min_size=3, max_size=3))
def test_fusion_is_that_of_the_loop_over_boxes(seed, weights):
    """Protects the fusion of all pictures at once, with weights, of which some may be 0."""
    weights = weights if sum(weights) else [1.0, 0.0, 0.0]
    first = drawn(seed, most=6)
    members = [first, drawn(seed + 1, near=first), drawn(seed + 2, near=first)]
    if not all(len(member.labels) for member in members):
        return
    told = fused(members, np.array(weights), overlap=0.55)
    ours = sorted(zip(told.rows, told.labels, told.scores, *told.corners.T, strict=True))
    naive = naive_fusion(members, weights, 0.55)
    assert len(ours) == len(naive)
    np.testing.assert_allclose(np.array(ours).reshape(-1, 7), np.array(naive).reshape(-1, 7), atol=1e-9)


@steady
@given(seeds)
def test_fusion_keeps_what_one_member_says_and_ignores_who_has_no_weight(seed):
    """Protects the laws of a join: one member stays, members may change places, only shares of weights count."""
    one, other = drawn(seed), drawn(seed + 1)
    scores = np.random.default_rng(seed).permutation(len(one.scores) + 1)[1:] / (len(one.scores) + 1) + 1e-3
    one = Boxes.sorted(one.rows, one.labels, np.minimum(scores, 1.0), one.corners, among=len(one))
    apart = fused([one], np.ones(1), overlap=0.999)
    assert len(apart.labels) <= len(one.labels)
    with_none = fused([one, other], np.array([1.0, 0.0]))
    np.testing.assert_allclose(with_none.corners, fused([one], np.ones(1)).corners)
    twice = fused([one, other], np.array([0.6, 1.4]))
    np.testing.assert_allclose(twice.scores, fused([one, other], np.array([0.3, 0.7])).scores)
    assert (np.diff(twice.offsets) <= MOST).all()
    assert (twice.scores <= 1 + 1e-12).all()


def test_weights_of_each_picture_are_its_own():
    """Protects alliances whose folds have weights of their own: each picture is joined by those of its fold."""
    one, other = drawn(5), drawn(6)
    weights = np.array([[1.0, 0.5, 0.0, 1.0], [0.0, 0.5, 1.0, 1.0]])
    told = fused([one, other], weights)
    for row in range(4):
        alone = fused([one.take(np.array([row])), other.take(np.array([row]))], weights[:, row])
        mine = told.take(np.array([row]))
        np.testing.assert_allclose(mine.corners, alone.corners)
        np.testing.assert_allclose(mine.scores, alone.scores)


def test_fusion_without_a_weight_is_refused():
    """Protects against a silent answer where nobody speaks."""
    with pytest.raises(ValueError, match="one of them above 0"):
        fused([drawn(1), drawn(2)], np.zeros(2))


def test_suppression_leaves_the_best_of_those_that_overlap():
    """Protects detectors: of boxes that overlap by more than the share the best one stays."""
    corners = np.array([[0.0, 0.0, 0.4, 0.4], [0.02, 0.0, 0.42, 0.4], [0.6, 0.6, 0.9, 0.9]])
    assert suppressed(corners, np.array([0.5, 0.9, 0.1]), overlap=0.5).tolist() == [1, 2]
    assert suppressed(corners, np.array([0.5, 0.9, 0.1]), overlap=0.99).tolist() == [1, 0, 2]


@steady
@given(seeds)
def test_overlaps_are_shares_of_areas(seed):
    """Protects intersection over union: symmetric, 1 with itself, 0 apart."""
    some, other = drawn(seed).corners, drawn(seed + 1).corners
    shares = overlaps(some[:, None], other)
    np.testing.assert_allclose(shares, overlaps(other[:, None], some).T)
    np.testing.assert_allclose(overlaps(some, some), np.ones(len(some)))
    assert ((shares >= 0) & (shares <= 1 + 1e-12)).all()
    assert (areas(some) > 0).all()


def _flat(boxes):
    table = np.array(boxes, dtype=float).reshape(-1, 7)
    return table[:, 0].astype(int), table[:, 1].astype(int), table[:, 2], table[:, 3:]


def _sides(corners):
    left, top, right, bottom = (float(side) * 1000 for side in corners)
    return [left, top, right - left, bottom - top]


@steady
@given(seeds)
def test_the_nearest_box_of_a_label(seed):
    """The greatest overlap among the boxes of the same picture and label; 0 where there is none."""
    some = drawn(seed, most=4)
    others = drawn(seed + 1, near=some) if len(some.labels) else drawn(seed + 1)
    wanted = [
        max(
            (
                float(overlaps(some.corners[mine], others.corners[other]))
                for other in range(len(others.labels))
                if (others.rows[other], others.labels[other]) == (some.rows[mine], some.labels[mine])
            ),
            default=0.0,
        )
        for mine in range(len(some.labels))
    ]
    assert best_overlaps(some, others) == pytest.approx(wanted)


@steady
@given(seeds)
def test_some_of_the_boxes(seed):
    """Those that are chosen stay in their pictures, and a picture without any stays too."""
    boxes = drawn(seed)
    chosen = np.random.default_rng(seed).random(len(boxes.labels)) < 0.5
    few = boxes.some(chosen)
    assert few.rows.tolist() == boxes.rows[chosen].tolist()
    assert few.scores.tolist() == boxes.scores[chosen].tolist()
    assert len(few) == len(boxes)
