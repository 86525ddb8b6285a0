"""The one error tree.

Every class has a `code` (stable, machine-readable) and a `status` (the HTTP status that the gateway
answers with). The messages of 4xx, `UnavailableError` and `TextFailed` are public; others go to the log only.

```text
SeqserveError                      500 internal
├── TextFailed                     500 internal              names the text
├── InputError                     422 invalid_field         the caller's error
│   ├── InvalidJson                400 invalid_json
│   ├── MissingKey                 401 missing_key
│   ├── UnknownKey                 403 unknown_key
│   ├── NotFound                   404 not_found
│   ├── MethodNotAllowed           405 method_not_allowed
│   ├── HostNotAllowed             421 host_not_allowed
│   ├── UnsupportedMediaType       415 unsupported_media_type
│   ├── BodyTooLarge               413 body_too_large
│   ├── TextTooLong                413 text_too_long
│   ├── TooManyTexts               413 too_many_texts
│   ├── UnknownModel               422 unknown_model
│   └── UnsupportedLanguagePair    422 unsupported_language_pair
├── UnavailableError               503 model_unavailable     the server's state; a retry may succeed
│   ├── NotReady                   503 not_ready
│   ├── Draining                   503 draining
│   ├── Overloaded                 429 overloaded
│   ├── RateLimited                429 rate_limited
│   └── DeadlineExceeded           504 deadline_exceeded
├── ConfigError                    500 invalid_config        a recipe, a setting or a bundle's config
├── DataError                      500 invalid_data          a training or evaluation file
├── BundleError                    500 invalid_bundle        a model directory on disk
├── CheckpointError                500 invalid_checkpoint    a checkpoint that cannot be imported
└── ExportError                    500 export_failed         torch and onnxruntime disagree
```
"""

from __future__ import annotations

from typing import ClassVar

INTERNAL_SENTENCE = (
    "Something went wrong on our side; the log has the details under this request id."
)
"""The public detail of every internal error."""


class SeqserveError(Exception):
    """Root of all errors that this project raises on purpose.

    `request_id` and `text_index` are what seqserve.client knows of a request that failed: its id in the
    server's log, and which of the caller's texts is to blame, where it is one.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    request_id: str | None = None
    text_index: int | None = None


class TextFailed(SeqserveError):
    """An engine failed on one text. The message names the text and is public."""


class InputError(SeqserveError):
    """The request cannot be answered as it stands; the message says what is allowed."""

    code = "invalid_field"
    status = 422
    title = "Invalid field"


class InvalidJson(InputError):
    """The body is not JSON, or not UTF-8."""

    code = "invalid_json"
    status = 400
    title = "Invalid JSON"


class MissingKey(InputError):
    """Keys are configured, and the request has none."""

    code = "missing_key"
    status = 401
    title = "Missing key"


class UnknownKey(InputError):
    """The request's key is none of those configured."""

    code = "unknown_key"
    status = 403
    title = "Unknown key"


class NotFound(InputError):
    """No such route."""

    code = "not_found"
    status = 404
    title = "Not found"


class MethodNotAllowed(InputError):
    """The route exists, but not for this method."""

    code = "method_not_allowed"
    status = 405
    title = "Method not allowed"


class HostNotAllowed(InputError):
    """The request names a host that the server does not answer for."""

    code = "host_not_allowed"
    status = 421
    title = "Host not allowed"


class UnsupportedMediaType(InputError):
    """The body's content type is not JSON."""

    code = "unsupported_media_type"
    status = 415
    title = "Unsupported media type"


class BodyTooLarge(InputError):
    """The body has more bytes than the limit."""

    code = "body_too_large"
    status = 413
    title = "Body too large"


class TextTooLong(InputError):
    """One text has more characters than the limit."""

    code = "text_too_long"
    status = 413
    title = "Text too long"


class TooManyTexts(InputError):
    """The request has more texts than the limit."""

    code = "too_many_texts"
    status = 413
    title = "Too many texts"


class UnknownModel(InputError):
    """The server has no model of this name for the task."""

    code = "unknown_model"
    status = 422
    title = "Unknown model"


class UnsupportedLanguagePair(InputError):
    """No loaded bundle translates between these languages."""

    code = "unsupported_language_pair"
    status = 422
    title = "Unsupported language pair"


class UnavailableError(SeqserveError):
    """The model cannot answer now; trying again later may help."""

    retry_after_s: int = 1
    code = "model_unavailable"
    status = 503
    title = "Model unavailable"


class NotReady(UnavailableError):
    """Models are still loading."""

    code = "not_ready"
    title = "Not ready"


class Draining(UnavailableError):
    """The server is shutting down."""

    code = "draining"
    title = "Draining"


class Overloaded(UnavailableError):
    """The task's queue is full; nothing was computed."""

    code = "overloaded"
    status = 429
    title = "Overloaded"


class RateLimited(UnavailableError):
    """The key has used up its requests of this minute; `retry_after_s` is when there is one again."""

    code = "rate_limited"
    status = 429
    title = "Rate limited"

    def __init__(self, message: str = "", retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DeadlineExceeded(UnavailableError):
    """The answer would have come after the caller's deadline."""

    code = "deadline_exceeded"
    status = 504
    title = "Deadline exceeded"


class ConfigError(SeqserveError):
    """A recipe, a setting or a bundle's config has an unknown key or an impossible value."""

    code = "invalid_config"
    title = "Invalid configuration"


class DataError(SeqserveError):
    """A training or evaluation file is missing or malformed."""

    code = "invalid_data"
    title = "Invalid data"


class BundleError(SeqserveError):
    """A model directory is damaged, incomplete or of a newer format."""

    code = "invalid_bundle"
    title = "Invalid bundle"


class CheckpointError(SeqserveError):
    """A checkpoint directory that cannot be imported; says why, and what to do."""

    code = "invalid_checkpoint"
    title = "Invalid checkpoint"


class ExportError(SeqserveError):
    """The outputs of the exported graph differ from those of the torch model."""

    code = "export_failed"
    title = "Export failed"
