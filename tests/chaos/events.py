"""Files of events to load, each event once and hard to compress."""

import json
import random
from pathlib import Path


def write_events(file: Path, first: int, count: int) -> Path:
    """Events number `first` and following; about 350 bytes each."""
    source = random.Random(first)
    with file.open("w", encoding="utf-8") as lines:
        for number in range(first, first + count):
            properties = {
                "time": 1735732800 + number,
                "distinct_id": "u",
                "$insert_id": f"i{number}",
                "noise": f"{source.getrandbits(1000):x}",
            }
            lines.write(json.dumps({"event": "Signup", "properties": properties}) + "\n")
    return file
