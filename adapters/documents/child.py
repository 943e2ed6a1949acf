"""The program in which foreign formats are parsed, with limits on memory, time and files.

It is run by its path (`python -I child.py <media type> <memory> <seconds> <characters>`), the document on its standard
input, and writes one JSON object: {"text": ..., "places": [[offset, name], ...]}, or {"error": a key of
`refusals.PROBLEMS`}. Nothing in Caseworks imports this module or the parsers.
"""

import json
import resource
import sys
from pathlib import Path


def main() -> None:
    media_type, memory, seconds, characters = sys.argv[1], *map(int, sys.argv[2:5])
    output, sys.stdout = sys.stdout.buffer, sys.stderr
    limit(memory, seconds)
    output.write(json.dumps(answer(media_type, sys.stdin.buffer.read(), characters), ensure_ascii=False).encode())
    output.flush()


def answer(media_type: str, data: bytes, characters: int) -> dict[str, object]:
    from adapters.documents.assembly import Reading
    from adapters.documents.parsers import parse, problem_of

    try:
        parsed = parse(media_type, data, Reading(characters))
    except Exception as error:  # whatever a parser raises ends here; the parent has a sentence for each
        return {"error": problem_of(error)}
    return {"text": parsed.text, "places": parsed.places}


def limit(memory: int, seconds: int) -> None:
    """No more memory, processor time, open files or processes than these, no written files, no core dumps."""
    limits = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 32,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_CORE: 0,
    }
    if sys.platform != "darwin":  # macOS takes the limit and then fails to keep it
        limits[resource.RLIMIT_AS] = memory
    for kind, value in limits.items():
        _, hard = resource.getrlimit(kind)
        least = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (least, least))


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).resolve().parents[2]))  # isolated mode leaves it out
    main()
