"""What goes wrong at a model server, and which of our errors it is: the one place where LiteLLM's exceptions end.

The status that came over the wire decides; the exception's class only where none came or where it was no error.
Messages name alias, model and address and what to do. They hold nothing of the prompt, the reply or a key: what a
backend says about an error is never quoted, because it may repeat the prompt.
"""

from dataclasses import dataclass
from pathlib import Path

from adapters.llm.wire import Wire
from domain.ports.llm import (
    ContextTooLong,
    LLMError,
    ModelBusy,
    ModelDenied,
    ModelMissing,
    ModelRepeats,
    ModelTimedOut,
    ModelUnavailable,
    ReplyTooLong,
    RequestRefused,
)

STATUSES: dict[int, type[LLMError]] = {
    400: RequestRefused,
    401: ModelDenied,
    402: ModelDenied,
    403: ModelDenied,
    404: ModelMissing,
    408: ModelTimedOut,
    409: RequestRefused,
    413: RequestRefused,
    422: RequestRefused,
    429: ModelBusy,
    500: ModelUnavailable,
    502: ModelUnavailable,
    503: ModelBusy,
    504: ModelTimedOut,
    529: ModelBusy,
}

CLASSES: dict[str, type[LLMError]] = {
    "APIConnectionError": ModelUnavailable,
    "APIError": ModelUnavailable,
    "APIResponseValidationError": ModelUnavailable,
    "AuthenticationError": ModelDenied,
    "BadGatewayError": ModelUnavailable,
    "BadRequestError": RequestRefused,
    "BlockedPiiEntityError": RequestRefused,
    "BudgetExceededError": ModelDenied,
    "ContentPolicyViolationError": RequestRefused,
    "ContextWindowExceededError": ContextTooLong,
    "GuardrailRaisedException": RequestRefused,
    "ImageFetchError": RequestRefused,
    "InternalServerError": ModelUnavailable,
    "InvalidRequestError": RequestRefused,
    "JSONSchemaValidationError": ModelUnavailable,
    "LiteLLMUnknownProvider": RequestRefused,
    "MidStreamFallbackError": ModelUnavailable,
    "MockException": ModelUnavailable,
    "ModelNotMappedError": RequestRefused,
    "ModifyResponseException": RequestRefused,
    "NotFoundError": ModelMissing,
    "OpenAIError": ModelUnavailable,
    "PaymentRequiredError": ModelDenied,
    "PermissionDeniedError": ModelDenied,
    "RateLimitError": ModelBusy,
    "RejectedRequestError": RequestRefused,
    "SensitiveDataRouteException": RequestRefused,
    "ServiceUnavailableError": ModelBusy,
    "Timeout": ModelTimedOut,
    "UnprocessableEntityError": RequestRefused,
    "UnsupportedParamsError": RequestRefused,
    "VectorStoreSearchError": RequestRefused,
}

OVERFLOWS = (
    b"context length",
    b"context window",
    b"context size",
    b"context_length",
    b"exceed_context",
    b"too long",
    b"maximum input length",
    b"maximum model length",
    b"input token count",
)
"""What backends write, in small letters, when a prompt does not fit."""

UNKNOWN = b"unknown model"
"""What Triton writes with status 400."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a call goes; what its errors name. `priced` calls are not repeated once an answer began."""

    alias: str
    model: str
    address: str
    kind: str
    provider: str | None = None
    ca_file: Path | None = None
    key_variable: str | None = None
    key_file: Path | None = None
    cloud_allowed: bool = False
    priced: bool = False

    def __str__(self) -> str:
        return f"model '{self.model}' (alias '{self.alias}') at {self.address}"


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What was seen on the wire: whether a request left, the status that came, if any, the wait it asks for, an
    error's first bytes, and whether no secure connection could be made."""

    sent: bool = True
    status: int | None = None
    retry_after: float | None = None
    overflow: bool = False
    refusal: bytes = b""
    insecure: bool = False


def seen_on(wire: Wire) -> Trace:
    return Trace(
        sent=wire.sent,
        status=wire.status,
        retry_after=wire.retry_after,
        overflow=wire.overflow,
        refusal=wire.refusal,
        insecure=wire.insecure,
    )


