"""The main job on real servers: one line of code, one key in each of six places."""
