"""What all commands share on top of typer: help, shell completion, and the error for a missing package."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from seqserve.cli.checkout import how_to_get, use_checkout

_COMPLETIONS = {
    "--show-completion": "Print the completion script of a shell.",
    "--install-completion": "Install completion for a shell.",
}
_SHELLS = ("bash", "zsh", "fish")
F = TypeVar("F", bound=Callable[..., Any])


def _without_types_of_flags(params: list[Any]) -> list[Any]:
    """Leave `<bool>` out of the help: a flag takes no value."""
    for one in params:
        if isinstance(one, TyperOption) and one.is_flag and one.metavar is None:
            one.metavar = ""
    return params


class Command(TyperCommand):
    """A command whose flags are shown without a type."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters."""
        return _without_types_of_flags(super().get_params(ctx))


class Group(TyperGroup):
    """A group whose flags are shown without a type."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters."""
        return _without_types_of_flags(super().get_params(ctx))


class RootGroup(Group):
    """The command line as a whole."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters; those of completion take the name of a shell."""
        params = super().get_params(ctx)
        for one in params:
            for name in _COMPLETIONS.keys() & set(one.opts):
                one.metavar, one.help = "[SHELL]", f"{_COMPLETIONS[name]} {', '.join(_SHELLS)}."
        return params

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Answer what asks for completion, and leave the rest to typer."""
        if args and args[0] in _COMPLETIONS and not ctx.resilient_parsing:
            _complete(args[0], args[1] if len(args) > 1 else _current_shell(), ctx)
        rest: list[str] = super().parse_args(ctx, args)
        return rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Raises:
            Exit: A package is missing, or a folder of the checkout.
        """
        use_checkout()
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.startswith("seqserve"):
                raise
            typer.echo(f"seqserve: {how_to_get(error.name)}", err=True)
            raise typer.Exit(1) from error


class App(typer.Typer):
    """A typer app whose commands are ours."""

    def __init__(self, *, cls: type[TyperGroup] = Group, **settings: Any) -> None:
        super().__init__(cls=cls, no_args_is_help=True, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[F], F]:
        """Return a decorator that adds a command."""
        settings.setdefault("cls", Command)
        return super().command(name, **settings)


def _current_shell() -> str:
    """Return the name of the shell that called this program, or else of the user's login shell."""
    import shellingham  # type: ignore[import-untyped]

    try:
        name: str = shellingham.detect_shell()[0]
    except (shellingham.ShellDetectionFailure, OSError):
        return Path(os.environ.get("SHELL", "")).name
    return name


def _complete(option: str, shell: str, ctx: Any) -> None:
    """Print or install a completion script.

    Raises:
        Exit: Always; with 2 if the shell is unknown.
    """
    from typer._completion_shared import get_completion_script, install

    if shell not in _SHELLS:
        named = f"{shell!r} is no shell that has completion" if shell else "no shell was found"
        typer.echo(f"seqserve: {named}; name one: {option} {'|'.join(_SHELLS)}", err=True)
        raise typer.Exit(2)
    program = ctx.find_root().info_name or "seqserve"
    variable = f"_{program}_COMPLETE".replace("-", "_").upper()
    if option == "--show-completion":
        typer.echo(get_completion_script(prog_name=program, complete_var=variable, shell=shell))
    else:
        _, path = install(shell=shell, prog_name=program, complete_var=variable)
        typer.echo(f"{shell} completion is installed in {path}; it works in new terminals")
    raise typer.Exit()
