"""Print the JSON Schema of result.json.

`python -m autograder.results > docs/result.schema.json` updates the documented one.
"""

from __future__ import annotations

import json

from autograder.results.result import json_schema

if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
