"""`python -m panda_ray.cli`: the same as `panda-ray`."""

from panda_ray.cli.app import main

main()
