"""Where labels are among what heads read of examples: what features are compared with.

Shape letters: X rows or tokens that have a label.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Labelled:
    """Labelled places of some examples.

    Attributes:
        example_X: position among those examples.
        place_X: row of the example, or token where heads read tokens.
        label_X: whole numbers for classes, floating-point ones for a regression.
    """

    example_X: NDArray[np.int64]
    place_X: NDArray[np.int64]
    label_X: NDArray[Any]

    def __len__(self) -> int:
        return len(self.label_X)

    def some(self, chosen: NDArray[np.int64]) -> Labelled:
        """A part of them."""
        return Labelled(self.example_X[chosen], self.place_X[chosen], self.label_X[chosen])
