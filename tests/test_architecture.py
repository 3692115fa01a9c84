"""The picture in docs/architecture.md is of the package as it is."""

import ast
import re
from pathlib import Path

from wholesale.manifest import ROOT

DOCUMENT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
BOXES = re.findall(r"^ *(\w+)\[\"[^<]*<br/>([^\"]*)\"\]$", DOCUMENT, re.MULTILINE)
ARROWS = set(re.findall(r"^ *(\w+) --> (\w+)$", DOCUMENT, re.MULTILINE))
SHARED = re.search(r"^ *class (\w+) shared$", DOCUMENT, re.MULTILINE)[1]
ROOMS = {name: room for room, names in BOXES for name in names.split(" · ")}
"""The room in which a module or a whole folder is; a box's second line says what is in it."""

PACKAGE = ROOT / "wholesale"
MODULES = {path: path.relative_to(PACKAGE).with_suffix("").parts for path in PACKAGE.rglob("*.py")}


def _room(parts: tuple[str, ...]) -> str | None:
    known = (ROOMS.get("/".join(parts[:i])) for i in range(len(parts), 0, -1))
    return next(filter(None, known), None)


def _imports(path: Path) -> set[tuple[str, ...]]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "wholesale":
            parts = tuple(node.module.split(".")[1:])
            found |= {parts} if parts else {(alias.name,) for alias in node.names}
    return found


def test_every_module_has_a_room_and_no_room_is_made_up():
    assert not [parts for parts in MODULES.values() if parts[-1][:2] != "__" and not _room(parts)]
    assert not [name for name in ROOMS if not [*PACKAGE.glob(f"{name}.py"), *PACKAGE.glob(f"{name}/")]]


def test_every_arrow_is_an_import_and_every_import_an_arrow():
    pairs = {(_room(parts), _room(other)) for path, parts in MODULES.items() for other in _imports(path)}
    pairs = {(one, other) for one, other in pairs if one and other and one != other}
    assert not [other for one, other in pairs if one == SHARED]
    assert {(one, other) for one, other in pairs if other != SHARED} == ARROWS


def test_arrows_point_one_way():
    left = ARROWS
    while left:
        ends = {room for _, room in left} - {room for room, _ in left}
        assert ends, f"a circle: {sorted(left)}"
        left = {(one, other) for one, other in left if other not in ends}


def test_the_places_it_names_are_there():
    for path in re.findall(r"`((?:wholesale|tests|share|docs|notebooks)/[\w./]+)`", DOCUMENT):
        assert (ROOT / path).exists(), path
    for module, name in re.findall(r"`(\w+(?:\.\w+)*)\.(\w+)\(\)`", DOCUMENT):
        path = PACKAGE / module.replace(".", "/")
        source = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
        defined = rf"^ *(?:async )?def {name}\("
        assert re.search(defined, source.read_text(encoding="utf-8"), re.MULTILINE), name
