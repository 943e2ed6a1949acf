"""The program in which foreign formats are parsed, with limits on memory, time and files.

It is run by its path (`python -I child.py <media type> <memory> <seconds> <characters>`), the document on its standard
input, and writes one JSON object: {"text": ...}, or {"error": a key of `reader.PROBLEMS`}. Nothing in Caseworks imports
this module or the parsers.
"""

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path


def main() -> None:
    media_type, memory, seconds, characters = sys.argv[1], *map(int, sys.argv[2:5])
    output, sys.stdout = sys.stdout.buffer, sys.stderr
    limit(memory, seconds)
    try:
        answer = {"text": parse(media_type, sys.stdin.buffer.read(), characters)}
    except Exception as error:  # whatever a parser raises ends here; the parent has a sentence for each
        answer = {"error": problem_of(error)}
    output.write(json.dumps(answer, ensure_ascii=False).encode())
    output.flush()


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


def parse(media_type: str, data: bytes, characters: int) -> str:
    from adapters.documents.decoding import clean, decode
    from adapters.documents.trouble import Trouble

    if media_type == "application/pdf":
        text = _parser(media_type)(data, characters)
    else:
        decoded = decode(data, declares=media_type == "text/html")
        if decoded is None:
            raise Trouble("binary")
        text = _parser(media_type)(clean(decoded), characters)
    text = clean(text)
    if len(text) > characters:
        raise Trouble("long")
    return text


def _parser(media_type: str) -> Callable[..., str]:
    if media_type == "application/pdf":
        from adapters.documents.pdf_text import text_of_pdf

        return text_of_pdf
    if media_type == "text/html":
        from adapters.documents.html_text import text_of_html

        return text_of_html
    from adapters.documents.data_text import text_of_csv, text_of_json

    return text_of_csv if media_type == "text/csv" else text_of_json


def problem_of(error: Exception) -> str:
    from adapters.documents.trouble import Trouble

    if isinstance(error, Trouble):
        return error.problem
    if isinstance(error, MemoryError):
        return "memory"
    return "nested" if isinstance(error, RecursionError) else "malformed"


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).resolve().parents[2]))  # isolated mode leaves it out
    main()
