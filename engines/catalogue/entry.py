"""Catalogue entries: what they hold, and how they are read from YAML."""

import math
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from engines.catalogue.download import Url
from engines.catalogue.package_clients import Archive, Client
from engines.catalogue.registry import RegistryMember
from engines.catalogue.strict_yaml import YamlError, read_yaml
from engines.catalogue.tar import is_inside
from engines.catalogue.values import (
    Catalogued,
    CataloguedFile,
    Converted,
    Converter,
    Direction,
    Kind,
    Quality,
    Source,
    UserFile,
)
from engines.errors import EntryError
from engines.quality.specification import ColourOrder, InputSpecification, Layout

Number = Annotated[float, Field(allow_inf_nan=False)]
Place = tuple[Number, Number]
FivePoints = tuple[Place, Place, Place, Place, Place]
ThreePoints = tuple[Place, Place, Place]
Template = Annotated[
    Annotated[FivePoints, Tag("five points")] | Annotated[ThreePoints, Tag("three points")],
    Discriminator(
        lambda value: (
            "three points" if isinstance(value, list | tuple) and len(value) == 3 else "five points"
        )
    ),
]

ARCFACE_TEMPLATE: FivePoints = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
"""
Pixels at 112x112: the landmarks most face recognition networks are trained with.

Source: Deng et al., "ArcFace", arXiv 1801.07698, and its InsightFace code.
"""


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


FormT = TypeVar("FormT", bound=_Form)
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# Package and version become arguments of npm and pip, so they may not look like options.
Package = Annotated[str, Field(pattern=r"^(@[a-z0-9][a-z0-9._-]*/)?[A-Za-z0-9][A-Za-z0-9._-]*$")]
Version = Annotated[str, Field(pattern=r"^[0-9][0-9A-Za-z.+-]*$")]
PIXELS = range(16, 1025)
"""Width and height that an entry may state."""
PixelCount = Annotated[int, Field(ge=PIXELS[0], le=PIXELS[-1])]
NumberOrChannels = Annotated[
    Annotated[Number, Tag("number")]
    | Annotated[tuple[Number, Number, Number], Tag("three channels")],
    Discriminator(lambda value: "three channels" if isinstance(value, list | tuple) else "number"),
]


class _ArchiveForm(_Form):
    client: Client
    package: Package
    version: Version
    sha256: Sha256
    bytes: Annotated[int, Field(gt=0)] | None = None

    def value(self) -> Archive:
        return Archive(self.client, self.package, self.version, self.sha256, self.bytes)


class _SpecificationForm(_Form):
    width: PixelCount
    height: PixelCount
    colour: ColourOrder
    mean: NumberOrChannels
    scale: NumberOrChannels
    layout: Layout = "nchw"
    template: Literal["arcface"] | Template

    @model_validator(mode="after")
    def _is_possible(self) -> "_SpecificationForm":
        if self.scale == 0 or (isinstance(self.scale, tuple) and 0 in self.scale):
            raise ValueError("scale divides pixel values and cannot be 0")
        if self.colour == "grey" and (
            isinstance(self.mean, tuple) or isinstance(self.scale, tuple)
        ):
            raise ValueError("a grey image has one channel: give one mean and one scale")
        if self.template == "arcface" and (self.width, self.height) != (112, 112):
            raise ValueError(
                "template 'arcface' is for 112x112: give five points in pixels, or three"
            )
        if not all(0 <= x < self.width and 0 <= y < self.height for x, y in self.points()):
            raise ValueError("template: a point lies outside the image (pixels, not fractions)")
        if all(math.isclose(x, self.points()[0][0]) for x, _ in self.points()):
            raise ValueError("template: the points lie on one line")
        return self

    def points(self) -> Template:
        return ARCFACE_TEMPLATE if self.template == "arcface" else self.template

    def value(self) -> InputSpecification:
        return InputSpecification(
            self.width, self.height, self.colour, self.mean, self.scale, self.layout, self.points()
        )


class _FileForm(_Form):
    name: Annotated[str, Field(min_length=1)]
    archive: str | _ArchiveForm | None = None
    member: str | None = None
    url: str | None = None
    bytes: Annotated[int, Field(gt=0)] | None = None
    file: str | None = None
    converter: Converter | None = None
    from_: Annotated[tuple["_FileForm", ...], Field(alias="from")] = ()
    sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> "_FileForm":
        if [self.archive, self.url, self.file, self.converter].count(None) != 3:
            raise ValueError(
                "give exactly one of 'archive' (with 'member'), 'url', 'file' and "
                "'converter' (with 'from')"
            )
        if self.file is None and self.sha256 is None:
            raise ValueError("'sha256' is needed for anything that is not your own file")
        if (self.archive is None) != (self.member is None):
            raise ValueError("'archive' and 'member' belong together")
        if (self.converter is None) != (not self.from_):
            raise ValueError("'converter' and 'from' belong together")
        return self

    @model_validator(mode="after")
    def _stays_in_bounds(self) -> "_FileForm":
        if self.member is not None and not is_inside(self.member):
            raise ValueError("'member' must be a relative path without '..'")
        if self.url is not None and urlsplit(self.url).scheme not in ("http", "https"):
            raise ValueError("'url' must start with https:// or http://; use 'file' for a path")
        return self


