"""Mutants: each changes one place of a source text. C++ is cut into tokens, Python is parsed."""

import ast
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

EXCHANGED = {
    "+": "-",
    "-": "+",
    "*": "+",
    "/": "*",
    "%": "/",
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "==": "!=",
    "!=": "==",
    "&&": "||",
    "||": "&&",
    "+=": "-=",
    "-=": "+=",
    "<<": ">>",
    ">>": "<<",
    "&": "|",
    "|": "&",
}
WORDS = {
    "min": "max",
    "max": "min",
    "fminf": "fmaxf",
    "fmaxf": "fminf",
    "true": "false",
    "false": "true",
}


@dataclass(frozen=True)
class Mutant:
    """A place in a file, its text, and the text of the mutant at this place."""

    file: str  # from the root of the project
    line: int
    start: int
    before: str
    after: str
    text: str  # the line, without blanks around it
    column: int  # place in this text

    @property
    def key(self) -> str:
        """Return the key of the mutant in this version of the file."""
        return hashlib.sha256(f"{self.file}\n{self.start}\n{self.before}\n{self.after}".encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.before} becomes {self.after or 'nothing'}"

    def applied(self, text: str) -> str:
        assert text[self.start : self.start + len(self.before)] == self.before
        return text[: self.start] + self.after + text[self.start + len(self.before) :]


def mutants_of(root: Path, file: str) -> list[Mutant]:
    """Return all mutants of a file, in the order of their places."""
    text = (root / file).read_text(encoding="utf-8")
    found = _python(text) if file.endswith(".py") else _cpp(text)
    lines = text.splitlines()
    out = []
    for start, before, after in sorted(set(found)):
        line = text.count("\n", 0, start) + 1
        whole = lines[line - 1]
        column = start - (text.rfind("\n", 0, start) + 1) - (len(whole) - len(whole.lstrip()))
        out.append(Mutant(file, line, start, before, after, whole.strip(), column))
    return out


Change = tuple[int, str, str]  # place, what stands there, what shall stand there

# --- C++ and CUDA ---------------------------------------------------------------------------------------------------

SKIPPED = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'"  # comments, strings
    r"|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*|\bstatic_assert\b[^;]*;|__attribute__\(\(.*?\)\)|\btemplate <[^\n]*"
    r"|\b__launch_bounds__\([^)]*\)",
    re.DOTALL | re.MULTILINE,
)
OPERATOR = re.compile(r"(?<= )(?:<<|>>|<=|>=|==|!=|&&|\|\||\+=|-=|[-+*/%<>&|])(?= )")
LOOP = re.compile(r"(?<=; )(\w+) < (\w+|LANES / 2);([^\n]*)")
NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.'])")
FLOAT = re.compile(r"(?<![\w.])\d+\.\d+f?(?![\w.])")
NAME = re.compile(r"(?<![\w.])(?:fminf|fmaxf|std::min|std::max|min|max)(?=[(<])|\b(?:true|false)\b(?=[,;)])")
JUMP = re.compile(r"\b(?:continue|return);")


def _cpp(text: str) -> Iterator[Change]:
    """Yield mutants of operators between blanks, integers, min and max, `continue` and `return`."""
    code = SKIPPED.sub(lambda m: re.sub(r"[^\n]", "\0", m.group()), text)
    undefined = set(_beyond_arrays(code))
    for m in OPERATOR.finditer(code):
        if m.start() not in undefined:
            yield m.start(), m.group(), EXCHANGED[m.group()]
    for m in NUMBER.finditer(code):
        value = int(m.group())
        yield m.start(), m.group(), str(value + 1)
        if value > 0:
            yield m.start(), m.group(), str(value - 1)
    for m in FLOAT.finditer(code):
        yield m.start(), m.group(), f"(1 + {m.group()})"
    for m in NAME.finditer(code):
        *lead, word = m.group().rpartition("::")
        yield m.start(), m.group(), "".join(lead) + WORDS[word]
    for m in JUMP.finditer(code):
        yield m.start(), m.group(), ";"


