"""The datasets that have a name, side by side: what they are, where they come from, under which licence."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Literal

from eyechart.data.signs import CLASSES as SIGN_NAMES
from eyechart.schema import DatasetCard

DIGITS = tuple(string.digits)
FRACTALS = tuple(f"fractal {number:03}" for number in range(1_000))


@dataclass(frozen=True)
class KnownDataset:
    """One line of `eyechart data list`."""

    name: str
    title: str
    licence: str
    source: str  # who made it, for people
    download_megabytes: int  # about; 0: nothing is downloaded
    classes: tuple[str, ...]
    num_train: int
    num_test: int
    height: int  # pixels
    width: int
    num_channels: Literal[1, 3] = 1

    @property
    def size_in_words(self) -> str:
        return f"{self.height} x {self.width} pixels" + (" in colour" if self.num_channels > 1 else "")

    def card(self, content_sha256: str) -> DatasetCard:
        """The card that travels into every run."""
        return DatasetCard(
            name=self.name,
            title=self.title,
            source=self.source,
            licence=self.licence,
            content_sha256=content_sha256,
            classes=self.classes,
            num_channels=self.num_channels,
            height=self.height,
            width=self.width,
            num_train=self.num_train,
            num_test=self.num_test,
        )


_ALL = (
    KnownDataset(
        name="mnist",
        title="MNIST handwritten digits",
        licence="CC BY-SA 3.0",
        source="Y. LeCun, C. Cortes, C. Burges, from NIST Special Databases 1 and 3",
        download_megabytes=11,
        classes=DIGITS,
        num_train=60_000,
        num_test=10_000,
        height=28,
        width=28,
    ),
    KnownDataset(
        name="fashion-mnist",
        title="Fashion-MNIST articles of clothing",
        licence="MIT",
        source="Zalando SE; H. Xiao, K. Rasul, R. Vollgraf 2017",
        download_megabytes=31,
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        num_train=60_000,
        num_test=10_000,
        height=28,
        width=28,
    ),
    KnownDataset(
        name="kmnist",
        title="Kuzushiji-MNIST cursive Japanese characters",
        licence="CC BY-SA 4.0",
        source="ROIS-DS Center for Open Data in the Humanities, from Kuzushiji Dataset; T. Clanuwat et al. 2018",
        download_megabytes=21,
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        num_train=60_000,
        num_test=10_000,
        height=28,
        width=28,
    ),
    KnownDataset(
        name="emnist-letters",
        title="EMNIST handwritten letters, upper and lower case merged",
        licence="none stated; made from NIST Special Database 19 (public domain), cite the authors",
        source="G. Cohen, S. Afshar, J. Tapson, A. van Schaik 2017, from NIST Special Database 19",
        download_megabytes=562,
        classes=tuple(string.ascii_uppercase),
        num_train=124_800,
        num_test=20_800,
        height=28,
        width=28,
    ),
    KnownDataset(
        name="qmnist",
        title="QMNIST, MNIST rebuilt with the whole test set of 60,000",
        licence="BSD style",
        source="C. Yadav, L. Bottou 2019, from NIST Special Database 19",
        download_megabytes=20,
        classes=DIGITS,
        num_train=60_000,
        num_test=60_000,
        height=28,
        width=28,
    ),
    KnownDataset(
        name="usps",
        title="USPS postcode digits",
        licence="none stated; cite the author",
        source="J. J. Hull 1994, in the LIBSVM collection's form",
        download_megabytes=8,
        classes=DIGITS,
        num_train=7_291,
        num_test=2_007,
        height=16,
        width=16,
    ),
    KnownDataset(
        name="glyphs",
        title="Letters and symbols drawn from fonts",
        licence="fonts: Bitstream Vera (DejaVu), SIL OFL (STIX, Computer Modern), MIT (Hershey)",
        source="drawn by eyechart in the fonts of matplotlib and Hershey-Fonts, see data/glyphs.py",
        download_megabytes=0,
        classes=SIGN_NAMES,
        num_train=60_000,
        num_test=10_000,
        height=28,
        width=28,
    ),
    KnownDataset(
        name="fractals",
        title="One fractal, changed a little a thousand times",
        licence="MIT, as eyechart itself: made by rule from random numbers",
        source="drawn by eyechart after R. Nakamura et al. 2024 (1p-frac), see data/fractals.py",
        download_megabytes=0,
        classes=FRACTALS,
        num_train=60_000,
        num_test=10_000,
        height=28,
        width=28,
    ),
    KnownDataset(
        name="font-digits",
        title="Digits printed in computer fonts",
        licence="fonts: Bitstream Vera (DejaVu), SIL OFL (STIX, Computer Modern)",
        source="drawn by eyechart in the fonts of matplotlib, see data/font_digits.py",
        download_megabytes=0,
        classes=DIGITS,
        num_train=10_000,
        num_test=2_000,
        height=28,
        width=28,
    ),
    KnownDataset(
        name="digits",
        title="Optical digits of 8 x 8 pixels, in scikit-learn",
        licence="CC BY 4.0",
        source="E. Alpaydin, C. Kaynak 1998, UCI Machine Learning Repository, as scikit-learn carries it",
        download_megabytes=0,
        classes=DIGITS,
        num_train=1_442,
        num_test=355,
        height=8,
        width=8,
    ),
)

KNOWN: dict[str, KnownDataset] = {dataset.name: dataset for dataset in _ALL}
