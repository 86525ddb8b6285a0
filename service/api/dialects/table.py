"""The dialects that an operator can switch on, by the name in the setting."""

from __future__ import annotations

from collections.abc import Mapping

from service.api.dialects.aws import AwsDialect
from service.api.dialects.azure import AzureDialect
from service.api.dialects.base import Dialect
from service.api.dialects.deepl import DeepLDialect
from service.api.dialects.google import GoogleDialect
from service.api.dialects.hf import HuggingFaceDialect
from service.api.dialects.label_studio import LabelStudioDialect
from service.api.dialects.libretranslate import LibreTranslateDialect
from service.api.dialects.oip import OpenInferenceDialect
from service.settings import DialectName

DIALECTS: Mapping[DialectName, type[Dialect]] = {
    "hf": HuggingFaceDialect,
    "oip": OpenInferenceDialect,
    "libretranslate": LibreTranslateDialect,
    "deepl": DeepLDialect,
    "label-studio": LabelStudioDialect,
    "aws": AwsDialect,
    "google": GoogleDialect,
    "azure": AzureDialect,
}
