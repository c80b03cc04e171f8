"""Write the table of speeds of both READMEs from records/bench.json.

python scripts/readme_speed.py            README.md and README.fr.md of this project

It stands between `<!-- table:speed -->` and `<!-- /table:speed -->`; all benchmarks are in docs/performance.md.
"""

from __future__ import annotations

import json
from typing import Any

from performance_table import number
from readme_tables import ENGLISH, PROJECT, READMES, Words, localised, with_table

from eyechart.files.storage import write_text

RECORD = "records/bench.json"
LABELS = {
    "cnn_to_99": (
        "`cnn`: training time to 99.0 % test accuracy, against the DataLoader pattern of PyTorch's MNIST example",
        "`cnn` : temps d'entraînement jusqu'à 99,0 % sur le test, face au DataLoader de l'exemple MNIST de PyTorch",
    ),
    "vit_timm_shape": (
        "`vit`: images a second, against timm's ViT of the same width, depth and patches",
        "`vit` : images par seconde, face au ViT de timm de même largeur, profondeur et carreaux",
    ),
    "vit_tutorial_size": (
        "`vit`: images a second, against a well-known tutorial's loops at the tutorial's size",
        "`vit` : images par seconde, face aux boucles d'un tutoriel connu, à sa taille",
    ),
    "vgg16_finetune": (
        "`vgg16`: images a second at 32 px, the first two stages frozen, against 224 px trained whole",
        "`vgg16` : images par seconde à 32 px, les deux premiers étages gelés, face à 224 px entraîné en entier",
    ),
    "alexnet_vs_224": (
        "`alexnet`: images a second at 64 px, against 224 px",
        "`alexnet` : images par seconde à 64 px, face à 224 px",
    ),
    "fasterrcnn_same_shape": (
        "`fasterrcnn`: images a second, against torchvision's class of the same shape, losses equal",
        "`fasterrcnn` : images par seconde, face à la classe de torchvision de même forme, pertes égales",
    ),
}  # English, French


def main() -> None:
    record = json.loads((PROJECT / RECORD).read_text(encoding="utf-8"))
    for name, words in READMES.items():
        readme = PROJECT / name
        write_text(readme, with_table(readme.read_text(encoding="utf-8"), "speed", table(record, words)))


def table(record: dict[str, Any], words: Words) -> str:
    """A Markdown table of those in LABELS that were measured, in their order."""
    is_english = words is ENGLISH
    heading = "| against whom | times as fast |" if is_english else "| face à qui | fois plus rapide |"
    between = "to" if is_english else "à"
    rows = []
    for name, labels in LABELS.items():
        ratio = record["results"].get(name, {}).get("ratio")
        if ratio:
            low, median, high = (localised(number(ratio[key]), words) for key in ("min", "median", "max"))
            rows.append(f"| {labels[not is_english]} | **{median}** ({low} {between} {high}) |")
    return "\n".join([heading, "|---|--:|", *rows])


if __name__ == "__main__":
    main()
