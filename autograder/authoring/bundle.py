"""Make test files self-contained by copying the definitions they use.

Otter runs a test file in an empty namespace, and students have no package of ours, so a test file must hold all that
its tests use. `bundle` follows the names in the tests through a lab's shared cell and through the modules of
`autograder.checks`, and returns just those definitions: each once, in the order of their modules, without comments,
docstrings and annotations. The functions here map text to text.

What may stand at the top level of a module is limited to what can be followed: imports, functions, classes and plain
assignments. Everything else (`TABLE["x"] = 1`, `if`, `try`, `globals()`) would be lost without a word, and is refused.
"""

from __future__ import annotations

import ast
import builtins
import functools
import io
import symtable
import tokenize
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources

from autograder.errors import MasterError

LIBRARY = "autograder.checks"
_FORBIDDEN = frozenset({"globals", "locals", "vars", "eval", "exec", "__import__"})
_GIVEN = frozenset({*dir(builtins), "__name__", "__file__", "__doc__"})


@dataclass(frozen=True)
class Source:
    """A piece of Python text and its place, for error messages.

    `line` is the number of its first line.
    """

    text: str
    file: str
    line: int | None = 1
    question: str | None = None

    def fault(self, message: str, line: int | None = None) -> MasterError:
        """Return an error about a line of this text, counted from 1."""
        place = None if self.line is None or line is None else self.line + line - 1
        return MasterError(message, file=self.file, question=self.question, line=place or self.line)


@dataclass(frozen=True)
class Test:
    """A test cell's function, and the imports that stood above it."""

    __test__ = False  # not a pytest class

    name: str
    function: str
    parameters: tuple[str, ...]
    used: frozenset[str]
    imports: Mapping[str, _Import]
    source: Source
    function_line: int


@dataclass(frozen=True)
class _Import:
    """A name that an import binds, and its line.

    `origin` is the name in `module`, None for `import module`.
    """

    module: str
    origin: str | None
    alias: str
    line: int

    @property
    def is_library(self) -> bool:
        return self.module == LIBRARY or self.module.startswith(f"{LIBRARY}.")

    @property
    def statement(self) -> str:
        """The import as its own statement."""
        if self.origin is None:
            head, _, tail = self.module.partition(".")
            bound = head if tail else self.module
            return f"import {self.module}" if self.alias == bound else f"import {self.module} as {self.alias}"
        renamed = "" if self.alias == self.origin else f" as {self.alias}"
        return f"from {self.module} import {self.origin}{renamed}"


@dataclass(frozen=True)
class _Definition:
    """A top-level definition: its cleaned text and the global names it uses."""

    name: str
    text: str
    used: frozenset[str]
    line: int


@dataclass(frozen=True)
class _Module:
    source: Source
    imports: Mapping[str, _Import]
    definitions: tuple[_Definition, ...]

    def definition(self, name: str) -> _Definition | None:
        return next((found for found in self.definitions if name == found.name), None)


def library_sources() -> dict[str, Source]:
    """Return the modules of the check library as they are installed, by dotted name."""
    folder = resources.files(LIBRARY)
    files = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".py"))
    return {
        f"{LIBRARY}.{file.removesuffix('.py')}": Source(
            (folder / file).read_text(encoding="utf-8"), f"{LIBRARY.replace('.', '/')}/{file}"
        )
        for file in files
        if file != "__init__.py"
    }


def read_test(source: Source) -> Test:
    """Read a test cell: imports, then exactly one function.

    Raises:
        MasterError: the cell holds anything else.
    """
    body = _parse(source).body
    head, functions = body[:-1], body[-1:]
    others = [node for node in head if not isinstance(node, ast.Import | ast.ImportFrom)]
    if others or not functions or not isinstance(functions[0], ast.FunctionDef):
        count = sum(isinstance(node, ast.FunctionDef) for node in body)
        raise source.fault(
            "a test cell holds imports and exactly one function, nothing else; this one has "
            f"{count} functions among {len(body)} statements: put each test into its own cell, and what tests share "
            "into the cell tagged `test-helpers`",
            others[0].lineno if others else None,
        )
    function = functions[0]
    first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
    text = "\n".join(source.text.split("\n")[first - 1 :])
    arguments = function.args
    parameters = tuple(argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs))
    imports = dict(_imports(head, source))
    return Test(function.name, text, parameters, used_names(text), imports, source, first)


