"""What VOT's protocols write and their scores read: codes in place of regions, and the restart's gap."""

REGION, NOT_RUN, STARTED, FAILED = -1, 0, 1, 2
"""What a frame holds: the tracker's region, or a code of the result files: frame not run, tracker initialized here,
tracker failed here. `REGION` is ours and stands in no file."""

CODES = (NOT_RUN, STARTED, FAILED)
"""Those that stand in files."""

SKIP_FRAMES = 5
"""A tracker that fails in frame f is initialized again in frame f + 5."""
