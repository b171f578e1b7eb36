"""Train the demo's recipe on digits for a minute, draw samples, measure them.

Measured: see docs/results.md, where `python3 go.py demo` does the same.
"""

import sys

import advnets

minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
run = advnets.train("paper-adam", data="digits", minutes=minutes)
run.sample(64).save("grid.png")
print(run.evaluate())
