"""`python -m creatorpool.cli`: the command line of a checkout that is not installed."""

from creatorpool.cli.main import run

if __name__ == "__main__":
    run()
