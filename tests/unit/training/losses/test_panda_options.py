"""What PanDa's options do to a student's loss."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError

from panda_ray.backbones.forward.row_reader import RowReader
from panda_ray.methods import Inputs, MethodOptions, PairTeachers, SourcePrompts, get_method, requirement
from panda_ray.methods.distillation import target_like_teacher as teacher_method
from panda_ray.methods.distillation.panda import PandaOptions
from panda_ray.methods.distillation.panda_fusion import FusionOptions
from panda_ray.methods.distillation.target_like_teacher import TeacherOptions
from panda_ray.prompts.heads import initial_head
from panda_ray.prompts.prompt import Prompt
from panda_ray.seeding import generator
from panda_ray.tasks.kinds import PADDING_LOGIT
from panda_ray.tasks.task import SizeClass
from panda_ray.testing.random_models import random_prefixes
from panda_ray.training.config import TrainConfig
from panda_ray.training.engine.losses.step_losses import label_counts
from panda_ray.training.engine.losses.teacher import Teachers
from panda_ray.training.engine.stack.optimizer import StackedAdamW
from panda_ray.training.engine.stacked import train_stack
from panda_ray.training.member import Distillation
from panda_ray.training.trainables.prefix import prompt_part
from support.trained.models import random_backbone
from support.trained.toys import toy_task

CONFIG = TrainConfig(lr=1e-2, batch_size=4, epochs=3, prompt_len=5, max_len=24)


def distillation(options: PandaOptions, similarity: float = 0.5) -> Distillation:
    backbone = random_backbone()
    source, teacher = (Prompt(prefix, torch.ones(3, 32), torch.ones(3)) for prefix in random_prefixes(backbone, 2))
    asked = get_method("panda").requires(options)
    inputs = Inputs(
        "cell",
        3,
        CONFIG,
        backbone.geometry,
        source_prompts=(source,) if SourcePrompts() in asked else (),
        teachers=(teacher,) if requirement(PairTeachers, asked) else (),
        similarities=(similarity,),
    )
    found = get_method("panda").member(inputs, options).distillation
    assert found is not None
    return found


def prefix_of(distillation: Distillation) -> torch.Tensor:
    (teacher,) = distillation.teachers
    return teacher.tensors["prefix"]


def test_the_weight_is_lambda_times_similarity() -> None:
    found = distillation(PandaOptions())
    assert (found.weight, found.loss, found.reduction, found.student_head) == (
        0.05 * 0.5,
        "mse_prob",
        "mean",
        False,
    )
    assert distillation(PandaOptions(kd_weight=0.2), similarity=-0.5).weight == pytest.approx(-0.1)
    assert distillation(PandaOptions(kd_weight=0.2, clamp=True), similarity=-0.5).weight == 0.0


def test_the_preset_does_what_the_released_code_does() -> None:
    found = distillation(PandaOptions(preset="official_code"))
    assert (found.weight, found.loss, found.reduction) == (pytest.approx(0.1 * 0.1), "mse_logit", "released_code")
    assert not found.student_head
    assert torch.equal(prefix_of(found), prefix_of(distillation(PandaOptions())))
    assert distillation(PandaOptions(preset="official_code", beta=2.0)).weight == pytest.approx(0.2)
    assert get_method("panda").requires(PandaOptions(preset="official_code")) == (PairTeachers("pot"),)


def test_temperature_and_reduction_reach_the_loss_of_each_member() -> None:
    """Members of one stack that differ in both; the reference softens, squares and sums by itself."""
    random = torch.Generator().manual_seed(0)
    student, teacher = torch.randn((3, 4, 3), generator=random), torch.randn((3, 4, 3), generator=random)
    asked = [{}, {"kd_temperature": 3.0}, {"kd_temperature": 3.0, "kd_reduction": "sum"}]
    found = [blank(distillation(PandaOptions(kd_weight=2.0, **options)), "classification") for options in asked]
    task = toy_task("classification")
    teachers = Teachers(random_backbone(), task.spec.kind, RowReader(task.train), dict(enumerate(found)), CONFIG)
    labels = torch.zeros((3, 4), dtype=torch.int64)
    got_S = teachers.losses(student, teacher, labels, batch_size=4) / label_counts(labels)
    wanted = [
        (F.softmax(student[at] / hot, -1) - F.softmax(teacher[at] / hot, -1)).square().sum().item() * hot**2 * factor
        for at, (hot, factor) in enumerate([(1.0, 1 / 4), (3.0, 1 / 4), (3.0, 1.0)])
    ]
    assert got_S.tolist() == pytest.approx(wanted, rel=1e-5)  # lambda * sim is 1


@pytest.mark.parametrize("options", [PandaOptions, FusionOptions])
def test_temperature_and_reduction_enter_keys_where_they_change_something(options: type[MethodOptions]) -> None:
    both = {"kd_temperature", "kd_reduction"}
    assert not both & options().model_dump().keys()
    assert not both & options.model_validate({"kd_temperature": 1.0, "kd_reduction": "mean"}).model_dump().keys()
    said = {"kd_temperature": 2.0, "kd_reduction": "sum"}
    assert said.items() <= options.model_validate(said).model_dump().items()
    with pytest.raises(ValidationError, match="no effect under the kd_loss 'mse_logit'"):
        options.model_validate({"kd_temperature": 2.0, "kd_loss": "mse_logit"})
    with pytest.raises(ValidationError, match=r"greater than or equal to 0\.1"):
        options.model_validate({"kd_temperature": 0.0})


@pytest.mark.parametrize("said", [{"kd_temperature": 2.0}, {"kd_reduction": "sum"}], ids=str)
def test_the_preset_decides_temperature_and_reduction(said: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="no effect under the preset 'official_code'"):
        PandaOptions.model_validate({"preset": "official_code", **said})


def released_code(student_BC: torch.Tensor, teacher_BC: torch.Tensor, beta: float) -> float:
    """What the released trainer adds to its loss, as it stands there."""
    return (0.1 * beta * F.mse_loss(student_BC, teacher_BC) / len(student_BC)).item()


@pytest.mark.parametrize("kind", ["classification", "regression", "multiple_choice", "tagging", "extractive_qa"])
def test_the_preset_adds_the_released_codes_loss(kind: str) -> None:
    """Two members of a stack, beside one with the paper's loss; padding and unlabelled positions do not count."""
    random = torch.Generator().manual_seed(0)
    task = toy_task(kind)
    shape = {"regression": (3, 1), "tagging": (3, 4, 5), "extractive_qa": (3, 2, 6)}.get(kind, (3, 4))
    student, teacher = torch.randn((3, *shape), generator=random), torch.randn((2, *shape), generator=random)
    labels = torch.zeros((3, *shape[:-1]), dtype=torch.int64)
    expected = [(student[0], teacher[0]), (student[2], teacher[1])]
    if kind == "tagging":
        labels[:, 0, 1:] = labels[:, 1] = -100
        counted = labels[0] != -100
        expected = [(s[counted], t[counted]) for s, t in expected]
    if kind == "extractive_qa":
        student[..., 4:] = teacher[..., 4:] = PADDING_LOGIT
        expected = [(s[..., :4].flatten(0, 1), t[..., :4].flatten(0, 1)) for s, t in expected]
    official = distillation(PandaOptions(preset="official_code", beta=0.3))
    backbone = random_backbone()
    reader = RowReader(task.train)
    teachers = Teachers(backbone, task.spec.kind, reader, {0: blank(official, kind), 2: blank(official, kind)}, CONFIG)
    got_S = teachers.losses(student, teacher, labels, batch_size=3) / label_counts(labels)
    wanted = [released_code(s, t, 0.3) * len(s) / 3 for s, t in expected]  # tags and words count, examples divide
    assert got_S.tolist() == pytest.approx([wanted[0], 0.0, wanted[1]], rel=1e-5)