def bundle(
    tests: Sequence[Test],
    *,
    shared: Source | None = None,
    library: Mapping[str, Source],
    answers: Collection[str] = (),
) -> str:
    """Return the text to put in front of the tests of one test file.

    Args:
        tests: the tests of the file.
        shared: the lab's cell of imports and functions that its tests share.
        library: the modules of the check library, by dotted name.
        answers: the answer variables of the lab; nothing that tests use may have such a name.

    Raises:
        MasterError: a test uses a name that is defined nowhere, a definition has the name of an answer, or a module
            holds what cannot be followed; with file and line.
    """
    own = _read_module(shared if shared is not None else Source("", "", None))
    needed = _Needed(_Modules(library))
    needed.check_imports(own)
    for test in tests:
        _check_shadowing(test, own)
        for name in sorted(test.used):
            needed.follow_test(test, name, own)
    for module, definition in needed.definitions():
        if definition.name in answers:
            raise module.source.fault(
                f"`{definition.name}` is defined for the tests and is also the name of an answer, which would hide it, "
                "so that the test passes without checking: rename the definition",
                definition.line,
            )
    defined = {definition.name for _, definition in needed.definitions()}
    for test in tests:
        if test.name in defined:
            raise test.source.fault(f"the test has the name of `{test.name}`, which tests use", test.function_line)
    parts = [definition.text for _, definition in needed.definitions()]
    return "\n\n\n".join([*filter(None, ["\n".join(needed.import_lines())]), *_joined(parts)])


def used_names(text: str) -> frozenset[str]:
    """Return the global names that a piece of Python uses but does not define.

    Built-in names are left out.
    """
    table = symtable.symtable(text, "<bundle>", "exec")
    used = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_referenced() and not (symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace())
    }
    defined = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_namespace()}
    for scope in _scopes(table):
        used |= {symbol.get_name() for symbol in scope.get_symbols() if symbol.is_global()}
    return frozenset(used - defined - (_GIVEN - _FORBIDDEN))


def cleaned(text: str) -> str:
    """Return Python source without comments, docstrings, annotations, blank lines.

    Annotations in the body of a class stay: they are the fields of a dataclass.
    """
    tree = ast.parse(text)
    lines = [line.encode() for line in text.split("\n")]
    for node in sorted(_removable(tree), key=lambda node: node.start, reverse=True):
        _replace(lines, node)
    without = without_comments("\n".join(line.decode() for line in lines))
    kept = _rows_in_strings(without)
    rows = without.split("\n")
    return "\n".join(
        line if row in kept else line.rstrip() for row, line in enumerate(rows) if line.strip() or row in kept
    )


def without_comments(source: str) -> str:
    """Return Python source without comments and outer blank lines."""
    lines = source.split("\n")
    for token in reversed(list(tokenize.generate_tokens(io.StringIO(source).readline))):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            before = lines[row - 1][:column].rstrip()
            lines[row - 1 : row] = [before] if before else []
    return "\n".join(lines).strip("\n")


def _rows_in_strings(text: str) -> set[int]:
    """Return the rows, from 0, whose line end lies within a string.

    There, blanks are part of the value.
    """
    strings = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant | ast.JoinedStr))
    return {row for node in strings for row in range(node.lineno - 1, (node.end_lineno or node.lineno) - 1)}


def _scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _scopes(child)


@dataclass(frozen=True)
class _Cut:
    """A range of text to replace, by line and byte counted from 0."""

    start: tuple[int, int]
    end: tuple[int, int]
    text: str = ""


