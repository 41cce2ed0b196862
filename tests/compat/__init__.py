"""Programs as users of PySOT have them, written against its public API alone; `test_programs.py` runs them."""