def blank(distillation: Distillation, kind: str) -> Distillation:
    """The same with a head that suits the kind."""
    outputs = toy_task(kind).spec.output_size
    prompt = Prompt(prefix_of(distillation), torch.zeros(outputs, 32), torch.zeros(outputs))
    return replace(distillation, teachers=(prompt_part(prompt),))


def test_teachers_other_than_target_like_speak_through_the_students_head() -> None:
    source = distillation(PandaOptions(teacher="source"))
    other = distillation(PandaOptions(teacher="random"))
    assert source.student_head
    assert other.student_head
    assert torch.equal(source.teachers[0].tensors["head.bias"], torch.ones(3))
    assert not torch.equal(prefix_of(source), prefix_of(other))


def test_the_target_like_teacher_trains_for_a_short_while() -> None:
    teacher = get_method("teacher")
    assert teacher.config(CONFIG, "small", TeacherOptions()) == replace(CONFIG, epochs=1)
    assert teacher.config(CONFIG, "large", TeacherOptions()) == replace(CONFIG, max_steps=1000)
    for method in ("prompt_tuning", "pot", "panda"):
        for size in ("small", "large"):
            options = get_method(method).Options()
            assert get_method(method).config(CONFIG, size, options) == CONFIG  # type: ignore[arg-type]


@pytest.mark.parametrize(("size", "steps"), [("small", 4), ("large", 8)])
def test_the_target_like_teacher_stops_there(size: SizeClass, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """13 examples in batches of 4 are four steps an epoch; the 1,000 steps of a large task are eight here."""
    monkeypatch.setattr(teacher_method, "_LARGE_TASK_STEPS", 8)
    method = get_method("teacher")
    config = replace(method.config(CONFIG, size, TeacherOptions()), dropout=0.0)
    taken = []
    monkeypatch.setattr(StackedAdamW, "step", lambda self, factor: taken.append(factor))
    source = Prompt(random_prefixes(random_backbone(), 1)[0], torch.ones(3, 32), torch.ones(3))
    member = method.member(Inputs("cell", 3, config, random_backbone().geometry, (source,)), TeacherOptions())
    train_stack(random_backbone(), toy_task("classification"), [member], config)
    assert taken == pytest.approx([1 - step / steps for step in range(steps)])


def test_pot_starts_from_the_source_prompt_and_a_fresh_head_of_its_own_seed() -> None:
    """The source's head would fit: it has as many outputs. The learning rate is too small to move anything."""
    source = Prompt(random_prefixes(random_backbone(), 1)[0], torch.ones(3, 32), torch.ones(3))
    geometry, task = random_backbone().geometry, toy_task("classification")
    config = replace(CONFIG, lr=1e-12, epochs=1)
    inputs = [Inputs(f"cell {seed}", seed, config, geometry, (source,)) for seed in (3, 4)]
    members = [get_method("pot").member(each, MethodOptions()) for each in inputs]
    first, second = (result.artifact for result in train_stack(random_backbone(), task, members, config))
    assert first is not None
    assert second is not None
    for trained, seed in ((first, 3), (second, 4)):
        weight_CD, bias_C = initial_head(3, 32, generator(seed, "head"))
        torch.testing.assert_close(trained["prefix"], source.prefix_LKNPH, rtol=0, atol=1e-9)
        torch.testing.assert_close(trained["head.weight"], weight_CD, rtol=0, atol=1e-9)
        torch.testing.assert_close(trained["head.bias"], bias_C, rtol=0, atol=1e-9)
    assert not torch.allclose(first["head.weight"], second["head.weight"], atol=1e-3)
