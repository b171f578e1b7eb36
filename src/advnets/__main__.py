"""`python -m advnets` is the command `advnets`."""

from advnets.cli.main import run

if __name__ == "__main__":
    run()
