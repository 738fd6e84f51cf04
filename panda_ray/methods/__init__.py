"""Transfer methods. To add one, write a file and add it to `METHODS`."""

from panda_ray.methods.attempt import Attempt
from panda_ray.methods.distillation.panda import Panda
from panda_ray.methods.distillation.panda_fusion import PandaFusion
from panda_ray.methods.distillation.target_like_teacher import TargetLikeTeacher
from panda_ray.methods.method import Inputs, Method, MethodOptions, Origin, Sources
from panda_ray.methods.pot import PoT
from panda_ray.methods.requirements import (
    PairSimilarities,
    PairTeachers,
    Requirement,
    SourcePrompts,
    requirement,
)
from panda_ray.methods.sesom import Sesom
from panda_ray.methods.source_model import SourceModel
from panda_ray.methods.spot import Spot
from panda_ray.methods.task_prompt_vectors import TaskPromptVectors
from panda_ray.methods.tuning.houlsby import Houlsby
from panda_ray.methods.tuning.lester import Lester
from panda_ray.methods.tuning.model_tuning import ModelTuning
from panda_ray.methods.tuning.prefix_mlp import PrefixMlp
from panda_ray.methods.tuning.prompt_tuning import PromptTuning
from panda_ray.registry import Registry

METHODS: Registry[Method] = Registry(
    "method",
    (
        PromptTuning(),
        PoT(),
        Spot(),
        TaskPromptVectors(),
        Panda(),
        PandaFusion(),
        Attempt(),
        Sesom(),
        Lester(),
        PrefixMlp(),
        Houlsby(),
        ModelTuning(),
        SourceModel(),
        TargetLikeTeacher(),
    ),
)


def get_method(name: str) -> Method:
    """The registered method of that name.

    Raises:
        InputError: for an unknown name.
    """
    return METHODS.get(name)


__all__ = [
    "METHODS",
    "Inputs",
    "Method",
    "MethodOptions",
    "Origin",
    "PairSimilarities",
    "PairTeachers",
    "Requirement",
    "SourcePrompts",
    "Sources",
    "get_method",
    "requirement",
]
