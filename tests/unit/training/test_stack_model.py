"""What the members of a stack train, when some of them leave."""

from __future__ import annotations

import torch

from panda_ray.training.engine.stack.stack_model import StackModel
from support.trained.models import random_backbone
from support.trained.trainings import CONFIG, members_of


def test_kept_members_have_their_own_prompts_and_heads_in_the_order_that_is_asked_for() -> None:
    members = members_of("classification", 3)
    model = StackModel.fresh(members, CONFIG, random_backbone(), outputs=3)
    before = [model.artifact(member) for member in range(3)]
    model.keep([2, 0])
    assert {len(leaf) for leaf in model.leaves.values()} == {2}
    for row, member in enumerate([2, 0]):
        for name, tensor in model.artifact(row).items():
            assert torch.equal(tensor, before[member][name])
