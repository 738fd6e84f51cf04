"""How an answer is told from everything else that a job prints: both sides of `asking.py` know it."""

ANSWER = "panda-ray answers: "
