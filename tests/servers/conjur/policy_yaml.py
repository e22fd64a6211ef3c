"""Reads a policy document into nodes, and knows where each node stands."""

import yaml

# Conjur shows libyaml's wording; PyYAML's own parser says the same things in other words.
_LIBYAML_WORDING = (
    ("expected the node content", "did not find expected node content"),
    ("expected ',' or ']'", "did not find expected ',' or ']'"),
    ("expected ',' or '}'", "did not find expected ',' or '}'"),
    ("expected <block end>", "did not find expected '-' indicator"),
)


class PolicyError(Exception):
    """A policy cannot be loaded.

    Attributes:
        line: as libyaml counts, or nothing when the document is no YAML at all.
        column: likewise.
    """

    def __init__(self, message: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class _Loader(yaml.SafeLoader):
    """Composes nodes and notes how far the parser had read when it met each of them."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.positions: dict[int, tuple[int, int]] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.check_event()
        position = (self.line, self.column)
        node = super().compose_node(parent, index)
        self.positions.setdefault(id(node), position)
        return node


class PolicyText:
    """A parsed document."""

    def __init__(self, text: str) -> None:
        loader = _Loader(text)
        try:
            self.root: yaml.Node | None = loader.get_single_node()
        except yaml.MarkedYAMLError as problem:
            raise PolicyError(_wording(problem)) from None
        finally:
            loader.dispose()
        self._positions = loader.positions

    def error(self, node: yaml.Node, message: str) -> PolicyError:
        """Make the error for *node*; Conjur reports where the parser stood, which is past a plain scalar."""
        line, column = self._positions[id(node)]
        return PolicyError(message, line=line, column=column)


def _wording(problem: yaml.MarkedYAMLError) -> str:
    said = problem.problem or "syntax error"
    said = next((theirs for ours, theirs in _LIBYAML_WORDING if said.startswith(ours)), said)
    return f"{said} {problem.context}" if problem.context else said
