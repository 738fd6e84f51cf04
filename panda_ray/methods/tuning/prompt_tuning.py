"""Prompt tuning without transfer (P-Tuning v2): the baseline of every gain, and how source prompts are made."""

from __future__ import annotations

from panda_ray.methods.method import Inputs, Method, MethodOptions
from panda_ray.methods.starts import fresh_prefix
from panda_ray.training.member import Member


class PromptTuning(Method):
    """The prompt starts from the initialiser and is trained on the task."""

    name = "prompt_tuning"
    summary = "no transfer: the prompt starts from the initialiser (P-Tuning v2)"

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        return Member(inputs.name, inputs.seed, inputs.config.lr, fresh_prefix(inputs))
