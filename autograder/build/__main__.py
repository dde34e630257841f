import sys
from pathlib import Path

from autograder.build import build_labs
from autograder.errors import KitError

try:
    build_labs(Path.cwd(), [a for a in sys.argv[1:] if a != "--check"], check="--check" in sys.argv, report=print)
except KitError as error:
    sys.exit(f"{error}\n  {error.hint or ''}")
