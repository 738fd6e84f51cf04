"""What PanDa trains, and its sources and teachers with it: prompts, or what another method without sources does.

A source is trained by that method, its target-like teacher goes on where the source ended, and the student starts as
the method starts. What `prefix_mlp` keeps is a plain prefix, so its teachers go on as prefixes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from panda_ray.methods.method import Method
from panda_ray.methods.trains import Trains
from panda_ray.methods.tuning.houlsby import Houlsby
from panda_ray.methods.tuning.lester import Lester
from panda_ray.methods.tuning.prefix_mlp import PrefixMlp
from panda_ray.methods.tuning.prompt_tuning import PromptTuning

Student = Literal["prompt_tuning", "lester", "prefix_mlp", "houlsby"]

STUDENTS: Mapping[Student, Method] = {
    "prompt_tuning": PromptTuning(),
    "lester": Lester(),
    "prefix_mlp": PrefixMlp(),
    "houlsby": Houlsby(),
}


def goes_on_as(student: Student) -> Method:
    """As which method a training goes on that starts from what the student's method has kept."""
    return STUDENTS["prompt_tuning" if student == "prefix_mlp" else student]


@lru_cache
def trained_by(method: Method) -> Trains:
    """What a method trains under its default options."""
    return method.trains(method.Options().model_dump(mode="json"))
