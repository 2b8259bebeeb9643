"""
# The command line

    sidelit build my_package             a site in the folder site/
    sidelit serve my_package             the site on http://127.0.0.1:8000/, rebuilt when a source is saved
    sidelit check my_package             what is wrong in the prose, line by line
    sidelit sections my_package/a.py     the sections of a file, as JSON
    sidelit standalone my_package.a:f    a function or class with all it needs, as one file
    sidelit notebook my_package/a.py     a file as a Jupyter notebook
    sidelit clean                        what is kept between builds, thrown away

The exit status is 0 when all went well, 1 when there is no result (with `--strict`, and in `check`: when anything was
found wrong), and 2 when the command itself was wrong or could not run. What takes time to import is imported by the
command that needs it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sidelit import __version__

if TYPE_CHECKING:
    from sidelit.export.modules import Wanted
    from sidelit.source import Document

_SOURCES = click.argument(
    "sources", metavar="SOURCE...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)

_GLOBS = {
    "include": "Only the files that match this glob, which is read as in a .gitignore; may be given again.",
    "exclude": "Not the files and folders that match this glob; may be given again.",
}


def _readable(context: click.Context, parameter: click.Parameter, globs: tuple[str, ...]) -> tuple[str, ...]:
    if globs:
        from sidelit.selection import GlobError, Globs

        try:
            Globs(globs).check()
        except GlobError as error:
            raise click.BadParameter(str(error)) from None
    return globs


def _globs(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that choose files of the sources."""
    for name, text in reversed(_GLOBS.items()):
        command = click.option(f"--{name}", metavar="GLOB", multiple=True, callback=_readable, help=text)(command)
    return command


_API = click.option("--api", is_flag=True, help="Add an API reference. The sources are imported for it.")

_OUTPUT = click.option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path),
    help="The file to write. One that exists is replaced.",
)  # fmt: skip


