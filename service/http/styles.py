"""What differs between the APIs of one server besides their routes: the name, the errors, the form of keys."""

from __future__ import annotations

from dataclasses import dataclass

from service.http.context import NATIVE
from service.http.key_forms import BEARER, KeyForm
from service.http.problems import ProblemWriter, write_problem


@dataclass(frozen=True)
class ApiStyle:
    """The style of one API.

    Args:
        dialect: Its name in metrics and logs.
        write_problem: How its errors are written.
        key: Where its clients put their key.
    """

    dialect: str = NATIVE
    write_problem: ProblemWriter = write_problem
    key: KeyForm = BEARER


NATIVE_STYLE = ApiStyle()