def _beyond_arrays(code: str) -> Iterator[int]:
    """Places of `<` in a loop over the lanes of a vector, or over a whole array that its line indexes.

    With `<=` the loop would read or write beyond it. That is undefined behaviour, so the tests prove nothing.
    """
    for m in LOOP.finditer(code):
        index, bound, rest = m.groups()
        arrays = re.findall(rf"\b(\w+)\[{index}\]", rest)
        whole = any(re.search(rf"\b\w+ (?:\w+[^;()\n]*, )?{a}\[{re.escape(bound)}\]", code) for a in arrays)
        if bound.startswith("LANES") or whole:
            yield m.end(1) + 1


# --- Python ---------------------------------------------------------------------------------------------------------


def _python(text: str) -> Iterator[Change]:
    """Yield mutants of operators, comparisons, numbers, min and max, `not` and jumps."""
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def place(line: int, column: int) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    def span(node: ast.expr | ast.stmt) -> tuple[int, int]:
        return place(node.lineno, node.col_offset), place(node.end_lineno or 0, node.end_col_offset or 0)

    def between(left: ast.expr, right: ast.expr, word: str, other: str) -> Iterator[Change]:
        begin, end = span(left)[1], span(right)[0]
        at = re.search(rf"(?<![\w<>=!*/]){re.escape(word)}(?![\w<>=*/])", _without_comments(text[begin:end]))
        if at:
            yield begin + at.start(), word, other

    for node in _walk(ast.parse(text)):
        match node:
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                yield from between(left, right, *BINARY[type(op)])
            case ast.AugAssign(op=op) if type(op) in BINARY:
                word, other = BINARY[type(op)]
                begin, end = span(node.target)[1], span(node.value)[0]
                at = text[begin:end].find(f"{word}=")
                yield begin + at, f"{word}=", f"{other}="
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                for a, op, b in zip([left, *comparators], ops, comparators, strict=False):
                    if type(op) in COMPARED:
                        yield from between(a, b, *COMPARED[type(op)])
            case ast.BoolOp(op=op, values=values):
                words = ("and", "or") if isinstance(op, ast.And) else ("or", "and")
                for a, b in pairwise(values):
                    yield from between(a, b, *words)
            case ast.UnaryOp(op=ast.Not()) | ast.UnaryOp(op=ast.USub()):
                begin, end = span(node)[0], span(node.operand)[0]
                yield begin, text[begin:end], ""
            case ast.Constant(value=bool(value)):
                yield span(node)[0], str(value), str(not value)
            case ast.Constant(value=int() | float()):
                begin, end = span(node)
                yield begin, text[begin:end], f"({text[begin:end]} + 1)"
                yield begin, text[begin:end], f"({text[begin:end]} - 1)"
            case ast.Call(func=ast.Name(id=name)) if name in ("min", "max"):
                yield span(node)[0], name, WORDS[name]
            case ast.Call(func=ast.Attribute(attr=name)) if name in ("minimum", "maximum"):
                yield span(node.func)[1] - len(name), name, "maximum" if name == "minimum" else "minimum"
            case ast.Continue() | ast.Break():
                yield span(node)[0], text[slice(*span(node))], "pass"
            case ast.Return(value=None):
                yield span(node)[0], "return", "pass"


BINARY = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "+"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
}
BINARY |= {ast.Mod: ("%", "//"), ast.Pow: ("**", "*"), ast.BitAnd: ("&", "|"), ast.BitOr: ("|", "&")}
COMPARED = {ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">")}
COMPARED |= {ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.Is: ("is", "is not"), ast.In: ("in", "not in")}


def _without_comments(text: str) -> str:
    return re.sub(r"#[^\n]*", lambda m: " " * len(m.group()), text)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes except annotations, strings and raised errors."""
    yield node
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Assert):
        return
    if isinstance(node, ast.keyword) and node.arg in ("strict", "frozen", "slots"):  # these guard against our mistakes
        return
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        if isinstance(node, ast.AnnAssign) and isinstance(value, ast.AST) and name == "value":
            yield from _walk(value)
            continue
        # X | Y may be a type: aliases stand at the module's level, with names that begin with a capital.
        if isinstance(node, ast.Assign) and all(
            isinstance(t, ast.Name) and t.id[0].isupper() and not t.id.isupper() for t in node.targets
        ):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk(child)