def _address(context: click.Context, parameter: click.Parameter, value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
        raise click.BadParameter(f"{value!r} is not an address; write it as HOST:PORT")
    return value


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Turn annotated Python into side-by-side pages."""
    try:
        Path.cwd()
    except OSError as error:
        click.echo(f"sidelit: the current folder: {error.strerror}; go to another", err=True)
        sys.exit(2)


@main.command()
@_SOURCES
@click.option(
    "-o", "--output", "folder", default="site", show_default=True, metavar="DIR", type=click.Path(path_type=Path),
    help="The folder of the site. It is replaced when all went well, and only then.",
)  # fmt: skip
@click.option("--strict", is_flag=True, help="Fail when anything is wrong in a source.")
@_API
@_globs
def build(
    sources: tuple[Path, ...], folder: Path, strict: bool, api: bool, include: tuple[str, ...], exclude: tuple[str, ...]
) -> None:
    """Build a site from packages and files."""
    # Most of what a build makes stays until its end, so to look often for what could be let go takes time for nothing.
    gc.set_threshold(50_000, 20, 100)

    from sidelit.hosts import bare, site

    with _failing_in_one_line(), bare.configured(sources, include, exclude, api) as config:
        built = site.build(config, folder, strict=strict, dated_by=_folder(sources[0]))
        click.echo(site.farewell(built))


@main.command()
@_SOURCES
@click.option(
    "--address", default="127.0.0.1:8000", show_default=True, metavar="HOST:PORT", callback=_address,
    help="Where to serve it.",
)  # fmt: skip
@_API
@_globs
def serve(
    sources: tuple[Path, ...], address: str, api: bool, include: tuple[str, ...], exclude: tuple[str, ...]
) -> None:
    """Build a site, serve it, and build it again when a source changes."""
    from sidelit.hosts import bare
    from sidelit.hosts import serve as server

    with _failing_in_one_line(), bare.configured(sources, include, exclude, api) as config:
        server.serve(config, address)


@main.command()
@_SOURCES
@click.option(
    "--format", "form", default="text", show_default=True, type=click.Choice(["text", "json", "github", "sarif"]),
    help="How to print what was found.",
)  # fmt: skip
def check(sources: tuple[Path, ...], form: str) -> None:
    """Say what is wrong in the prose of packages and files."""
    from sidelit.formats import FORMATS, farewell
    from sidelit.hosts.check import check as run
    from sidelit.settings import SettingsError

    try:
        checked = run(sources)
    except SettingsError as error:
        click.echo(f"sidelit: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        click.echo("sidelit: interrupted", err=True)
        sys.exit(130)
    click.echo(FORMATS[form](checked.findings), nl=False)
    for line in (*checked.notes, farewell(checked.findings, checked.files)):
        click.echo(f"sidelit: {line}" if line in checked.notes else line, err=True)
    sys.exit(bool(checked.findings))


@main.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
def sections(files: tuple[Path, ...]) -> None:
    """Print how files are split, one line of JSON each."""
    from sidelit.source import decode, parse
    from sidelit.tree import module_name

    failed = False
    for path in files:
        try:
            data = path.read_bytes()
        except OSError as error:
            click.echo(f"{path}: cannot be read: {error.strerror}; name a file", err=True)
            failed = True
            continue
        text, diagnostics = decode(data, str(path))
        document = parse(text, str(path), module_name(path))
        for diagnostic in (*diagnostics, *document.diagnostics):
            click.echo(str(diagnostic), err=True)
        click.echo(json.dumps(_model(document)))
    sys.exit(failed)


@main.command()
@click.argument("wanted", metavar="MODULE[:NAME]")
@_OUTPUT
@click.option(
    "--comments", type=click.Choice(["full", "docstrings", "none"]), default="full", show_default=True,
    help="How much of the prose to keep.",
)  # fmt: skip
def standalone(wanted: str, output: Path | None, comments: str) -> None:
    """
    Write a class or function with all that it needs of its package, as one file.

    MODULE is package.module, looked for in this folder and in src, or the path of a file. Without NAME it is the whole
    module.
    """
    from sidelit.export.standalone import make_standalone

    with _refusing_in_one_line():
        result = make_standalone(_find(wanted), comments)
    for diagnostic in result.diagnostics:
        click.echo(str(diagnostic), err=True)
    _write(result.text, output)


@main.command()
@click.argument("file", metavar="FILE")
@_OUTPUT
@click.option(
    "--repo-url", default="", metavar="URL",
    help="The repository on GitHub, with /tree/BRANCH unless that is main: where links lead, and Colab looks.",
)  # fmt: skip
def notebook(file: str, output: Path | None, repo_url: str) -> None:
    """
    Write a file as a Jupyter notebook that runs by itself.

    FILE is a path, or a module as package.module. Without -o the notebook is put into this folder, under the name of
    the file.
    """
    from sidelit.export.notebook import make_notebook, repository_of

    try:
        repository = repository_of(repo_url)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--repo-url") from None
    with _refusing_in_one_line():
        wanted = _find(file)
        output = output or Path(f"{wanted.module.name.rpartition('.')[2]}.ipynb")
        result = make_notebook(wanted, output, repository)
    for diagnostic in result.diagnostics:
        click.echo(str(diagnostic), err=True)
    _write(result.text, output)


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def assets(folder: Path) -> None:
    """
    Write the style, the scripts and the fonts of annotated pages for a host without plugins, such as Zensical.

    DIR is a folder in that of the hand-written pages, such as docs/assets/sidelit.
    """
    from sidelit.hosts.assets import configuration, write_assets

    with _failing_in_one_line():
        write_assets(folder)
    address = folder.as_posix().partition("docs/")[2] or folder.name
    click.echo(f"The files are in {folder}. The configuration has to name them:\n\n{configuration(address)}", nl=False)


@main.command()
def clean() -> None:
    """Empty the cache, where results are kept between builds: that which the project here has chosen, or your own."""
    from sidelit.cache import FILE, Cache
    from sidelit.hosts.check import cache_folder
    from sidelit.settings import SettingsError, find_settings

    try:
        folder = cache_folder(find_settings(Path.cwd()))
    except SettingsError as error:
        click.echo(f"sidelit: {error}", err=True)
        sys.exit(2)
    if (folder / FILE).exists():
        with Cache(folder) as cache:
            if not cache.clear():
                click.echo(f"{folder / FILE}: cannot be emptied; end what uses it, or delete it", err=True)
                sys.exit(1)
    click.echo(f"The cache in {folder} is empty.")


def _find(argument: str) -> Wanted:
    from sidelit.export.modules import find_wanted

    wanted = find_wanted(argument)
    if isinstance(wanted, str):
        raise click.UsageError(wanted)
    return wanted


def _write(text: str, output: Path | None) -> None:
    """Write to a file, or to where the output goes."""
    from sidelit.export.output import encoded, write_file

    if output is None or str(output) == "-":
        click.echo(encoded(text), nl=False)
    elif problem := write_file(output, text):
        click.echo(f"{output}: {problem}", err=True)
        sys.exit(1)


@contextlib.contextmanager
def _refusing_in_one_line() -> Iterator[None]:
    from sidelit.export.modules import Refusal

    try:
        yield
    except Refusal as refusal:
        click.echo(str(refusal), err=True)
        sys.exit(1)


def _model(document: Document) -> dict[str, Any]:
    """The part of a document that others may rely on."""
    names = ("number", "anchor", "kind", "qualname", "docs", "doc_lines", "code_lines")
    return {
        "path": document.path,
        "title": document.title,
        "summary": document.summary,
        "sections": [{name: getattr(section, name) for name in names} for section in document.sections],
    }


def _folder(path: Path) -> Path:
    return path if path.is_dir() else path.parent


@contextlib.contextmanager
def _failing_in_one_line() -> Iterator[None]:
    from sidelit.hosts.site import SiteError

    try:
        yield
    except SiteError as error:
        click.echo(f"sidelit: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("sidelit: interrupted", err=True)
        sys.exit(130)
