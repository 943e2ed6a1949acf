"""Whether calls to models are recorded, or answered from a recording; what is configured stays as it was then."""

from pathlib import Path

from adapters.llm.configuration import Models
from adapters.llm.recording import RecordingLLM, ReplayingLLM
from adapters.llm.tape import BadTape, Recorder, Tape
from config.reading import ConfigurationError
from config.settings import Settings
from config.watched import Fixed
from domain.ports.llm import LLM
from domain.routing import Routing


class Taping:
    """Raises ConfigurationError for a tape that cannot be read or written."""

    def __init__(self, settings: Settings) -> None:
        self._to, self._from = settings.record, settings.replay
        self._recorder: Recorder | None = None
        self._tape = None if self._from is None else _tape(self._from)

    @property
    def replays(self) -> bool:
        """Whether no model is asked."""
        return self._tape is not None

    def recorded(self) -> tuple[Fixed[Models | None], Fixed[Routing]] | None:
        """What was configured when the recording was made that answers now."""
        if self._tape is None:
            return None
        models, routing = _configured(self._tape, self._from)
        return Fixed(models), Fixed(routing)

    def begun(self, models: Models | None, routing: Routing) -> tuple[Fixed[Models | None], Fixed[Routing]]:
        """Begins a recording with what is configured, which is in force from now on."""
        if self._to is not None:
            self._recorder = _recorder(self._to, models, routing)
        return Fixed(models), Fixed(routing)

    def around(self, llm: LLM) -> LLM:
        if self._tape is not None:
            return ReplayingLLM(llm, self._tape)
        return llm if self._recorder is None else RecordingLLM(llm, self._recorder)


def _tape(path: Path) -> Tape:
    try:
        return Tape(path)
    except BadTape as error:
        raise ConfigurationError(str(error)) from None


def _recorder(path: Path, models: Models | None, routing: Routing) -> Recorder:
    """Of models what models.yaml says: where keys are, never what they are."""
    written = None if models is None else models.model_dump(mode="json", exclude_defaults=True)
    try:
        return Recorder(path, {"models": written, "routing": routing.model_dump(mode="json")})
    except BadTape as error:
        raise ConfigurationError(str(error)) from None


def _configured(tape: Tape, path: Path | None) -> tuple[Models | None, Routing]:
    models = tape.configuration.get("models")
    try:
        routing = Routing.model_validate(tape.configuration.get("routing"))
        return (None if models is None else Models.model_validate(models)), routing
    except ValueError:
        raise ConfigurationError(f"The first line of {path} does not say which models there were.") from None
