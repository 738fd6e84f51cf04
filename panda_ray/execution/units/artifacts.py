"""Files that units leave, by name: whoever writes, reads or logs one calls it the same."""

from __future__ import annotations

PROMPT_FILE = "prompt.safetensors"
PREDICTIONS_FILE = "predictions.parquet"
EMBEDDING_FILE = "embedding.npy"
