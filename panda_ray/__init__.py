"""panda_ray: prompt transfer at the scale of a grid.

A frozen backbone, a small trained prompt per task, and every source x target pair of a study as one sweep file.
"""

__version__ = "0.1.0"
