"""Prompts, their heads, how they start and how they leave."""

from panda_ray.prompts.prompt import Prompt

__all__ = ["Prompt"]
