"""PanDa on other tuning methods (Fig. 6): what source, teacher and student train, and what goes between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from panda_ray.methods import Inputs, Method, PairSimilarities, PairTeachers, SourcePrompts, get_method, requirement
from panda_ray.methods.distillation.panda import PandaOptions
from panda_ray.methods.distillation.students import STUDENTS, Student
from panda_ray.methods.distillation.target_like_teacher import TeacherOptions
from panda_ray.methods.spot import SpotOptions
from panda_ray.prompts.prompt import Prompt
from panda_ray.testing.random_models import random_prefixes
from panda_ray.training.engine.stacked import train_stack
from panda_ray.training.member import Member
from panda_ray.training.trainables.prefix import Prefixes
from support.trained.models import random_backbone
from support.trained.toys import toy_task
from support.trained.trainings import CONFIG

OTHERS: tuple[Student, ...] = ("lester", "prefix_mlp", "houlsby")
each_other = pytest.mark.parametrize("student", OTHERS)


def inputs(method: Method, name: str, seed: int = 3, **given: object) -> Inputs:
    config = method.config(replace(CONFIG, epochs=1), "small", method.Options())
    return replace(Inputs(name, seed, config, random_backbone().geometry), **given)  # type: ignore[arg-type]


def trained(member: Member, inputs: Inputs) -> Mapping[str, Tensor]:
    [result] = train_stack(random_backbone(), toy_task("classification"), [member], inputs.config)
    assert result.artifact is not None
    return result.artifact


@each_other
def test_source_teacher_and_student_are_trained_as_the_students_method_trains(student: Student) -> None:
    method, options = STUDENTS[student], PandaOptions(student=student, kd_weight=0.5)
    given = inputs(method, "source")
    source = trained(method.member(given, method.Options()), given)
    teacher = get_method("teacher").member(
        inputs(method, "teacher", trained=(source,)), TeacherOptions(student=student)
    )
    kept = {name: tensor for name, tensor in teacher.start.tensors.items() if torch.is_floating_point(tensor)}
    assert all(torch.equal(tensor, source[name]) for name, tensor in kept.items())
    assert kept.keys() == {name for name, tensor in source.items() if torch.is_floating_point(tensor)}
    taught = trained(teacher, given)
    last = inputs(method, "student", trained=(taught,), similarities=(0.25,))
    member, fresh = get_method("panda").member(last, options), method.member(last, method.Options())
    assert member.start.stacking is fresh.start.stacking
    assert all(torch.equal(tensor, fresh.start.tensors[name]) for name, tensor in member.start.tensors.items())
    distillation = member.distillation
    assert distillation is not None
    assert (distillation.weight, distillation.student_head) == (0.125, False)
    (imitated,) = distillation.teachers
    assert imitated.stacking is (Prefixes if student == "prefix_mlp" else fresh.start.stacking)
    assert all(torch.equal(imitated.tensors[name], tensor) for name, tensor in taught.items())
    without = trained(fresh, last)
    assert any(not torch.equal(tensor, without[name]) for name, tensor in trained(member, last).items())


@each_other
def test_stacks_rates_and_hyper_parameters_are_those_of_the_students_method(student: Student) -> None:
    method, panda, task = STUDENTS[student], get_method("panda"), toy_task("classification").spec
    options = PandaOptions(student=student)
    assert panda.trains(options.model_dump()) == method.trains(method.Options().model_dump())
    assert panda.hyperparameters(task, options) == method.hyperparameters(task, method.Options())
    assert panda.config(CONFIG, "small", options) == method.config(CONFIG, "small", method.Options())
    teacher, kind = get_method("teacher"), TeacherOptions(student=student)
    assert teacher.config(CONFIG, "small", kind) == replace(panda.config(CONFIG, "small", options), epochs=1)
    assert teacher.requires(kind) == (SourcePrompts(student),)
    assert panda.requires(options)[0] == PairTeachers("teacher", (("student", student),))


def test_the_default_student_is_no_part_of_a_key_and_others_have_target_like_teachers_alone() -> None:
    assert "student" not in PandaOptions().model_dump()
    assert "student" not in TeacherOptions().model_dump()
    assert PandaOptions(student="lester").model_dump()["student"] == "lester"
    with pytest.raises(ValidationError, match="must be target_like for the student 'houlsby'"):
        PandaOptions(student="houlsby", teacher="source")
    with pytest.raises(ValidationError, match="has no effect under the preset 'official_code'"):
        PandaOptions(student="houlsby", preset="official_code")


def test_spot_starts_from_the_mean_of_the_sources_by_their_similarity() -> None:
    spot, prefixes = get_method("spot"), random_prefixes(random_backbone(), 3)
    required = spot.requires(SpotOptions())
    weighed = requirement(PairSimilarities, required)
    assert required[0] == SourcePrompts()
    assert weighed is not None
    assert weighed.metric.metric == "e_avg"
    sources = tuple(Prompt(prefix, torch.zeros(3, 32), torch.zeros(3)) for prefix in prefixes)
    for similarities, shares in (((0.6, -0.2, 0.2), (0.75, 0.0, 0.25)), ((-0.1, -0.2, 0.0), (1 / 3, 1 / 3, 1 / 3))):
        given = inputs(spot, "cell", source_prompts=sources, similarities=similarities)
        start = spot.member(given, SpotOptions()).start.tensors["prefix"]
        expected = sum(share * prefix for share, prefix in zip(shares, prefixes, strict=True))
        torch.testing.assert_close(start, expected)
    alone = inputs(spot, "cell", source_prompts=sources[:1], similarities=(0.3,))
    assert torch.equal(spot.member(alone, SpotOptions()).start.tensors["prefix"], prefixes[0])