def _removable(tree: ast.Module) -> Iterator[_Cut]:
    # Dataclasses are made from the annotations in their bodies.
    fields = {id(field) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for field in node.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation is not None:
            start = (node.lineno - 1, node.col_offset + len(node.arg.encode()))
            yield _Cut(start, _end(node.annotation))
        elif isinstance(node, ast.AnnAssign) and id(node) not in fields:
            if node.value is not None:
                yield _Cut(_end(node.target), _end(node.annotation))
            else:
                yield _Cut(_start(node), _end(node), "pass")
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                yield _Cut(_start(first), _end(first), "pass" if len(node.body) == 1 else "")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            # ` -> annotation`: the arrow is the last one before the annotation, and cut with it in _replace
            yield _Cut(_start(node.returns), _end(node.returns), "->")


def _start(node: ast.expr | ast.stmt) -> tuple[int, int]:
    return node.lineno - 1, node.col_offset


def _end(node: ast.expr | ast.stmt) -> tuple[int, int]:
    return (node.end_lineno or node.lineno) - 1, node.end_col_offset or 0


def _replace(lines: list[bytes], cut: _Cut) -> None:
    (first, start), (last, end) = cut.start, cut.end
    before, after, text = lines[first][:start], lines[last][end:], cut.text.encode()
    if cut.text == "->":
        before, text = before.rstrip().removesuffix(b"->").rstrip(), b""
    lines[first : last + 1] = [before + text + after]


class _Modules:
    """Read the modules of the library when they are needed, each once."""

    def __init__(self, library: Mapping[str, Source]) -> None:
        self._library = library
        self._read: dict[str, _Module] = {}

    def of(self, name: str, asked_by: Source, line: int) -> _Module:
        if name not in self._library:
            raise asked_by.fault(
                f"there is no module {name} in the check library: there are {', '.join(sorted(self._library))}", line
            )
        if name not in self._read:
            self._read[name] = _read_module(self._library[name])
        return self._read[name]


@functools.lru_cache(maxsize=64)
def _read_module(source: Source) -> _Module:
    body = list(_parse(source).body)
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        del body[0]
    imports = dict(_imports([node for node in body if isinstance(node, ast.Import | ast.ImportFrom)], source))
    definitions = tuple(_definition(node, source) for node in body if not isinstance(node, ast.Import | ast.ImportFrom))
    seen: set[str] = set()
    for definition in definitions:
        if definition.name in seen or definition.name in imports:
            raise source.fault(f"`{definition.name}` is defined twice: keep one definition", definition.line)
        seen.add(definition.name)
    return _Module(source, imports, definitions)


def _definition(node: ast.stmt, source: Source) -> _Definition:
    first = node.lineno
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        name = node.name
        first = min([first, *(decorator.lineno for decorator in node.decorator_list)])
    elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        name = node.targets[0].id
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        name = node.target.id
    else:
        raise source.fault(
            "this statement cannot be copied into test files: the top level of what tests share may hold imports, "
            "functions, classes and assignments to one name",
            node.lineno,
        )
    try:
        text = cleaned("\n".join(source.text.split("\n")[first - 1 : node.end_lineno]))
    except (SyntaxError, tokenize.TokenError) as error:
        raise source.fault("an annotation here stands in brackets of its own: write it without", node.lineno) from error
    used = used_names(text)
    if forbidden := sorted(used & _FORBIDDEN):
        raise source.fault(
            f"`{forbidden[0]}` reaches names by text, which cannot be followed: use the names themselves", node.lineno
        )
    return _Definition(name, text, used, first)


def _imports(nodes: Sequence[ast.stmt], source: Source) -> Iterator[tuple[str, _Import]]:
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            if module == "__future__":
                continue
            for alias in node.names:
                found = _Import(module, alias.name, alias.asname or alias.name, node.lineno)
                if node.level or alias.name == "*":
                    raise source.fault(f"write `from {module.lstrip('.') or 'module'} import name` here", node.lineno)
                if found.is_library and found.alias != found.origin:
                    raise source.fault(f"import {alias.name} under its own name, without `as`", node.lineno)
                yield found.alias, found
        elif isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.split(".")[0]
                found = _Import(alias.name, None, bound, node.lineno)
                if found.is_library:
                    raise source.fault(f"import names, not the module: `from {alias.name} import name`", node.lineno)
                yield bound, found


def _parse(source: Source) -> ast.Module:
    try:
        return ast.parse(source.text)
    except SyntaxError as error:
        raise source.fault(f"Python cannot read this: {error.msg}", error.lineno) from error


def _check_shadowing(test: Test, shared: _Module) -> None:
    """Refuse a parameter that shadows an import or definition of the test."""
    for name in test.parameters:
        imported = test.imports.get(name) or shared.imports.get(name)
        if (imported is not None and imported.is_library) or shared.definition(name) is not None:
            raise test.source.fault(
                f"the parameter `{name}` hides what tests use under the same name, so the test would pass without "
                "checking: rename the definition, or import another one",
                test.function_line,
            )
    for name, imported in test.imports.items():
        if name not in test.used:
            raise test.source.fault(f"`{name}` is imported but not used in this test: remove it", imported.line)


@dataclass
class _Needed:
    """Collects the definitions and imports that tests use, directly or through others."""

    modules: _Modules
    found: set[tuple[str, str]] = field(default_factory=set)
    order: list[_Module] = field(default_factory=list)
    external: set[str] = field(default_factory=set)
    owners: dict[str, tuple[str, Source, int]] = field(default_factory=dict)

    def check_imports(self, shared: _Module) -> None:
        """Refuse an import of a missing library name, even if no test uses it."""
        for imported in shared.imports.values():
            if imported.is_library and not self.modules.of(imported.module, shared.source, imported.line).definition(
                imported.origin or ""
            ):
                raise shared.source.fault(f"there is no `{imported.origin}` in {imported.module}", imported.line)

    def follow_test(self, test: Test, name: str, shared: _Module) -> None:
        line = _line_of(name, test)
        if name in test.imports:
            self._follow_import(test.imports[name], test.source)
        elif not self._follow(name, shared):
            raise test.source.fault(
                f"the test uses `{name}`, which is defined nowhere: import it above the function, or in the cell "
                "tagged `test-helpers`",
                line,
            )

    def _follow(self, name: str, module: _Module) -> bool:
        """Add the definition of a name and, recursively, of the names it uses."""
        if name in module.imports:
            self._follow_import(module.imports[name], module.source)
            return True
        definition = module.definition(name)
        if definition is None:
            return False
        key = (module.source.file, definition.name)
        if key in self.found:
            return True
        self._own(name, f"{key[0]}:{key[1]}", module.source, definition.line)
        self.found.add(key)
        self._arrange(module, ())
        for used in sorted(definition.used):
            if not self._follow(used, module):
                raise module.source.fault(
                    f"`{definition.name}` uses `{used}`, which is defined nowhere: import or define it",
                    definition.line,
                )
        return True

    def _arrange(self, module: _Module, importers: tuple[str, ...]) -> None:
        """Place a module after those it imports.

        Its assignments and decorators run when the test file is loaded.
        """
        if module in self.order:
            return
        for imported in module.imports.values():
            if imported.is_library:
                if imported.module in importers:
                    raise module.source.fault(f"this import and {imported.module} form a circle", imported.line)
                other = self.modules.of(imported.module, module.source, imported.line)
                self._arrange(other, (*importers, imported.module))
        self.order.append(module)

    def _follow_import(self, imported: _Import, source: Source) -> None:
        if not imported.is_library:
            self._own(imported.alias, imported.statement, source, imported.line)
            self.external.add(imported.statement)
            return
        module = self.modules.of(imported.module, source, imported.line)
        if not self._follow(imported.origin or "", module):
            raise source.fault(f"there is no `{imported.origin}` in {imported.module}", imported.line)

    def _own(self, name: str, meaning: str, source: Source, line: int) -> None:
        """Refuse a name with two meanings, since a test file has one namespace."""
        known = self.owners.setdefault(name, (meaning, source, line))
        if known[0] != meaning:
            raise source.fault(
                f"`{name}` means two things in one test file: it is also defined in {known[1].file}; rename one", line
            )

    def definitions(self) -> list[tuple[_Module, _Definition]]:
        """Return the definitions in an order that runs: by module, then as written."""
        return [
            (module, definition)
            for module in self.order
            for definition in module.definitions
            if (module.source.file, definition.name) in self.found
        ]

    def import_lines(self) -> list[str]:
        """Return the imports of other packages, plain ones first."""
        return sorted(self.external, key=lambda line: (line.startswith("from "), line))


def _line_of(name: str, test: Test) -> int:
    """Return the line of the cell at which a test first uses a name."""
    nodes = ast.walk(ast.parse(test.function))
    lines = [node.lineno for node in nodes if isinstance(node, ast.Name) and node.id == name]
    return test.function_line + min(lines, default=1) - 1


def _joined(parts: Sequence[str]) -> list[str]:
    """Put one-line assignments that follow each other together."""
    joined: list[str] = []
    for part in parts:
        if (
            joined
            and not part.startswith(("def ", "class ", "@"))
            and not joined[-1].startswith(("def ", "class ", "@"))
        ):
            joined[-1] += f"\n{part}"
        else:
            joined.append(part)
    return joined
