"""Side-by-side measurements of panda_ray and of what a user would otherwise run; see README.md beside this file."""