NEEDED: dict[Kind, tuple[str, ...]] = {
    "network": ("specification", "embedding_length"),
    "quality": ("specification", "direction"),
    "detector": (),
    "photographs": (),
}
"""Keys that an entry of each kind must have, and no other may but with them `output`."""


class _EntryForm(_Form):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    kind: Kind
    licence: Annotated[str, Field(min_length=1)]
    note: str = ""
    embedding_length: Annotated[int, Field(ge=2, le=65536)] | None = None
    output: Annotated[str, Field(min_length=1)] | None = None
    direction: Direction | None = None
    specification: _SpecificationForm | None = None
    quality: Quality | None = None
    files: Annotated[tuple[_FileForm, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "_EntryForm":
        needed = NEEDED[self.kind]
        if any(getattr(self, key) is None for key in needed):
            raise ValueError(
                f"an entry of kind {self.kind} needs {' and '.join(f'{key!r}' for key in needed)}"
            )
        allowed = {*needed, "output"} if needed else set()
        for key in ("specification", "embedding_length", "direction", "output"):
            if getattr(self, key) is not None and key not in allowed:
                raise ValueError(f"{key!r} is not for {self.kind}")
        if self.quality is not None and self.kind != "network":
            raise ValueError(f"'quality' is not for {self.kind}")
        if needed and len(self.files) != 1:
            raise ValueError(f"files: kind {self.kind} is one file")
        return self


class _CatalogueForm(_Form):
    archives: dict[str, _ArchiveForm]
    entries: tuple[_EntryForm, ...]


def read_catalogue(path: Path) -> tuple[Catalogued, ...]:
    """
    Return the entries of a catalogue file (`archives:` by name, and a list of `entries:`).

    Raises:
        EntryError: Naming the file and each wrong key.
    """
    form = _validated(_CatalogueForm, path)
    archives = {name: archive.value() for name, archive in form.archives.items()}
    return tuple(_entry(entry, archives, path) for entry in form.entries)


def read_entry(path: Path) -> Catalogued:
    """
    Return the one entry of a user's file; its `file:` paths are relative to that file.

    Raises:
        EntryError: The file is missing or wrong; names the file and each wrong key.
    """
    return _entry(_validated(_EntryForm, path), {}, path)


def _entry(form: _EntryForm, archives: dict[str, Archive], path: Path) -> Catalogued:
    return Catalogued(
        name=form.name,
        kind=form.kind,
        licence=form.licence,
        files=_files(form.files, archives, path),
        specification=form.specification.value() if form.specification else None,
        embedding_length=form.embedding_length,
        note=" ".join(form.note.split()),
        output=form.output,
        direction=form.direction,
        quality=form.quality or "own",
    )


def _files(
    forms: tuple[_FileForm, ...], archives: dict[str, Archive], path: Path
) -> tuple[CataloguedFile, ...]:
    return tuple(
        CataloguedFile(form.name, _source(form, archives, path), form.sha256) for form in forms
    )


def _source(form: _FileForm, archives: dict[str, Archive], path: Path) -> Source:
    if form.file is not None:
        return UserFile((path.parent / Path(form.file).expanduser()).absolute())
    if form.url is not None:
        return Url(form.url, form.bytes)
    if form.converter is not None:
        return Converted(form.converter, _files(form.from_, archives, path))
    return RegistryMember(_archive(form, archives, path), form.member or "")


def _archive(form: _FileForm, archives: dict[str, Archive], path: Path) -> Archive:
    if isinstance(form.archive, _ArchiveForm):
        return form.archive.value()
    try:
        return archives[str(form.archive)]
    except KeyError:
        raise EntryError(
            f"{path}: files: {form.name}: archive {form.archive!r} is not a name under "
            "'archives'; in a file of your own write its client, package, version and sha256"
        ) from None


def _validated(form: type[FormT], path: Path) -> FormT:
    try:
        return form.model_validate(_loaded(path))
    except ValidationError as error:
        lines = [_problem(path, problem) for problem in error.errors(include_url=False)]
        raise EntryError("\n".join(lines)) from error


def _problem(path: Path, problem: ErrorDetails) -> str:
    key = ".".join(str(part) for part in problem["loc"]) or "entry"
    message = problem["msg"].removeprefix("Value error, ")
    plain = isinstance(problem["input"], str | int | float)
    got = f", got {problem['input']!r}" if plain else ""
    return f"{path}: {key}: {message}{got}"


def _loaded(path: Path) -> object:
    try:
        return read_yaml(path)
    except YamlError as error:
        raise EntryError(str(error)) from error
