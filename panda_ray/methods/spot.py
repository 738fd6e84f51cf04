"""SPoT from several sources (Vu et al., 2022, https://arxiv.org/abs/2110.07904, Sec. 3.2): their weighted mean starts.

The initial prompt is sum_i sim_i u_i / sum_i sim_i; a negative similarity counts as 0. SPoT retrieves by the cosine of
the prompts averaged over their tokens: `{method: spot, sources: {top: k, by: e_avg}}`. Its other retrieval, the best of
the top k, is PoT from each of them: `{method: pot, sources: {top: k, by: e_avg}}`.
"""

from __future__ import annotations

from panda_ray.methods.distillation.panda_fusion import weights
from panda_ray.methods.method import Inputs, Method, MethodOptions
from panda_ray.methods.requirements import PairSimilarities, Requirement, SourcePrompts
from panda_ray.methods.starts import joined_prefixes
from panda_ray.metrics import MetricChoice
from panda_ray.training.member import Member


class SpotOptions(MethodOptions):
    """Options of SPoT."""

    metric: MetricChoice = MetricChoice(metric="e_avg")
    """Transferability metric that weighs the sources: its name, or `{metric: NAME, options: {...}}`."""


class Spot(Method):
    """The prompt starts as the weighted mean of the source prompts, the head is fresh; then as in PoT."""

    name = "spot"
    summary = "transfer by initialisation from several sources: the mean of their prompts by similarity (SPoT)"
    sources = "several"
    Options = SpotOptions

    def requires(self, options: MethodOptions) -> tuple[Requirement, ...]:
        assert isinstance(options, SpotOptions)
        return SourcePrompts(), PairSimilarities(options.metric)

    def member(self, inputs: Inputs, options: MethodOptions) -> Member:
        import torch

        from panda_ray.training.trainables.prefix import prefix_part

        share_n = torch.tensor(weights(inputs.similarities, "sum"))
        prefix_nLKNPH = joined_prefixes(inputs, inputs.source_prompts, self.name)
        start = prefix_part(torch.einsum("n,n...->...", share_n, prefix_nLKNPH))
        return Member(inputs.name, inputs.seed, inputs.config.lr, start)
