"""Every benchmark by the name that records and documents use, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import (
    cnn,
    detector,
    detector_map,
    finetune,
    growth,
    loop_overhead,
    many_runs,
    mfu,
    serving,
    startup,
    vit,
)
from benchmarks.harness import Result, Settings

BENCHMARKS: dict[str, Callable[[Settings], Result]] = {
    "cnn_to_99": cnn.cnn_to_99,
    "cnn_to_994": cnn.cnn_to_994,
    "vit_tutorial_size": vit.vit_tutorial_size,
    "vit_timm_shape": vit.vit_timm_shape,
    "vit_timm_shape_4px": vit.vit_timm_shape_4px,
    "vit_timm_same_mathematics": vit.vit_timm_same_mathematics,
    "vit_vs_simplevit": vit.vit_vs_simplevit,
    "vit_to_99": vit.vit_to_99,
    "vit_to_992": vit.vit_to_992,
    "vgg16_finetune": finetune.vgg16_finetune,
    "vgg16_same_time": finetune.vgg16_same_time,
    "alexnet_vs_224": finetune.alexnet_vs_224,
    "fasterrcnn_same_shape": detector.fasterrcnn_same_shape,
    "fasterrcnn_recipe_shape": detector.fasterrcnn_recipe_shape,
    "fasterrcnn_answers_100": detector.fasterrcnn_answers_100,
    "fasterrcnn_vs_mobilenet_128": detector.fasterrcnn_vs_mobilenet_128,
    "fasterrcnn_map_128": detector_map.fasterrcnn_map_128,
    "fasterrcnn_scene_answers_128": detector.fasterrcnn_scene_answers_128,
    "fasterrcnn_to_986": detector.fasterrcnn_to_986,
    "mfu_cnn": mfu.mfu_cnn,
    "mfu_vit": mfu.mfu_vit,
    "mfu_alexnet": mfu.mfu_alexnet,
    "mfu_vgg16": mfu.mfu_vgg16,
    "loop_overhead": loop_overhead.loop_overhead,
    "quick_seconds": startup.quick_seconds,
    "help_seconds": startup.help_seconds,
    "report_1000_seconds": startup.report_1000_seconds,
    "serve_five_answers": serving.serve_five_answers,
    "study_of_50_runs": many_runs.study_of_50_runs,
    "ray_overhead": many_runs.ray_overhead,
    "growth_prepare": growth.growth_prepare,
    "growth_train": growth.growth_train,
}


def title_of(name: str) -> str:
    """What a benchmark measures, in one sentence: the first line of its docstring."""
    return (BENCHMARKS[name].__doc__ or "").strip().splitlines()[0]
