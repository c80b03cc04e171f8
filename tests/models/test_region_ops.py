"""The batched geometry against hand-computed cases and against torchvision's per-image functions."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from eyechart.models import region_ops
from eyechart.models.detector_options import DetectorOptions
from eyechart.models.region_ops import (
    IGNORED,
    NEGATIVE,
    POSITIVE,
    at_least,
    best_of_levels,
    clip_boxes,
    decode_boxes,
    encode_boxes,
    make_anchors,
    match,
    pairwise_iou,
    sample,
    suppress,
    voted,
)

detection_utils = pytest.importorskip("torchvision.models.detection._utils")
anchor_utils = pytest.importorskip("torchvision.models.detection.anchor_utils")
ops = pytest.importorskip("torchvision.ops")

BOX_WEIGHTS = (10.0, 5.0)


def random_boxes(*shape: int, width: float = 40, height: float = 28) -> Tensor:
    """Boxes of at least one pixel inside an image of this size."""
    corner = torch.rand(*shape, 2) * torch.tensor([width - 1, height - 1])
    size = 1 + torch.rand(*shape, 2) * (torch.tensor([width - 1, height - 1]) - corner)
    return torch.cat([corner, corner + size], dim=-1)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


class TestBoxes:
    @pytest.mark.parametrize(("height", "width"), [(7, 7), (7, 5)])
    def test_anchors_are_torchvisions(self, height: int, width: int) -> None:
        pixels, ratios = [8.0, 13.0, 20.0], [0.5, 1.0, 3.0]
        generator = anchor_utils.AnchorGenerator(sizes=(tuple(pixels),), aspect_ratios=(tuple(ratios),))
        (expected,) = generator.grid_anchors([[height, width]], [[torch.tensor(4), torch.tensor(4)]])
        options = DetectorOptions(anchor_pixels=",".join(map(str, pixels)), anchor_ratios=",".join(map(str, ratios)))
        (sides,) = options.anchors_for(4 * height, 4 * width)
        assert torch.equal(make_anchors((height, width), 4, sides), expected)

    def test_an_anchor_by_hand(self) -> None:
        """Area 64, height twice the width: 5.66 x 11.31, half sides rounded to 3 and 6; cell (row 1, column 0)."""
        anchors = make_anchors((2, 1), stride=4, sides=[(5.7, 11.3)])
        assert anchors.tolist() == [[-3, -6, 3, 6], [-3, -2, 3, 10]]

    @pytest.mark.parametrize("weights", [(1.0, 1.0), BOX_WEIGHTS])
    def test_coding_is_torchvisions(self, weights: tuple[float, float]) -> None:
        boxes, references, deltas = random_boxes(3, 50), random_boxes(3, 50), torch.randn(3, 50, 4) * 3
        coder = detection_utils.BoxCoder((weights[0], weights[0], weights[1], weights[1]))
        encoded = encode_boxes(boxes, references, weights)
        torch.testing.assert_close(
            encoded.flatten(0, 1), coder.encode_single(boxes.view(-1, 4), references.view(-1, 4))
        )
        decoded = decode_boxes(deltas, references, weights)
        expected = coder.decode_single(deltas.view(-1, 4), references.view(-1, 4))
        torch.testing.assert_close(decoded.flatten(0, 1), expected)

    def test_decoding_undoes_encoding(self) -> None:
        boxes, references = random_boxes(2, 30), random_boxes(2, 30)
        back = decode_boxes(encode_boxes(boxes, references, BOX_WEIGHTS), references, BOX_WEIGHTS)
        torch.testing.assert_close(back, boxes, rtol=1e-4, atol=1e-4)

    def test_untrained_growth_stays_finite(self) -> None:
        huge = decode_boxes(torch.full((1, 4), 1e4), torch.tensor([[0.0, 0.0, 4.0, 4.0]]), (1.0, 1.0))
        assert torch.isfinite(huge).all()

    def test_iou_is_torchvisions(self) -> None:
        first, second = random_boxes(2, 7), random_boxes(2, 11)
        expected = torch.stack([ops.box_iou(first[i], second[i]) for i in range(2)])
        torch.testing.assert_close(pairwise_iou(first, second), expected)

    def test_iou_by_hand(self) -> None:
        """Two 2x2 boxes that share one pixel: 1 / 7; touching ones share nothing."""
        iou = pairwise_iou(torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[1.0, 1, 3, 3], [2, 0, 4, 2], [0, 0, 2, 2]]))
        torch.testing.assert_close(iou, torch.tensor([[1 / 7, 0.0, 1.0]]))

    def test_clipping_knows_height_from_width(self) -> None:
        clipped = clip_boxes(torch.tensor([[-3.0, -3.0, 50.0, 50.0]]), height=28, width=20)
        assert clipped.tolist() == [[0, 0, 20, 28]]

    def test_thin_boxes_are_seen(self) -> None:
        boxes = torch.tensor([[0.0, 0, 5, 5], [3, 0, 3, 5], [0, 4, 5, 4], [5, 0, 3, 5]])
        assert at_least(boxes, 1e-3).tolist() == [True, False, False, False]


class TestMatching:
    @pytest.mark.parametrize("best_for_each_box", [True, False])
    def test_is_torchvisions(self, best_for_each_box: bool) -> None:
        truth, anchors = random_boxes(6, 4), random_boxes(200)
        iou = pairwise_iou(truth, anchors)
        matched, kind = match(iou, 0.5, 0.3, best_for_each_box=best_for_each_box)
        matcher = detection_utils.Matcher(0.5, 0.3, best_for_each_box)
        for image in range(6):
            expected = matcher(iou[image])
            assert torch.equal(kind[image] == POSITIVE, expected >= 0)
            assert torch.equal(kind[image] == NEGATIVE, expected == matcher.BELOW_LOW_THRESHOLD)
            assert torch.equal(kind[image] == IGNORED, expected == matcher.BETWEEN_THRESHOLDS)
            assert torch.equal(matched[image][expected >= 0], expected[expected >= 0])

    def test_slots_without_a_box_match_nothing(self) -> None:
        _, kind = match(torch.full((1, 2, 5), -1.0), 0.7, 0.3, best_for_each_box=True)
        assert (kind == NEGATIVE).all()

    def test_a_box_that_nothing_overlaps_matches_nothing(self) -> None:
        _, kind = match(torch.zeros(1, 1, 5), 0.7, 0.3, best_for_each_box=True)
        assert (kind == NEGATIVE).all()


class TestSampling:
    @pytest.mark.parametrize(
        ("num_positive", "num_negative", "expected"),
        [(20, 60, (8, 24)), (3, 60, (3, 29)), (20, 5, (8, 5)), (0, 60, (0, 32)), (2, 0, (2, 0)), (0, 0, (0, 0))],
    )
    def test_counts_are_torchvisions(self, num_positive: int, num_negative: int, expected: tuple[int, int]) -> None:
        kind = torch.tensor([POSITIVE] * num_positive + [NEGATIVE] * num_negative + [IGNORED] * 10)
        kind = kind[torch.randperm(len(kind))].repeat(3, 1)
        sampler = detection_utils.BalancedPositiveNegativeSampler(32, 0.25)
        positives, negatives = sampler([kind[0]])
        drawn, is_drawn = sample(kind, 32, 0.25, None)
        drawn_kind = kind.gather(1, drawn).masked_fill(~is_drawn, IGNORED)
        assert (int(positives[0].sum()), int(negatives[0].sum())) == expected
        assert (drawn_kind == POSITIVE).sum(dim=1).tolist() == [expected[0]] * 3
        assert (drawn_kind == NEGATIVE).sum(dim=1).tolist() == [expected[1]] * 3
        for row, filled in zip(drawn, is_drawn, strict=True):
            assert len(row[filled].unique()) == sum(expected), "nothing is drawn twice"

    def test_every_slot_is_as_likely(self) -> None:
        kind = torch.tensor([[POSITIVE] * 4 + [NEGATIVE] * 16]).expand(4000, -1)
        drawn, is_drawn = sample(kind, 8, 0.25, None)
        share = torch.bincount(drawn[is_drawn], minlength=20) / 4000
        torch.testing.assert_close(share[:4], torch.full((4,), 2 / 4), atol=0.04, rtol=0)
        torch.testing.assert_close(share[4:], torch.full((16,), 6 / 16), atol=0.04, rtol=0)

    def test_positives_come_first(self) -> None:
        kind = torch.tensor([[NEGATIVE, POSITIVE, NEGATIVE, IGNORED, POSITIVE]])
        drawn, is_drawn = sample(kind, 10, 0.5, None)
        assert set(drawn[0, :2].tolist()) == {1, 4}
        assert is_drawn.tolist() == [[True, True, True, True, False]]


class TestSuppression:
    @pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
    def test_is_torchvisions(self, threshold: float) -> None:
        boxes = random_boxes(8, 60, width=30, height=30)
        scores = torch.rand(8, 60).sort(dim=1, descending=True).values
        kept = suppress(boxes, torch.ones(8, 60, dtype=torch.bool), threshold)
        for image in range(8):
            expected = ops.nms(boxes[image], scores[image], threshold)
            assert torch.equal(kept[image].nonzero().squeeze(1), expected)

    @pytest.mark.parametrize("num_boxes", [3, 90])
    def test_in_turn_is_in_rounds(self, monkeypatch: pytest.MonkeyPatch, num_boxes: int) -> None:
        boxes, candidates = random_boxes(2, 3, num_boxes), torch.rand(2, 3, num_boxes) < 0.7
        candidates[0, 0], candidates[0, 1, 1:] = False, False  # a group without any, one with at most one
        monkeypatch.setattr(region_ops, "MANY_BOXES", 0)
        in_turn = suppress(boxes, candidates, 0.4)
        monkeypatch.setattr(region_ops, "MANY_BOXES", 10**9)
        assert torch.equal(in_turn, suppress(boxes, candidates, 0.4))

    def test_nothing_to_suppress(self) -> None:
        assert not suppress(random_boxes(2, 80), torch.zeros(2, 80, dtype=torch.bool), 0.5).any()

    def test_a_chain_of_overlaps(self) -> None:
        """Each box overlaps the next: the first beats the second, so the third stays, and so on: the deepest chain."""
        left = torch.arange(9.0)
        boxes = torch.stack([left, left * 0, left + 2, left * 0 + 1], dim=1)
        kept = suppress(boxes, torch.ones(9, dtype=torch.bool), 0.3)  # neighbours overlap by 1/3
        assert kept.tolist() == [True, False] * 4 + [True]

    def test_what_is_no_candidate_neither_stays_nor_suppresses(self) -> None:
        boxes = torch.tensor([[0.0, 0, 10, 10]]).repeat(3, 1)
        assert suppress(boxes, torch.tensor([False, True, True]), 0.5).tolist() == [False, True, False]


class TestBestOfLevels:
    def test_by_hand(self) -> None:
        scores = torch.tensor([[5.0, 9, 7, 1, 8, 2]])
        found, places = best_of_levels(scores, [3, 3], most=2)
        assert found.tolist() == [[9, 8, 7, 2]]
        assert places.tolist() == [[1, 4, 2, 5]]

    def test_one_level_is_the_best_of_all(self) -> None:
        scores = torch.randn(3, 20)
        found, places = best_of_levels(scores, [20], most=30)
        assert torch.equal(found, scores.sort(dim=1, descending=True).values)
        assert torch.equal(scores.gather(1, places), found)


class TestVoting:
    def test_by_hand(self) -> None:
        boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 12, 10], [50, 50, 60, 60], [0, 0, 11, 10]])
        found = voted(boxes, torch.tensor([0.9, 0.3, 0.5, 0.0]), overlap=0.5)
        assert found[0].tolist() == pytest.approx([0, 0, (0.9 * 10 + 0.3 * 12) / 1.2, 10])
        assert found[2].tolist() == [50, 50, 60, 60]  # nobody else is there
        assert found[3].tolist() == [0, 0, 11, 10]  # no score, no vote, and nothing is made of it

    def test_many_boxes_and_half_precision_vote_alike(self) -> None:
        boxes, scores = random_boxes(2, 3, 90, width=100, height=100), torch.rand(2, 3, 90)
        one_by_one = torch.stack([torch.stack([voted(b, s, 0.5) for b, s in zip(*each, strict=True)])
                                  for each in zip(boxes, scores, strict=True)])  # fmt: skip
        torch.testing.assert_close(voted(boxes, scores, 0.5), one_by_one)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            torch.testing.assert_close(voted(boxes, scores, 0.5), one_by_one)

    def test_far_boxes_have_no_say(self) -> None:
        boxes = torch.tensor([[[0.0, 0, 10, 10], [4, 0, 14, 10]]])
        assert torch.equal(voted(boxes, torch.tensor([[0.9, 0.8]]), overlap=0.5), boxes)
