"""`pysot trax`: a tracker as the VOT toolkit starts it, and what checks that it would work."""
