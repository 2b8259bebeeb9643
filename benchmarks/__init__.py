"""
# Benchmarks

`python -m benchmarks` measures this project against its peers and prints ratios, because seconds of one machine say
little about another. Each suite is a module here with a function `run`; `__main__` names them all.

Nothing fails here. A target that is missed is printed as missed.
"""
