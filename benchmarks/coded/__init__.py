"""How well models find Action Units of coded faces: what `benchmarks/people.py` is made of."""
