"""The programs that the tests start: told what to do as JSON on standard input, they say as JSON what came of it."""
