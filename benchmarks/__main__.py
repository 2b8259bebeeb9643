"""
# The command

    python -m benchmarks                          every suite
    python -m benchmarks generator --rounds 3     one of them, in fewer rounds

Each suite prints a table and leaves its numbers in `benchmarks/out/SUITE.json`.
"""

from __future__ import annotations

import argparse

from benchmarks import generator, optimizers, reading, report, serving

SUITES = {"generator": generator.run, "optimizers": optimizers.run, "reading": reading.run, "serving": serving.run}


def main() -> None:
    """Run the suites that the command line names, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure against peers.")
    parser.add_argument("suites", metavar="SUITE", nargs="*", help=f"by default all: {', '.join(SUITES)}")
    parser.add_argument("--rounds", type=int, default=5, help="how often each thing is timed (default: 5)")
    arguments = parser.parse_args()
    if unknown := set(arguments.suites) - SUITES.keys():
        parser.error(f"no such suite: {', '.join(sorted(unknown))}; there are {', '.join(SUITES)}")
    if arguments.rounds < 1:
        parser.error("--rounds must be at least 1")

    for name in arguments.suites or SUITES:
        circumstances = report.circumstances(arguments.rounds)
        result = SUITES[name](arguments.rounds)
        print(report.as_text(name, circumstances, result))
        print(f"The numbers are in {report.write(name, circumstances, result)}.")


if __name__ == "__main__":
    main()