def overflows(said: bytes) -> bool:
    """Whether what a backend says of an error means that the prompt does not fit."""
    return any(each in said.lower() for each in OVERFLOWS)


def fault(error: BaseException, target: Target, trace: Trace) -> LLMError:
    """Our error for what LiteLLM or the connection raised."""
    if isinstance(error, LLMError):
        return error
    found = made(_kind(error, trace), target, trace)
    if target.priced and trace.status == 200:
        found.retryable = False
    if trace.insecure:
        found.retryable, found.remedy = False, "elsewhere"
    return found


def made(kind: type[LLMError], target: Target, trace: Trace) -> LLMError:
    """An error of `kind` with its sentence."""
    if kind is ModelBusy:
        return ModelBusy(_sentence(kind, target, trace), trace.retry_after)
    return kind(_sentence(kind, target, trace))


def by_status(status: int) -> type[LLMError]:
    """The error for a status that is not a success."""
    if status in STATUSES:
        return STATUSES[status]
    return RequestRefused if 400 <= status < 500 else ModelUnavailable


def by_class(error: BaseException) -> type[LLMError]:
    """The error for an exception of LiteLLM, by the nearest class that the table knows."""
    known = (CLASSES[each.__name__] for each in type(error).__mro__ if each.__name__ in CLASSES)
    return next(known, ModelTimedOut if isinstance(error, TimeoutError) else ModelUnavailable)


def _kind(error: BaseException, trace: Trace) -> type[LLMError]:
    if trace.overflow:
        return ReplyTooLong
    if not trace.sent:
        return RequestRefused
    if trace.status is None:
        return by_class(error)
    if trace.status < 300:
        return ModelTimedOut if by_class(error) is ModelTimedOut else ModelUnavailable
    kind = by_status(trace.status)
    if kind in (RequestRefused, ModelUnavailable) and overflows(trace.refusal):
        return ContextTooLong
    if kind is RequestRefused and UNKNOWN in trace.refusal.lower():
        return ModelMissing
    return kind


def _sentence(kind: type[LLMError], target: Target, trace: Trace) -> str:
    if not trace.sent:
        return f"The request could not be made for {target}; report it, with the versions `caseworks doctor` shows."
    status = f" (HTTP {trace.status})" if trace.status not in (None, 200) else ""
    if trace.insecure:
        return (
            f"No secure connection could be made for {target}: it does not speak https, or its certificate is not "
            "trusted; correct base_url in models.yaml, or name the file of its authority in ca_file."
        )
    if kind is ModelUnavailable and trace.status is None:
        return f"Nothing answers for {target}; start the backend or correct base_url in models.yaml."
    if kind is ModelMissing:
        return f"The backend does not have {target}{status}; {_remedy(target)}."
    if kind is ModelDenied:
        key = f"the file {target.key_file}" if target.key_file else "api_key_env in models.yaml"
        key = f"the environment variable {target.key_variable}" if target.key_variable else key
        return f"The credentials are refused for {target}{status}; check {key}."
    return _SENTENCES[kind].format(target=target, status=status)


def _remedy(target: Target) -> str:
    if target.kind == "ollama":
        return f"run `ollama pull {target.model}`"
    return "load it there or correct the model's name in models.yaml"


_SENTENCES: dict[type[LLMError], str] = {
    ModelUnavailable: "No usable answer came from {target}{status}; look into the backend's log and try again.",
    ModelBusy: "No answer for now from {target}{status}, it is busy; wait, or lower `parallel` in models.yaml.",
    ModelTimedOut: "No complete reply in time from {target}{status}; try again, or use a smaller model.",
    RequestRefused: "The request is called invalid by {target}{status}; see the backend's log for the reason.",
    ContextTooLong: (
        "The prompt does not fit {target}{status}; if its context is smaller than context_tokens in models.yaml, lower "
        "that, else give it less."
    ),
    ModelRepeats: "It says the same over and over: {target}; ask otherwise, or use another model.",
    ReplyTooLong: "The reply passed the size limit from {target}; ask for less.",
}
