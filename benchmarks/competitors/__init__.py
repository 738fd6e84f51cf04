"""What is compared: panda_ray in stacks and alone, PEFT under a Trainer, and the schema of the released code."""
